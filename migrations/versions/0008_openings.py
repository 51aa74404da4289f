"""Which videos a person opened; and auditors find an opening by its video."""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"

BEGINNINGS = "topic IN ('ConversationStarted', 'NoteAdded', 'TaskQueued', 'VideoOpened')"


def upgrade() -> None:
    op.execute("CREATE SEQUENCE opening_ids AS bigint")
    op.create_table(
        "openings",
        sa.Column("id", sa.BigInteger, nullable=False, autoincrement=False),
        sa.Column("user_id", sa.BigInteger, nullable=False),
        sa.Column("video_id", sa.Text, nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name="openings_pkey"),
        sa.UniqueConstraint("user_id", "video_id", name="openings_user_id_video_id_key"),
    )
    op.drop_index("stored_events_begun_video_id_idx", "stored_events")
    op.create_index(
        "stored_events_begun_video_id_idx",
        "stored_events",
        [sa.text("event_field(state, 'video_id')")],
        postgresql_where=sa.text(BEGINNINGS),
    )
