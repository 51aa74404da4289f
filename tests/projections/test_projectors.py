"""Events in, rows out: every column of every table, on real PostgreSQL."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import psycopg
import pytest
from psycopg import sql
from psycopg.rows import dict_row

from tests.projections.histories import START, append_state, happen
from tests.support import MASTER
from vidwiz.events import (
    AiNotesDisabled,
    AiNotesEnabled,
    ConversationStarted,
    Event,
    GoogleAccountLinked,
    LongTermTokenIssued,
    LongTermTokenRevoked,
    MessageSent,
    MetadataFetched,
    NoteAdded,
    NoteDeleted,
    NoteEdited,
    NoteRestored,
    ProfilePictureChanged,
    SummaryRequested,
    SummaryWritten,
    TaskAttemptFailed,
    TaskCancelled,
    TaskClaimed,
    TaskCompleted,
    TaskFailed,
    TaskGivenBack,
    TaskQueued,
    TaskType,
    TranscriptReady,
    TurnCompleted,
    TurnFailed,
    TurnStarted,
    TurnStopped,
    UserRenamed,
    UserSignedUp,
    VideoAdded,
)
from vidwiz.replay import engine, verification

Rows = Callable[..., list[dict[str, Any]]]

ANN = UserSignedUp(user_id=5, email="ann@example.org", name="Ann")
VIDEO = VideoAdded(id=3, video_id="W421vNri5hw", title="Apollo 13")
NOTE = NoteAdded(note_id=17, user_id=5, video_id="W421vNri5hw", timestamp="1:23", text=None)
QUEUED = TaskQueued(task_id=8, task_type=TaskType.METADATA, video_id="W421vNri5hw")
CLAIMED = TaskClaimed(task_id=8, worker="user:5", attempt=1)
STARTED = ConversationStarted(conversation_id=11, user_id=5, guest_id=None, video_id="W421vNri5hw")
ASKED = MessageSent(
    conversation_id=11,
    user_id=5,
    guest_id=None,
    message_id=29,
    role="user",
    content="Why?",
    details=None,
)
BEGUN = TurnStarted(conversation_id=11, user_id=5, guest_id=None, turn_id=29, server=2**31 - 1)


def at(event: int) -> datetime:
    """When the n-th event of the story happened."""
    return START + timedelta(seconds=event - 1, microseconds=event - 1)


def new(event: int = 1) -> dict[str, Any]:
    return {"created_at": at(event), "updated_at": at(event), "version": 1}


@pytest.fixture
def rows(dsn: str) -> Rows:
    """The rows of a table after these events."""

    def after(table: str, *events: Event) -> list[dict[str, Any]]:
        happen(dsn, *events)
        with psycopg.connect(dsn, row_factory=dict_row, options="-c timezone=UTC") as connection:
            query = sql.SQL("SELECT * FROM {} ORDER BY id").format(sql.Identifier(table))
            found = connection.execute(query).fetchall()
        return [{name: row[name] for name in row if name != "words"} for row in found]

    return after


ANNS_ROW = {
    "id": 5,
    "email": "ann@example.org",
    "name": "Ann",
    "google_id": None,
    "profile_image_url": None,
    "ai_notes_enabled": False,
    "long_term_token_id": None,
    "long_term_token_issued_at": None,
    "tokens_valid_from": None,
    "disabled_at": None,
    **new(),
}


def test_an_account_is_a_row(rows: Rows) -> None:
    bob = UserSignedUp(
        user_id=6,
        email="bob@example.org",
        name="Bob",
        google_id="g-6",
        profile_image_url="https://p/6",
    )
    bobs = {"id": 6, "email": "bob@example.org", "name": "Bob", "google_id": "g-6"}
    bobs_row = {**ANNS_ROW, **bobs, "profile_image_url": "https://p/6", **new(2)}
    assert rows("users", ANN, bob) == [ANNS_ROW, bobs_row]


@pytest.mark.parametrize(
    ("event", "changed"),
    [
        (GoogleAccountLinked(user_id=5, google_id="g-5"), {"google_id": "g-5"}),
        (
            ProfilePictureChanged(user_id=5, profile_image_url="https://p/5"),
            {"profile_image_url": "https://p/5"},
        ),
        (UserRenamed(user_id=5, name="Anna"), {"name": "Anna"}),
        (AiNotesEnabled(user_id=5), {"ai_notes_enabled": True}),
        (
            LongTermTokenIssued(user_id=5, token_id="t-1", issued_at=START),
            {"long_term_token_id": "t-1", "long_term_token_issued_at": START},
        ),
    ],
    ids=lambda its: getattr(its, "TOPIC", ""),
)
def test_an_accounts_change_is_one_column_its_version_and_its_time(
    rows: Rows, event: Event, changed: dict[str, Any]
) -> None:
    assert rows("users", ANN, event) == [{**ANNS_ROW, **changed, "updated_at": at(2), "version": 2}]


@pytest.mark.parametrize(
    "events",
    [
        (AiNotesEnabled(user_id=5), AiNotesDisabled(user_id=5)),
        (
            LongTermTokenIssued(user_id=5, token_id="t-1", issued_at=START),
            LongTermTokenRevoked(user_id=5, token_id="t-1"),
        ),
    ],
    ids=["AiNotesDisabled", "LongTermTokenRevoked"],
)
def test_what_is_taken_back_leaves_only_the_version_and_the_time(
    rows: Rows, events: tuple[Event, Event]
) -> None:
    assert rows("users", ANN, *events) == [{**ANNS_ROW, "updated_at": at(3), "version": 3}]


VIDEOS_ROW = {
    "id": 3,
    "video_id": "W421vNri5hw",
    "title": "Apollo 13",
    "metadata": None,
    "transcript_available": False,
    "transcript_sha256": None,
    "transcript_segments": None,
    "summary": None,
    "summary_requested_at": None,
    "transcript_origin": None,
    **new(),
}


def test_a_video_is_a_row(rows: Rows) -> None:
    untitled = VideoAdded(id=4, video_id="v4", title=None)
    untitled_row = {**VIDEOS_ROW, "id": 4, "video_id": "v4", "title": None, **new(2)}
    assert rows("videos", VIDEO, untitled) == [VIDEOS_ROW, untitled_row]


@pytest.mark.parametrize(
    ("event", "changed"),
    [
        (
            TranscriptReady(
                video_id="W421vNri5hw",
                object_key="k",
                sha256="ab",
                segment_count=7,
                origin="workers",
            ),
            {
                "transcript_available": True,
                "transcript_sha256": "ab",
                "transcript_segments": 7,
                "transcript_origin": "workers",
            },
        ),
        (
            MetadataFetched(video_id="W421vNri5hw", metadata={"a": [1.5, None, {"é": "💡"}]}),
            {"metadata": {"a": [1.5, None, {"é": "💡"}]}},
        ),
        (SummaryWritten(video_id="W421vNri5hw", summary="a\n'b\\"), {"summary": "a\n'b\\"}),
        (SummaryRequested(video_id="W421vNri5hw"), {"summary_requested_at": at(2)}),
    ],
    ids=lambda its: getattr(its, "TOPIC", ""),
)
def test_what_becomes_known_of_a_video_is_in_its_row(
    rows: Rows, event: Event, changed: dict[str, Any]
) -> None:
    assert rows("videos", VIDEO, event) == [
        {**VIDEOS_ROW, **changed, "updated_at": at(2), "version": 2}
    ]


NOTES_ROW = {
    "id": 17,
    "user_id": 5,
    "video_id": "W421vNri5hw",
    "timestamp": "1:23",
    "text": None,
    "generated_by_ai": False,
    **new(),
}


@pytest.mark.parametrize("text", [None, "", "Houston 🚀 'quoted' \\ \"twice\"\n"])
def test_a_note_is_a_row_with_its_words_to_the_letter(rows: Rows, text: str | None) -> None:
    note = NOTE.model_copy(update={"text": text})
    assert rows("notes", note) == [{**NOTES_ROW, "text": text}]


def test_an_edited_note_has_its_words_and_their_author(rows: Rows) -> None:
    by_ai = NoteEdited(note_id=17, user_id=5, text="first", generated_by_ai=True)
    other = NOTE.model_copy(update={"note_id": 18})
    assert rows("notes", NOTE, by_ai, other) == [
        {
            **NOTES_ROW,
            "text": "first",
            "generated_by_ai": True,
            "updated_at": at(2),
            "version": 2,
        },
        {**NOTES_ROW, "id": 18, **new(3)},
    ]


def test_a_deleted_note_is_no_row_and_its_neighbour_stays(rows: Rows) -> None:
    other = NOTE.model_copy(update={"note_id": 18})
    deleted = NoteDeleted(note_id=17, user_id=5)
    assert rows("notes", NOTE, other, deleted) == [{**NOTES_ROW, "id": 18, **new(2)}]


def test_a_restored_note_is_the_old_row_with_the_time_at_which_it_was_added(rows: Rows) -> None:
    deleted = NoteDeleted(note_id=17, user_id=5)
    restored = NoteRestored(
        note_id=17,
        user_id=5,
        video_id="W421vNri5hw",
        timestamp="1:23",
        text="a",
        generated_by_ai=True,
        created_at=at(1),
    )
    changed = {"text": "a", "generated_by_ai": True, "updated_at": at(3), "version": 3}
    assert rows("notes", NOTE, deleted, restored) == [{**NOTES_ROW, **changed}]


TASKS_ROW = {
    "id": 8,
    "task_type": "fetch_metadata",
    "status": "pending",
    "task_details": {"video_id": "W421vNri5hw"},
    "worker_details": None,
    "retry_count": 0,
    "started_at": None,
    "completed_at": None,
    **new(),
}
CLAIMED_ROW = {
    **TASKS_ROW,
    "status": "in_progress",
    "worker_details": {"worker": "user:5"},
    "retry_count": 1,
    "started_at": at(2),
    "updated_at": at(2),
    "version": 2,
}
THIRD = {"updated_at": at(3), "version": 3}
FAILURE = {"worker": "user:5", "error": "no"}


@pytest.mark.parametrize(
    ("events", "row"),
    [
        ((), TASKS_ROW),
        ((CLAIMED,), CLAIMED_ROW),
        ((CLAIMED, TaskGivenBack(task_id=8, attempt=1)), {**TASKS_ROW, **THIRD}),
        (
            (CLAIMED, TaskAttemptFailed(task_id=8, attempt=1, error="no")),
            {**CLAIMED_ROW, "status": "pending", "worker_details": FAILURE, **THIRD},
        ),
        (
            (CLAIMED, TaskFailed(task_id=8, attempt=1, error=None)),
            {
                **CLAIMED_ROW,
                "status": "failed",
                "worker_details": {"worker": "user:5", "error": None},
                "completed_at": at(3),
                **THIRD,
            },
        ),
        (
            (CLAIMED, TaskCompleted(task_id=8, attempt=1)),
            {**CLAIMED_ROW, "status": "completed", "completed_at": at(3), **THIRD},
        ),
        (
            (TaskFailed(task_id=8, attempt=3, error="no"),),
            {
                **TASKS_ROW,
                "status": "failed",
                "worker_details": {"error": "no"},
                "completed_at": at(2),
                "updated_at": at(2),
                "version": 2,
            },
        ),
        (
            (CLAIMED, TaskAttemptFailed(task_id=8, attempt=1, error="no", reason="blocked")),
            {
                **CLAIMED_ROW,
                "status": "pending",
                "worker_details": {**FAILURE, "reason": "blocked"},
                **THIRD,
            },
        ),
        (
            (CLAIMED, TaskFailed(task_id=8, attempt=1, error="no", reason="blocked")),
            {
                **CLAIMED_ROW,
                "status": "failed",
                "worker_details": {**FAILURE, "reason": "blocked"},
                "completed_at": at(3),
                **THIRD,
            },
        ),
        (
            (TaskCancelled(task_id=8),),
            {
                **TASKS_ROW,
                "status": "cancelled",
                "completed_at": at(2),
                "updated_at": at(2),
                "version": 2,
            },
        ),
        (
            (CLAIMED, TaskCancelled(task_id=8)),
            {**CLAIMED_ROW, "status": "cancelled", "completed_at": at(3), **THIRD},
        ),
    ],
    ids=[
        "queued",
        "claimed",
        "given back",
        "attempt failed",
        "failed",
        "completed",
        "unclaimed",
        "attempt failed for a reason",
        "failed for a reason",
        "cancelled",
        "cancelled under way",
    ],
)
def test_a_tasks_life_is_in_its_row(
    rows: Rows, events: tuple[Event, ...], row: dict[str, Any]
) -> None:
    assert rows("tasks", QUEUED, *events) == [row]


def test_the_next_attempt_forgets_why_the_last_one_failed(rows: Rows) -> None:
    failed = TaskAttemptFailed(task_id=8, attempt=1, error="no", reason="blocked")
    again = TaskClaimed(task_id=8, worker="admin", attempt=2)
    (row,) = rows("tasks", QUEUED, CLAIMED, failed, again)
    assert row["worker_details"] == {"worker": "admin"}


def test_a_task_on_a_note_names_it(rows: Rows) -> None:
    on_note = QUEUED.model_copy(update={"task_type": TaskType.AI_NOTE, "note_id": 17})
    row = {**TASKS_ROW, "task_type": "write_ai_note"}
    details = {"video_id": "W421vNri5hw", "note_id": 17}
    assert rows("tasks", on_note) == [{**row, "task_details": details}]


def test_tasks_of_older_versions_are_replayed_as_they_were_meant(rows: Rows, dsn: str) -> None:
    written = [
        ("TaskQueued", b'{"task_id":8,"task_type":"fetch_metadata","video_id":"W421vNri5hw"}'),
        ("TaskClaimed", b'{"task_id":8,"worker":"user:5","attempt":1}'),
        ("TaskAttemptFailed", b'{"task_id":8,"attempt":1,"error":"no"}'),
        ("TaskClaimed", b'{"task_id":8,"worker":"user:5","attempt":2}'),
        ("TaskFailed", b'{"task_id":8,"attempt":2,"error":"never"}'),
    ]
    with psycopg.connect(dsn) as connection:
        for version, (topic, state) in enumerate(written, start=1):
            append_state(connection, "task:8", version, topic, state, at(version))
    replayed = engine.rebuild(dsn, MASTER)
    assert (replayed.events, list(verification.verify(dsn, MASTER)[1])) == (5, [])
    assert rows("tasks") == [
        {
            **TASKS_ROW,
            "status": "failed",
            "worker_details": {"worker": "user:5", "error": "never"},
            "retry_count": 2,
            "started_at": at(4),
            "completed_at": at(5),
            "updated_at": at(5),
            "version": 5,
        }
    ]


def test_a_video_has_one_open_task_of_a_kind(rows: Rows) -> None:
    again = QUEUED.model_copy(update={"task_id": 9})
    with pytest.raises(psycopg.errors.UniqueViolation, match="tasks_one_open_per_video_idx"):
        rows("tasks", QUEUED, again)


def test_each_note_of_a_video_has_one_open_task(rows: Rows) -> None:
    on_note = QUEUED.model_copy(update={"task_type": TaskType.AI_NOTE, "note_id": 17})
    on_other = on_note.model_copy(update={"task_id": 9, "note_id": 18})
    assert len(rows("tasks", on_note, on_other)) == 2
    with pytest.raises(psycopg.errors.UniqueViolation, match="tasks_one_open_per_video_idx"):
        rows("tasks", on_note.model_copy(update={"task_id": 10}))


@pytest.mark.parametrize(
    "ended",
    [TaskFailed(task_id=8, attempt=3, error=None), TaskCancelled(task_id=8)],
    ids=lambda its: its.TOPIC,
)
def test_a_video_may_have_a_task_of_a_kind_after_one_that_ended(rows: Rows, ended: Event) -> None:
    again = QUEUED.model_copy(update={"task_id": 9})
    statuses = [row["status"] for row in rows("tasks", QUEUED, ended, again)]
    assert statuses == [ended.TOPIC.removeprefix("Task").lower(), "pending"]


def test_a_conversation_is_a_row_of_a_user_or_a_guest(rows: Rows) -> None:
    guests = STARTED.model_copy(update={"conversation_id": 12, "user_id": None, "guest_id": "b0f7"})
    row = {"id": 11, "user_id": 5, "guest_id": None, "video_id": "W421vNri5hw", **new()}
    assert rows("conversations", STARTED, guests) == [
        row,
        {**row, "id": 12, "user_id": None, "guest_id": "b0f7", **new(2)},
    ]


def test_a_message_is_a_row_and_moves_its_conversation_on(rows: Rows, dsn: str) -> None:
    answer = ASKED.model_copy(
        update={"message_id": 30, "role": "assistant", "details": {"citations": [1.5]}}
    )
    row = {
        "id": 29,
        "conversation_id": 11,
        "role": "user",
        "content": "Why?",
        "metadata": None,
        "created_at": at(2),
        "user_id": 5,
        "guest_id": None,
    }
    assert rows("messages", STARTED, ASKED, answer) == [
        row,
        {
            **row,
            "id": 30,
            "role": "assistant",
            "metadata": {"citations": [1.5]},
            "created_at": at(3),
        },
    ]
    with psycopg.connect(dsn) as connection:
        moved = connection.execute("SELECT updated_at, version FROM conversations").fetchall()
    assert moved == [(at(3), 3)]


TURNS_ROW = {
    "id": 29,
    "conversation_id": 11,
    "status": "answering",
    "server": 2**31 - 1,
    "answer_id": None,
    "reason": None,
    "partial": None,
    "created_at": at(2),
    "updated_at": at(2),
    "version": 2,
    "user_id": 5,
    "guest_id": None,
}
ENDED = {"updated_at": at(3), "version": 3}
ITS = {"conversation_id": 11, "user_id": 5, "guest_id": None, "turn_id": 29}


@pytest.mark.parametrize(
    ("events", "row"),
    [
        ((), TURNS_ROW),
        (
            (TurnCompleted(**ITS, answer_id=30),),
            {**TURNS_ROW, "status": "completed", "answer_id": 30, **ENDED},
        ),
        (
            (TurnStopped(**ITS, answer_id=30),),
            {**TURNS_ROW, "status": "stopped", "answer_id": 30, **ENDED},
        ),
        ((TurnStopped(**ITS, answer_id=None),), {**TURNS_ROW, "status": "stopped", **ENDED}),
        (
            (TurnFailed(**ITS, reason="interrupted", partial="Ma\n🚀"),),
            {
                **TURNS_ROW,
                "status": "failed",
                "reason": "interrupted",
                "partial": "Ma\n🚀",
                **ENDED,
            },
        ),
    ],
    ids=["answering", "completed", "stopped", "stopped without a word", "failed"],
)
def test_a_turns_life_is_in_its_row_and_moves_its_conversation_on(
    rows: Rows, dsn: str, events: tuple[Event, ...], row: dict[str, Any]
) -> None:
    assert rows("turns", STARTED, BEGUN, *events) == [row]
    with psycopg.connect(dsn) as connection:
        moved = connection.execute("SELECT updated_at, version FROM conversations").fetchall()
    assert moved == [(row["updated_at"], row["version"])]


def test_the_end_of_a_turn_leaves_others_alone(rows: Rows) -> None:
    other = BEGUN.model_copy(update={"turn_id": 30})
    ended, still = rows("turns", STARTED, BEGUN, other, TurnCompleted(**ITS, answer_id=31))
    assert (ended["status"], ended["version"]) == ("completed", 4)
    assert (still["status"], still["version"]) == ("answering", 3)
