"""Messages and turns name the guest whose they are, so that guests can be erased too."""

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"


def upgrade() -> None:
    for table in ("messages", "turns"):
        op.add_column(table, sa.Column("guest_id", sa.Text))
        op.execute(
            f"UPDATE {table} SET guest_id = conversations.guest_id FROM conversations"
            f" WHERE conversations.id = {table}.conversation_id"
            " AND conversations.guest_id IS NOT NULL"
        )
        op.create_index(f"{table}_guest_id_idx", table, ["guest_id"])
