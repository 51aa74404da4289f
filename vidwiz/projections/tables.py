"""Every table, defined once; the migrations build them and a test holds the two equal.

A projected table's ``version`` is the version of the row's stream, so that a command knows
what it decided upon. Public ids come from the sequences here and are recorded in the events.
"""

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    Computed,
    Date,
    DateTime,
    Float,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    PrimaryKeyConstraint,
    Sequence,
    Table,
    Text,
    UniqueConstraint,
    false,
    func,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY, JSON, JSONB, TSVECTOR, UUID

metadata = MetaData(
    naming_convention={
        "pk": "%(table_name)s_pkey",
        "uq": "%(table_name)s_%(column_0_N_name)s_key",
        "ix": "%(table_name)s_%(column_0_N_name)s_idx",
        "ck": "%(table_name)s_%(constraint_name)s_check",
    }
)

Instant = DateTime(timezone=True)


def _words(column: str) -> Column[object]:
    """What the full text search finds a row by; PostgreSQL makes it of another column."""
    return Column("words", TSVECTOR, Computed(f"search_vector({column})", persisted=True))


user_ids = Sequence("user_ids", metadata=metadata, data_type=BigInteger)
video_ids = Sequence("video_ids", metadata=metadata, data_type=BigInteger)
note_ids = Sequence("note_ids", metadata=metadata, data_type=BigInteger)
task_ids = Sequence("task_ids", metadata=metadata, data_type=BigInteger)
conversation_ids = Sequence("conversation_ids", metadata=metadata, data_type=BigInteger)
opening_ids = Sequence("opening_ids", metadata=metadata, data_type=BigInteger)
transcript_ids = Sequence("transcript_ids", metadata=metadata, data_type=BigInteger)
message_ids = Sequence("message_ids", metadata=metadata, data_type=BigInteger)
witnessed_checkpoint_ids = Sequence(
    "witnessed_checkpoint_ids", metadata=metadata, data_type=BigInteger
)

stored_events = Table(
    "stored_events",
    metadata,
    Column("originator_id", UUID, nullable=False),
    Column("originator_version", BigInteger, nullable=False),
    Column("topic", Text, nullable=False),
    Column("state", LargeBinary, nullable=False),
    Column("notification_id", BigInteger, nullable=False),
    Column("recorded_at", Instant, nullable=False, server_default=func.clock_timestamp()),
    Column("metadata", JSON, nullable=False, server_default=text("'{}'")),
    Column("previous_hash", LargeBinary, nullable=False),
    Column("hash", LargeBinary, nullable=False),
    PrimaryKeyConstraint("originator_id", "originator_version"),
    UniqueConstraint("notification_id"),
    Index("stored_events_recorded_at_idx", "recorded_at"),
    Index(None, "topic", "notification_id"),
)
Index(
    "stored_events_actor_idx",
    stored_events.c.metadata["actor"].astext,
    stored_events.c.notification_id,
)
Index(
    "stored_events_correlation_idx",
    stored_events.c.metadata["correlation_id"].astext,
    stored_events.c.notification_id,
)
BEGINNINGS = ("ConversationStarted", "NoteAdded", "TaskQueued", "VideoOpened")
"""Topics of the events that begin a stream of their own about a video."""
Index(
    "stored_events_begun_video_id_idx",
    func.event_field(stored_events.c.state, "video_id"),
    postgresql_where=stored_events.c.topic.in_(BEGINNINGS),
)
ERASURES = ("GuestErased", "UserErased")
"""Topics of the events that forget a person."""
Index(
    "stored_events_erased_idx",
    func.event_person(stored_events.c.state),
    postgresql_where=stored_events.c.topic.in_(ERASURES),
)

personal_keys = Table(
    "personal_keys",
    metadata,
    Column("person", Text, primary_key=True),
    Column("wrapped_key", LargeBinary),
    Column("created_at", Instant, nullable=False, server_default=func.clock_timestamp()),
    Column("erased_at", Instant),
    Column("withheld", Boolean, nullable=False, server_default=false()),
)
"""A key that is null was shredded, or (``withheld``) did not come along with an imported log."""

master_keys = Table(
    "master_keys",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("check_value", LargeBinary, nullable=False),
    Column("previous_check_value", LargeBinary),
    CheckConstraint("id = 1", name="only_one"),
)

