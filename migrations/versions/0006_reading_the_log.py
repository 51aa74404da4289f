"""Indexes by which auditors read the log without going through all of it."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"

EVENT_FIELD = """
CREATE FUNCTION event_field(state bytea, name text) RETURNS text
LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE AS $$
BEGIN
    RETURN convert_from(state, 'UTF8')::json ->> name;
END $$
"""
"""The cast depends on no setting, but PostgreSQL does not call it immutable."""

BEGINNINGS = "topic IN ('ConversationStarted', 'NoteAdded', 'TaskQueued')"


def upgrade() -> None:
    op.execute(EVENT_FIELD)
    op.create_index("stored_events_recorded_at_idx", "stored_events", ["recorded_at"])
    for name, key in (("actor", "actor"), ("correlation", "correlation_id")):
        op.create_index(
            f"stored_events_{name}_idx",
            "stored_events",
            [sa.text(f"(metadata ->> '{key}')"), "notification_id"],
        )
    op.create_index(
        "stored_events_begun_video_id_idx",
        "stored_events",
        [sa.text("event_field(state, 'video_id')")],
        postgresql_where=sa.text(BEGINNINGS),
    )
