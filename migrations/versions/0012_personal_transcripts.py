"""Transcripts that persons bring are theirs alone: their table, passages, and tasks."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import TIMESTAMP

revision = "0012"
down_revision = "0011"

INSTANT = TIMESTAMP(timezone=True)


def upgrade() -> None:
    op.execute(sa.schema.CreateSequence(sa.Sequence("transcript_ids", data_type=sa.BigInteger)))
    _personal_transcripts()
    op.add_column("videos", sa.Column("transcript_origin", sa.Text))
    op.execute("UPDATE videos SET transcript_origin = 'unknown' WHERE transcript_available")
    op.add_column(
        "passages", sa.Column("user_id", sa.BigInteger, nullable=False, server_default=sa.text("0"))
    )
    op.drop_constraint("passages_pkey", "passages")
    op.create_primary_key("passages_pkey", "passages", ["video_id", "user_id", "number"])
    _one_open_task()
    op.create_index(
        "tasks_own_idx",
        "tasks",
        [sa.text("(task_details ->> 'user_id')")],
        postgresql_where=sa.text("(task_details ->> 'user_id') IS NOT NULL"),
    )


def _personal_transcripts() -> None:
    op.create_table(
        "personal_transcripts",
        sa.Column("id", sa.BigInteger, autoincrement=False),
        sa.Column("user_id", sa.BigInteger, nullable=False),
        sa.Column("video_id", sa.Text, nullable=False),
        sa.Column("object_key", sa.Text),
        sa.Column("sha256", sa.Text),
        sa.Column("words_sha256", sa.Text),
        sa.Column("segment_count", sa.Integer),
        sa.Column("source", sa.Text),
        sa.Column("chosen", sa.Boolean, nullable=False),
        sa.Column("summary", sa.Text),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.Column("updated_at", INSTANT, nullable=False),
        sa.Column("version", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("id", name="personal_transcripts_pkey"),
        sa.UniqueConstraint(
            "user_id", "video_id", name="personal_transcripts_user_id_video_id_key"
        ),
    )
    op.create_index(
        "personal_transcripts_video_id_words_sha256_idx",
        "personal_transcripts",
        ["video_id", "words_sha256"],
    )


def _one_open_task() -> None:
    op.drop_index("tasks_one_open_per_video_idx", "tasks")
    op.create_index(
        "tasks_one_open_per_video_idx",
        "tasks",
        [
            sa.text("(task_details ->> 'video_id')"),
            "task_type",
            sa.text("coalesce(task_details ->> 'note_id', '')"),
            sa.text("coalesce(task_details ->> 'user_id', '')"),
        ],
        unique=True,
        postgresql_where=sa.text("status IN ('pending', 'in_progress')"),
    )