object_stores = Table(
    "object_stores",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("mark", Text, nullable=False),
    Column("description", Text, nullable=False),
    Column("adopted_at", Instant, nullable=False),
    CheckConstraint("id = 1", name="only_one"),
)
"""The object store of this database, by the mark that lies in it."""

log_checkpoints = Table(
    "log_checkpoints",
    metadata,
    Column("position", BigInteger, primary_key=True, autoincrement=False),
    Column("hash", LargeBinary, nullable=False),
    Column("events", BigInteger, nullable=False),
    Column("made_at", Instant, nullable=False),
    Column("public_key", LargeBinary, nullable=False),
    Column("previous", LargeBinary, nullable=False),
    Column("signature", LargeBinary, nullable=False),
)

row_history_state = Table(
    "row_history_state",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("position", BigInteger, nullable=False),
    Column("form", LargeBinary, nullable=False),
    CheckConstraint("id = 1", name="only_one"),
)
"""How far the row history goes, which is in a schema of its own; its one row is its lock."""

verified_snapshots = Table(
    "verified_snapshots",
    metadata,
    Column("position", BigInteger, primary_key=True, autoincrement=False),
    Column("form", LargeBinary, nullable=False),
    Column("hash", LargeBinary, nullable=False),
    Column("tables", JSONB, nullable=False),
    Column("verified_at", Instant, nullable=False),
    Column("public_key", LargeBinary, nullable=False),
    Column("signature", LargeBinary, nullable=False),
)
"""Positions at which a whole verification found the row history equal to its replay.

``hash`` is the log's there, ``tables`` has a digest of each table's rows as of then.
"""

credentials = Table(
    "credentials",
    metadata,
    Column("user_id", BigInteger, primary_key=True, autoincrement=False),
    Column("password_hash", Text, nullable=False),
)

idempotency_keys = Table(
    "idempotency_keys",
    metadata,
    Column("user_id", BigInteger, nullable=False),
    Column("key", Text, nullable=False),
    Column("fingerprint", Text, nullable=False),
    Column("note_id", BigInteger, nullable=False),
    Column("used_at", Instant, nullable=False),
    PrimaryKeyConstraint("user_id", "key"),
    Index(None, "used_at"),
)

quotas = Table(
    "quotas",
    metadata,
    Column("identity", Text, nullable=False),
    Column("day", Date, nullable=False),
    Column("used", Integer, nullable=False),
    Column("most", Integer, nullable=False),
    PrimaryKeyConstraint("identity", "day"),
    Index(None, "day"),
)

counts = Table(
    "counts",
    metadata,
    Column("key", Text, primary_key=True),
    Column("ends_at", Instant, nullable=False),
    Column("used", BigInteger, nullable=False),
    Column("most", BigInteger, nullable=False),
    Index(None, "ends_at"),
)
"""How often something happened in a window of time, by the keyed digest of whom it is about."""

known_networks = Table(
    "known_networks",
    metadata,
    Column("user_id", BigInteger, nullable=False),
    Column("network", Text, nullable=False),
    Column("seen_at", Instant, nullable=False),
    PrimaryKeyConstraint("user_id", "network"),
    Index(None, "seen_at"),
)
"""Where people signed in from, as keyed digests: their owner's mistakes are counted apart."""

reaction_checkpoints = Table(
    "reaction_checkpoints",
    metadata,
    Column("reaction", Text, primary_key=True),
    Column("position", BigInteger, nullable=False),
)

