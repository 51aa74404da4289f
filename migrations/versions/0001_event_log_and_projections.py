"""The event log, what is kept beside it, and the projected tables."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSON, JSONB, UUID

revision = "0001"
down_revision = None

INSTANT = sa.DateTime(timezone=True)

CHAIN_EVENT = """
CREATE FUNCTION chain_event() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    head record;
    field text;
    chained bytea;
BEGIN
    -- One appender at a time until its commit: position order is commit order.
    PERFORM pg_advisory_xact_lock(7163391, 1);
    SELECT notification_id, hash INTO head
        FROM public.stored_events ORDER BY notification_id DESC LIMIT 1;
    IF NEW.notification_id IS NOT NULL
            AND NEW.notification_id <> coalesce(head.notification_id, 0) + 1 THEN
        RAISE EXCEPTION 'position % does not follow %', NEW.notification_id, head.notification_id
            USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    NEW.notification_id := coalesce(head.notification_id, 0) + 1;
    NEW.previous_hash := coalesce(head.hash, decode(repeat('00', 32), 'hex'));
    chained := NEW.previous_hash;
    FOREACH field IN ARRAY ARRAY[
        NEW.notification_id::text,
        NEW.originator_id::text,
        NEW.originator_version::text,
        NEW.topic,
        to_char(NEW.recorded_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'),
        NEW.metadata::text
    ] LOOP
        chained := chained || int4send(octet_length(field)) || convert_to(field, 'UTF8');
    END LOOP;
    NEW.hash := sha256(chained || int4send(octet_length(NEW.state)) || NEW.state);
    RETURN NEW;
END $$
"""

REFUSE_CHANGE = """
CREATE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'the event log is append-only: % refused', TG_OP
        USING ERRCODE = 'insufficient_privilege';
END $$
"""

EVENT_LOG_VIEW = """
CREATE VIEW event_log AS
SELECT notification_id AS position,
       originator_id AS stream_id,
       originator_version AS version,
       topic,
       convert_from(state, 'UTF8')::jsonb AS data,
       recorded_at,
       metadata ->> 'actor' AS actor,
       metadata ->> 'correlation_id' AS correlation_id,
       metadata ->> 'causation_id' AS causation_id,
       encode(previous_hash, 'hex') AS previous_hash,
       encode(hash, 'hex') AS hash
FROM stored_events
"""

OPEN_TASK = "status IN ('pending', 'in_progress')"


def upgrade() -> None:
    for noun in ("user", "video", "note", "task", "conversation", "message"):
        op.execute(sa.schema.CreateSequence(sa.Sequence(f"{noun}_ids", data_type=sa.BigInteger)))
    _event_log()
    _beside_the_log()
    _users_and_videos()
    _notes()
    _tasks()
    _conversations()


def _event_log() -> None:
    op.create_table(
        "stored_events",
        sa.Column("originator_id", UUID, nullable=False),
        sa.Column("originator_version", sa.BigInteger, nullable=False),
        sa.Column("topic", sa.Text, nullable=False),
        sa.Column("state", sa.LargeBinary, nullable=False),
        sa.Column("notification_id", sa.BigInteger, nullable=False),
        sa.Column("recorded_at", INSTANT, nullable=False, server_default=sa.func.clock_timestamp()),
        sa.Column("metadata", JSON, nullable=False, server_default=sa.text("'{}'")),
        sa.Column("previous_hash", sa.LargeBinary, nullable=False),
        sa.Column("hash", sa.LargeBinary, nullable=False),
        sa.PrimaryKeyConstraint("originator_id", "originator_version", name="stored_events_pkey"),
        sa.UniqueConstraint("notification_id", name="stored_events_notification_id_key"),
    )
    op.execute(CHAIN_EVENT)
    op.execute(
        "CREATE TRIGGER chain_event BEFORE INSERT ON stored_events"
        " FOR EACH ROW EXECUTE FUNCTION chain_event()"
    )
    op.execute(REFUSE_CHANGE)
    op.execute(
        "CREATE TRIGGER refuse_change BEFORE UPDATE OR DELETE OR TRUNCATE ON stored_events"
        " FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()"
    )
    for trigger in ("chain_event", "refuse_change"):  # also for a session that acts as a replica
        op.execute(f"ALTER TABLE stored_events ENABLE ALWAYS TRIGGER {trigger}")
    op.execute(EVENT_LOG_VIEW)


def _beside_the_log() -> None:
    op.create_table(
        "credentials",
        sa.Column("user_id", sa.BigInteger, nullable=False, autoincrement=False),
        sa.Column("password_hash", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("user_id", name="credentials_pkey"),
    )
    op.create_table(
        "idempotency_keys",
        sa.Column("user_id", sa.BigInteger, nullable=False),
        sa.Column("key", sa.Text, nullable=False),
        sa.Column("fingerprint", sa.Text, nullable=False),
        sa.Column("note_id", sa.BigInteger, nullable=False),
        sa.Column("used_at", INSTANT, nullable=False),
        sa.PrimaryKeyConstraint("user_id", "key", name="idempotency_keys_pkey"),
    )
    op.create_index("idempotency_keys_used_at_idx", "idempotency_keys", ["used_at"])


def _users_and_videos() -> None:
    op.create_table(
        "users",
        sa.Column("id", sa.BigInteger, nullable=False, autoincrement=False),
        sa.Column("email", sa.Text, nullable=False),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("google_id", sa.Text),
        sa.Column("profile_image_url", sa.Text),
        sa.Column("ai_notes_enabled", sa.Boolean, nullable=False),
        sa.Column("long_term_token_id", sa.Text),
        sa.Column("long_term_token_issued_at", INSTANT),
        *_row_envelope(),
        sa.PrimaryKeyConstraint("id", name="users_pkey"),
        sa.UniqueConstraint("email", name="users_email_key"),
        sa.UniqueConstraint("google_id", name="users_google_id_key"),
    )
    op.create_table(
        "videos",
        sa.Column("id", sa.BigInteger, nullable=False, autoincrement=False),
        sa.Column("video_id", sa.Text, nullable=False),
        sa.Column("title", sa.Text),
        sa.Column("metadata", JSONB),
        sa.Column("transcript_available", sa.Boolean, nullable=False),
        sa.Column("transcript_sha256", sa.Text),
        sa.Column("transcript_segments", sa.Integer),
        sa.Column("summary", sa.Text),
        *_row_envelope(),
        sa.PrimaryKeyConstraint("id", name="videos_pkey"),
        sa.UniqueConstraint("video_id", name="videos_video_id_key"),
    )


def _notes() -> None:
    op.create_table(
        "notes",
        sa.Column("id", sa.BigInteger, nullable=False, autoincrement=False),
        sa.Column("user_id", sa.BigInteger, nullable=False),
        sa.Column("video_id", sa.Text, nullable=False),
        sa.Column("timestamp", sa.Text, nullable=False),
        sa.Column("text", sa.Text),
        sa.Column("generated_by_ai", sa.Boolean, nullable=False),
        *_row_envelope(),
        sa.PrimaryKeyConstraint("id", name="notes_pkey"),
    )
    op.create_index("notes_user_id_video_id_id_idx", "notes", ["user_id", "video_id", "id"])
    op.create_index(
        "notes_without_words_idx",
        "notes",
        ["video_id"],
        postgresql_where=sa.text("text IS NULL OR text = ''"),
    )


def _tasks() -> None:
    op.create_table(
        "tasks",
        sa.Column("id", sa.BigInteger, nullable=False, autoincrement=False),
        sa.Column("task_type", sa.Text, nullable=False),
        sa.Column("status", sa.Text, nullable=False),
        sa.Column("task_details", JSONB, nullable=False),
        sa.Column("worker_details", JSONB),
        sa.Column("retry_count", sa.Integer, nullable=False),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.Column("started_at", INSTANT),
        sa.Column("completed_at", INSTANT),
        sa.Column("updated_at", INSTANT, nullable=False),
        sa.Column("version", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("id", name="tasks_pkey"),
        sa.CheckConstraint(
            "status IN ('pending', 'in_progress', 'completed', 'failed', 'cancelled')",
            name=op.f("tasks_status_check"),  # as it is: no convention applies
        ),
    )
    op.create_index(
        "tasks_claimable_idx", "tasks", ["task_type", "id"], postgresql_where=sa.text(OPEN_TASK)
    )
    op.create_index(
        "tasks_one_open_per_video_idx",
        "tasks",
        [sa.text("(task_details ->> 'video_id')"), "task_type"],
        unique=True,
        postgresql_where=sa.text(OPEN_TASK),
    )


def _conversations() -> None:
    op.create_table(
        "conversations",
        sa.Column("id", sa.BigInteger, nullable=False, autoincrement=False),
        sa.Column("user_id", sa.BigInteger),
        sa.Column("guest_id", sa.Text),
        sa.Column("video_id", sa.Text, nullable=False),
        *_row_envelope(),
        sa.PrimaryKeyConstraint("id", name="conversations_pkey"),
    )
    op.create_index("conversations_user_id_video_id_idx", "conversations", ["user_id", "video_id"])
    op.create_index(
        "conversations_guest_id_video_id_idx", "conversations", ["guest_id", "video_id"]
    )
    op.create_table(
        "messages",
        sa.Column("id", sa.BigInteger, nullable=False, autoincrement=False),
        sa.Column("conversation_id", sa.BigInteger, nullable=False),
        sa.Column("role", sa.Text, nullable=False),
        sa.Column("content", sa.Text, nullable=False),
        sa.Column("metadata", JSONB),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.PrimaryKeyConstraint("id", name="messages_pkey"),
    )
    op.create_index("messages_conversation_id_id_idx", "messages", ["conversation_id", "id"])


def _row_envelope() -> list[sa.Column[object]]:
    return [
        sa.Column("created_at", INSTANT, nullable=False),
        sa.Column("updated_at", INSTANT, nullable=False),
        sa.Column("version", sa.BigInteger, nullable=False),
    ]
