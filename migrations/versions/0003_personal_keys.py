"""Keys of persons, owners of messages and turns, and the log by topic."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"

INSTANT = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.create_index(
        "stored_events_topic_notification_id_idx", "stored_events", ["topic", "notification_id"]
    )
    _keys()
    for table in ("messages", "turns"):
        _owner(table)


def _keys() -> None:
    op.create_table(
        "personal_keys",
        sa.Column("person", sa.Text, nullable=False),
        sa.Column("wrapped_key", sa.LargeBinary),
        sa.Column("created_at", INSTANT, nullable=False, server_default=sa.func.clock_timestamp()),
        sa.Column("erased_at", INSTANT),
        sa.PrimaryKeyConstraint("person", name="personal_keys_pkey"),
    )
    op.create_table(
        "master_keys",
        sa.Column("id", sa.Integer, nullable=False, autoincrement=False),
        sa.Column("check_value", sa.LargeBinary, nullable=False),
        sa.PrimaryKeyConstraint("id", name="master_keys_pkey"),
        sa.CheckConstraint("id = 1", name=op.f("master_keys_only_one_check")),
    )


def _owner(table: str) -> None:
    op.add_column(table, sa.Column("user_id", sa.BigInteger))
    op.execute(
        f"UPDATE {table} SET user_id = conversations.user_id FROM conversations"
        f" WHERE conversations.id = {table}.conversation_id"
    )
    op.create_index(f"{table}_user_id_idx", table, ["user_id"])