parked_events = Table(
    "parked_events",
    metadata,
    Column("reaction", Text, nullable=False),
    Column("position", BigInteger, nullable=False),
    Column("originator_id", UUID, nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("error", Text),
    Column("parked_at", Instant, nullable=False),
    Column("try_at", Instant),
    PrimaryKeyConstraint("reaction", "position"),
    Index(None, "reaction", "originator_id", "position"),
)
PUT_OFF = ", put off"
"""Behind a reaction's name: what it put off lies apart, so that it holds nothing else back."""

users = Table(
    "users",
    metadata,
    Column("id", BigInteger, primary_key=True, autoincrement=False),
    Column("email", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("google_id", Text),
    Column("profile_image_url", Text),
    Column("ai_notes_enabled", Boolean, nullable=False),
    Column("long_term_token_id", Text),
    Column("long_term_token_issued_at", Instant),
    Column("created_at", Instant, nullable=False),
    Column("updated_at", Instant, nullable=False),
    Column("version", BigInteger, nullable=False),
    Column("tokens_valid_from", Instant),
    Column("disabled_at", Instant),
    UniqueConstraint("email"),
    UniqueConstraint("google_id"),
)

videos = Table(
    "videos",
    metadata,
    Column("id", BigInteger, primary_key=True, autoincrement=False),
    Column("video_id", Text, nullable=False),
    Column("title", Text),
    Column("metadata", JSONB),
    Column("transcript_available", Boolean, nullable=False),
    Column("transcript_sha256", Text),
    Column("transcript_segments", Integer),
    Column("summary", Text),
    Column("created_at", Instant, nullable=False),
    Column("updated_at", Instant, nullable=False),
    Column("version", BigInteger, nullable=False),
    Column("summary_requested_at", Instant),
    _words("title"),
    Column("transcript_origin", Text),
    UniqueConstraint("video_id"),
    Index("videos_words_idx", "words", postgresql_using="gin"),
)

openings = Table(
    "openings",
    metadata,
    Column("id", BigInteger, primary_key=True, autoincrement=False),
    Column("user_id", BigInteger, nullable=False),
    Column("video_id", Text, nullable=False),
    Column("created_at", Instant, nullable=False),
    UniqueConstraint("user_id", "video_id"),
)
"""Which videos a person opened, and when first."""

personal_transcripts = Table(
    "personal_transcripts",
    metadata,
    Column("id", BigInteger, primary_key=True, autoincrement=False),
    Column("user_id", BigInteger, nullable=False),
    Column("video_id", Text, nullable=False),
    Column("object_key", Text),
    Column("sha256", Text),
    Column("words_sha256", Text),
    Column("segment_count", Integer),
    Column("source", Text),
    Column("chosen", Boolean, nullable=False),
    Column("summary", Text),
    Column("created_at", Instant, nullable=False),
    Column("updated_at", Instant, nullable=False),
    Column("version", BigInteger, nullable=False),
    UniqueConstraint("user_id", "video_id"),
    Index(None, "video_id", "words_sha256"),
)
"""Transcripts that persons brought; each is read by its owner alone, while it is ``chosen``.

The row of one that was removed stays, without an ``object_key``.
"""

notes = Table(
    "notes",
    metadata,
    Column("id", BigInteger, primary_key=True, autoincrement=False),
    Column("user_id", BigInteger, nullable=False),
    Column("video_id", Text, nullable=False),
    Column("timestamp", Text, nullable=False),
    Column("text", Text),
    Column("generated_by_ai", Boolean, nullable=False),
    Column("created_at", Instant, nullable=False),
    Column("updated_at", Instant, nullable=False),
    Column("version", BigInteger, nullable=False),
    _words("text"),
    Index(None, "user_id", "video_id", "id"),
    Index("notes_words_idx", "words", postgresql_using="gin"),
)
Index(
    "notes_without_words_idx",
    notes.c.video_id,
    postgresql_where=(notes.c.text.is_(None)) | (notes.c.text == ""),
)

SHARED = 0
"""Instead of a user's id, in the passages of the transcript that all share."""

passages = Table(
    "passages",
    metadata,
    Column("video_id", Text, nullable=False),
    Column("number", Integer, nullable=False),
    Column("text", Text, nullable=False),
    Column("own", Integer, nullable=False),
    Column("offsets", ARRAY(Integer), nullable=False),
    Column("starts", ARRAY(Float), nullable=False),
    _words("text"),
    Column("user_id", BigInteger, nullable=False, server_default=text("0")),
    PrimaryKeyConstraint("video_id", "user_id", "number"),
    Index("passages_words_idx", "words", postgresql_using="gin"),
)
"""What is said in transcripts, which lie in the object store: a reaction fills it.

The segments of a passage begin at ``offsets`` (characters of ``text``) and ``starts`` (seconds).
Behind its ``own`` characters stands the beginning of the next one, for phrases across the border.
"""

TASK_STATUSES = ("pending", "in_progress", "completed", "failed", "cancelled")

tasks = Table(
    "tasks",
    metadata,
    Column("id", BigInteger, primary_key=True, autoincrement=False),
    Column("task_type", Text, nullable=False),
    Column("status", Text, nullable=False),
    Column("task_details", JSONB, nullable=False),
    Column("worker_details", JSONB),
    Column("retry_count", Integer, nullable=False),
    Column("created_at", Instant, nullable=False),
    Column("started_at", Instant),
    Column("completed_at", Instant),
    Column("updated_at", Instant, nullable=False),
    Column("version", BigInteger, nullable=False),
    CheckConstraint(f"status IN {TASK_STATUSES}", name="status"),
)
open_task = tasks.c.status.in_(("pending", "in_progress"))
Index("tasks_claimable_idx", tasks.c.task_type, tasks.c.id, postgresql_where=open_task)
Index("tasks_by_video_idx", tasks.c.task_details["video_id"].astext, tasks.c.task_type, tasks.c.id)
Index(
    "tasks_one_open_per_video_idx",
    tasks.c.task_details["video_id"].astext,
    tasks.c.task_type,
    func.coalesce(tasks.c.task_details["note_id"].astext, ""),
    func.coalesce(tasks.c.task_details["user_id"].astext, ""),
    unique=True,
    postgresql_where=open_task,
)

Index(
    "tasks_own_idx",
    tasks.c.task_details["user_id"].astext,
    postgresql_where=tasks.c.task_details["user_id"].astext.is_not(None),
)

conversations = Table(
    "conversations",
    metadata,
    Column("id", BigInteger, primary_key=True, autoincrement=False),
    Column("user_id", BigInteger),
    Column("guest_id", Text),
    Column("video_id", Text, nullable=False),
    Column("created_at", Instant, nullable=False),
    Column("updated_at", Instant, nullable=False),
    Column("version", BigInteger, nullable=False),
    Index(None, "user_id", "video_id"),
    Index(None, "guest_id", "video_id"),
)

messages = Table(
    "messages",
    metadata,
    Column("id", BigInteger, primary_key=True, autoincrement=False),
    Column("conversation_id", BigInteger, nullable=False),
    Column("role", Text, nullable=False),
    Column("content", Text, nullable=False),
    Column("metadata", JSONB),
    Column("created_at", Instant, nullable=False),
    Column("user_id", BigInteger),
    Column("guest_id", Text),
    Index(None, "conversation_id", "id"),
    Index(None, "user_id"),
    Index(None, "guest_id"),
)

TURN_STATUSES = ("answering", "completed", "stopped", "failed")

turns = Table(
    "turns",
    metadata,
    Column("id", BigInteger, primary_key=True, autoincrement=False),
    Column("conversation_id", BigInteger, nullable=False),
    Column("status", Text, nullable=False),
    Column("server", BigInteger, nullable=False),
    Column("answer_id", BigInteger),
    Column("reason", Text),
    Column("partial", Text),
    Column("created_at", Instant, nullable=False),
    Column("updated_at", Instant, nullable=False),
    Column("version", BigInteger, nullable=False),
    Column("user_id", BigInteger),
    Column("guest_id", Text),
    CheckConstraint(f"status IN {TURN_STATUSES}", name="status"),
    Index(None, "conversation_id"),
    Index(None, "user_id"),
    Index(None, "guest_id"),
)
Index("turns_answering_idx", turns.c.id, postgresql_where=turns.c.status == "answering")

witnessed_checkpoints = Table(
    "witnessed_checkpoints",
    metadata,
    Column("id", BigInteger, primary_key=True, autoincrement=False),
    Column("public_key", Text, nullable=False),
    Column("position", BigInteger, nullable=False),
    Column("hash", Text, nullable=False),
    Column("events", BigInteger, nullable=False),
    Column("made_at", Text, nullable=False),
    Column("previous", Text, nullable=False),
    Column("signature", Text, nullable=False),
    Column("contradicts", BigInteger),
    Column("received_at", Instant, nullable=False),
    Column("version", BigInteger, nullable=False),
    Index(None, "public_key", "position"),
    Index(None, "public_key", "id"),
)
"""Checkpoints of other servers that this one was shown; what ``contradicts`` another is evidence.

``made_at`` is text, to the letter that was signed; as text such times sort as they follow.
"""

PROJECTED = (
    users,
    videos,
    openings,
    personal_transcripts,
    notes,
    tasks,
    conversations,
    messages,
    turns,
    witnessed_checkpoints,
)
"""The tables that events alone make, in the order in which they are rebuilt and verified."""
