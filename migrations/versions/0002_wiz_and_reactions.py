"""Turns of conversations, daily quotas, tasks on single notes, and the reactions' bookkeeping."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import UUID

revision = "0002"
down_revision = "0001"

INSTANT = sa.DateTime(timezone=True)
OPEN_TASK = "status IN ('pending', 'in_progress')"


def upgrade() -> None:
    op.add_column("videos", sa.Column("summary_requested_at", INSTANT))
    _tasks_on_notes()
    _turns()
    _quotas()
    _reactions()


def _tasks_on_notes() -> None:
    op.create_index(
        "tasks_by_video_idx", "tasks", [sa.text("(task_details ->> 'video_id')"), "task_type", "id"]
    )
    op.drop_index("tasks_one_open_per_video_idx", "tasks")
    op.create_index(
        "tasks_one_open_per_video_idx",
        "tasks",
        [
            sa.text("(task_details ->> 'video_id')"),
            "task_type",
            sa.text("coalesce(task_details ->> 'note_id', '')"),
        ],
        unique=True,
        postgresql_where=sa.text(OPEN_TASK),
    )


def _turns() -> None:
    op.create_table(
        "turns",
        sa.Column("id", sa.BigInteger, nullable=False, autoincrement=False),
        sa.Column("conversation_id", sa.BigInteger, nullable=False),
        sa.Column("status", sa.Text, nullable=False),
        sa.Column("server", sa.BigInteger, nullable=False),
        sa.Column("answer_id", sa.BigInteger),
        sa.Column("reason", sa.Text),
        sa.Column("partial", sa.Text),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.Column("updated_at", INSTANT, nullable=False),
        sa.Column("version", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("id", name="turns_pkey"),
        sa.CheckConstraint(
            "status IN ('answering', 'completed', 'stopped', 'failed')",
            name=op.f("turns_status_check"),
        ),
    )
    op.create_index("turns_conversation_id_idx", "turns", ["conversation_id"])
    op.create_index(
        "turns_answering_idx", "turns", ["id"], postgresql_where=sa.text("status = 'answering'")
    )


def _quotas() -> None:
    op.create_table(
        "quotas",
        sa.Column("identity", sa.Text, nullable=False),
        sa.Column("day", sa.Date, nullable=False),
        sa.Column("used", sa.Integer, nullable=False),
        sa.Column("most", sa.Integer, nullable=False),
        sa.PrimaryKeyConstraint("identity", "day", name="quotas_pkey"),
    )
    op.create_index("quotas_day_idx", "quotas", ["day"])


def _reactions() -> None:
    op.create_table(
        "reaction_checkpoints",
        sa.Column("reaction", sa.Text, nullable=False),
        sa.Column("position", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("reaction", name="reaction_checkpoints_pkey"),
    )
    op.create_table(
        "parked_events",
        sa.Column("reaction", sa.Text, nullable=False),
        sa.Column("position", sa.BigInteger, nullable=False),
        sa.Column("originator_id", UUID, nullable=False),
        sa.Column("attempts", sa.Integer, nullable=False),
        sa.Column("error", sa.Text),
        sa.Column("parked_at", INSTANT, nullable=False),
        sa.Column("try_at", INSTANT),
        sa.PrimaryKeyConstraint("reaction", "position", name="parked_events_pkey"),
    )
    op.create_index(
        "parked_events_reaction_originator_id_position_idx",
        "parked_events",
        ["reaction", "originator_id", "position"],
    )
