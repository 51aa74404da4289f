"""Which event changes which rows, and how."""

from sqlalchemy import Table, Text, false, func, null, true

from vidwiz.events import (
    AiNotesDisabled,
    AiNotesEnabled,
    ConversationStarted,
    GoogleAccountLinked,
    GuestErased,
    LongTermTokenIssued,
    LongTermTokenRevoked,
    MessageSent,
    MetadataFetched,
    NoteAdded,
    NoteDeleted,
    NoteEdited,
    NoteRestored,
    PasswordChanged,
    PasswordRemoved,
    PersonalSummaryWritten,
    PersonalTranscriptAdded,
    PersonalTranscriptChosen,
    PersonalTranscriptRemoved,
    PersonalTranscriptReplaced,
    ProfilePictureChanged,
    SessionsEnded,
    SummaryRequested,
    SummaryWritten,
    TaskAttemptFailed,
    TaskCancelled,
    TaskClaimed,
    TaskCompleted,
    TaskFailed,
    TaskGivenBack,
    TaskQueued,
    TranscriptLost,
    TranscriptReady,
    TurnCompleted,
    TurnFailed,
    TurnStarted,
    TurnStopped,
    UserDisabled,
    UserEnabled,
    UserErased,
    UserRenamed,
    UserSignedUp,
    VideoAdded,
    VideoOpened,
    VideoTitled,
)
from vidwiz.events.base import Event
from vidwiz.projections.projector import (
    Change,
    Condition,
    Fields,
    TableProjector,
    Values,
    delete_rows,
    insert_rows,
    sweep_rows,
    update_rows,
)
from vidwiz.projections.tables import (
    conversations,
    messages,
    notes,
    openings,
    personal_transcripts,
    tasks,
    turns,
    users,
    videos,
)
from vidwiz.projections.witness import witnessed_checkpoints_projector


def _user(event: type[Event], values: Values) -> tuple[Change, ...]:
    return (update_rows(users, event, lambda e: users.c.id == e.user_id, values),)


def _video(event: type[Event], values: Values) -> tuple[Change, ...]:
    return (update_rows(videos, event, lambda e: videos.c.video_id == e.video_id, values),)


def _task(event: type[Event], values: Values) -> tuple[Change, ...]:
    return (update_rows(tasks, event, lambda e: tasks.c.id == e.task_id, values),)


def _turn(event: type[Event], values: Values) -> tuple[Change, ...]:
    return (update_rows(turns, event, lambda e: turns.c.id == e.turn_id, values),)


def _spoken(event: type[Event]) -> tuple[Change, ...]:
    """The conversation went on."""
    return (
        update_rows(
            conversations, event, lambda e: conversations.c.id == e.conversation_id, lambda _: {}
        ),
    )


def _note(e: Fields) -> object:
    return notes.c.id == e.note_id


_this_note: Condition = _note


def _brought(e: Fields) -> dict[str, object]:
    return {
        "object_key": e.object_key,
        "sha256": e.sha256,
        "words_sha256": e.words_sha256,
        "segment_count": e.segment_count,
        "source": e.source,
        "chosen": true(),
    }


def _this_transcript(e: Fields) -> object:
    return personal_transcripts.c.id == e.transcript_id


def _transcript(event: type[Event], values: Values) -> tuple[Change, ...]:
    return (update_rows(personal_transcripts, event, _this_transcript, values),)


def _erased(table: Table, column: str = "user_id") -> tuple[Change, ...]:
    """Whatever is left of the person goes."""
    return (sweep_rows(table, UserErased, lambda e: table.c[column] == e.user_id),)


def _guest_erased(table: Table) -> tuple[Change, ...]:
    """Whatever is left of the guest goes."""
    return (sweep_rows(table, GuestErased, lambda e: table.c.guest_id == e.guest_id),)


def _new(e: Fields) -> dict[str, object]:
    return {"created_at": e.at, "updated_at": e.at, "version": e.version}


def _failure(e: Fields) -> object:
    """The worker stays named, its last error beside it."""
    error = func.jsonb_build_object("error", e.error).op("||")(
        func.jsonb_strip_nulls(func.jsonb_build_object("reason", e.reason))
    )
    return func.coalesce(tasks.c.worker_details, func.jsonb_build_object()).op("||")(error)


users_projector = TableProjector(
    users,
    {
        UserSignedUp: (
            insert_rows(
                users,
                UserSignedUp,
                lambda e: {
                    "id": e.user_id,
                    "email": e.email,
                    "name": e.name,
                    "google_id": e.google_id,
                    "profile_image_url": e.profile_image_url,
                    "ai_notes_enabled": false(),
                    **_new(e),
                },
            ),
        ),
        GoogleAccountLinked: _user(GoogleAccountLinked, lambda e: {"google_id": e.google_id}),
        ProfilePictureChanged: _user(
            ProfilePictureChanged, lambda e: {"profile_image_url": e.profile_image_url}
        ),
        UserRenamed: _user(UserRenamed, lambda e: {"name": e.name}),
        AiNotesEnabled: _user(AiNotesEnabled, lambda _: {"ai_notes_enabled": true()}),
        AiNotesDisabled: _user(AiNotesDisabled, lambda _: {"ai_notes_enabled": false()}),
        LongTermTokenIssued: _user(
            LongTermTokenIssued,
            lambda e: {
                "long_term_token_id": e.token_id,
                "long_term_token_issued_at": e.issued_at,
            },
        ),
        LongTermTokenRevoked: _user(
            LongTermTokenRevoked,
            lambda _: {"long_term_token_id": null(), "long_term_token_issued_at": null()},
        ),
        PasswordChanged: _user(PasswordChanged, lambda _: {}),
        PasswordRemoved: _user(PasswordRemoved, lambda _: {}),
        SessionsEnded: _user(SessionsEnded, lambda e: {"tokens_valid_from": e.before}),
        UserDisabled: _user(UserDisabled, lambda e: {"disabled_at": e.at}),
        UserEnabled: _user(UserEnabled, lambda _: {"disabled_at": null()}),
        UserErased: _erased(users, "id"),
    },
)

videos_projector = TableProjector(
    videos,
    {
        VideoAdded: (
            insert_rows(
                videos,
                VideoAdded,
                lambda e: {
                    "id": e.id,
                    "video_id": e.video_id,
                    "title": e.title,
                    "transcript_available": false(),
                    **_new(e),
                },
            ),
        ),
        VideoTitled: _video(VideoTitled, lambda e: {"title": e.title}),
        TranscriptReady: _video(
            TranscriptReady,
            lambda e: {
                "transcript_available": true(),
                "transcript_sha256": e.sha256,
                "transcript_segments": e.segment_count,
                "transcript_origin": e.origin,
            },
        ),
        TranscriptLost: _video(
            TranscriptLost,
            lambda _: {
                "transcript_available": false(),
                "transcript_sha256": null(),
                "transcript_segments": null(),
                "transcript_origin": null(),
            },
        ),
        MetadataFetched: _video(MetadataFetched, lambda e: {"metadata": e.metadata}),
        SummaryRequested: _video(SummaryRequested, lambda e: {"summary_requested_at": e.at}),
        SummaryWritten: _video(SummaryWritten, lambda e: {"summary": e.summary}),
    },
)

openings_projector = TableProjector(
    openings,
    {
        VideoOpened: (
            insert_rows(
                openings,
                VideoOpened,
                lambda e: {
                    "id": e.opening_id,
                    "user_id": e.user_id,
                    "video_id": e.video_id,
                    "created_at": e.at,
                },
            ),
        ),
        UserErased: _erased(openings),
    },
)

personal_transcripts_projector = TableProjector(
    personal_transcripts,
    {
        PersonalTranscriptAdded: (
            insert_rows(
                personal_transcripts,
                PersonalTranscriptAdded,
                lambda e: {
                    "id": e.transcript_id,
                    "user_id": e.user_id,
                    "video_id": e.video_id,
                    **_brought(e),
                    **_new(e),
                },
            ),
        ),
        PersonalTranscriptReplaced: _transcript(
            PersonalTranscriptReplaced, lambda e: {**_brought(e), "summary": null()}
        ),
        PersonalTranscriptChosen: _transcript(
            PersonalTranscriptChosen, lambda e: {"chosen": e.own}
        ),
        PersonalSummaryWritten: _transcript(
            PersonalSummaryWritten, lambda e: {"summary": e.summary}
        ),
        PersonalTranscriptRemoved: _transcript(
            PersonalTranscriptRemoved,
            lambda _: {
                "object_key": null(),
                "sha256": null(),
                "words_sha256": null(),
                "segment_count": null(),
                "source": null(),
                "chosen": false(),
                "summary": null(),
            },
        ),
        UserErased: _erased(personal_transcripts),
    },
)

notes_projector = TableProjector(
    notes,
    {
        NoteAdded: (
            insert_rows(
                notes,
                NoteAdded,
                lambda e: {
                    "id": e.note_id,
                    "user_id": e.user_id,
                    "video_id": e.video_id,
                    "timestamp": e.timestamp,
                    "text": e.text,
                    "generated_by_ai": false(),
                    **_new(e),
                },
            ),
        ),
        NoteEdited: (
            update_rows(
                notes,
                NoteEdited,
                _this_note,
                lambda e: {"text": e.text, "generated_by_ai": e.generated_by_ai},
            ),
        ),
        NoteDeleted: (delete_rows(notes, NoteDeleted, _this_note),),
        NoteRestored: (
            insert_rows(
                notes,
                NoteRestored,
                lambda e: {
                    "id": e.note_id,
                    "user_id": e.user_id,
                    "video_id": e.video_id,
                    "timestamp": e.timestamp,
                    "text": e.text,
                    "generated_by_ai": e.generated_by_ai,
                    **_new(e),
                    "created_at": e.created_at,
                },
            ),
        ),
        UserErased: _erased(notes),
    },
)

tasks_projector = TableProjector(
    tasks,
    {
        TaskQueued: (
            insert_rows(
                tasks,
                TaskQueued,
                lambda e: {
                    "id": e.task_id,
                    "task_type": e.task_type,
                    "status": "pending",
                    "task_details": func.jsonb_strip_nulls(
                        func.jsonb_build_object(
                            "video_id", e.video_id, "note_id", e.note_id, "user_id", e.user_id
                        )
                    ),
                    "retry_count": 0,
                    **_new(e),
                },
            ),
        ),
        TaskClaimed: _task(
            TaskClaimed,
            lambda e: {
                "status": "in_progress",
                "worker_details": func.jsonb_build_object("worker", e.worker),
                "retry_count": e.attempt,
                "started_at": e.at,
            },
        ),
        TaskGivenBack: _task(
            TaskGivenBack,
            lambda e: {
                "status": "pending",
                "worker_details": null(),
                "retry_count": e.attempt - 1,
                "started_at": null(),
            },
        ),
        TaskAttemptFailed: _task(
            TaskAttemptFailed, lambda e: {"status": "pending", "worker_details": _failure(e)}
        ),
        TaskFailed: _task(
            TaskFailed,
            lambda e: {"status": "failed", "worker_details": _failure(e), "completed_at": e.at},
        ),
        TaskCompleted: _task(
            TaskCompleted, lambda e: {"status": "completed", "completed_at": e.at}
        ),
        TaskCancelled: _task(
            TaskCancelled, lambda e: {"status": "cancelled", "completed_at": e.at}
        ),
        UserErased: (
            sweep_rows(
                tasks,
                UserErased,
                lambda e: tasks.c.task_details["user_id"].astext == e.user_id.cast(Text),
            ),
        ),
    },
)

conversations_projector = TableProjector(
    conversations,
    {
        ConversationStarted: (
            insert_rows(
                conversations,
                ConversationStarted,
                lambda e: {
                    "id": e.conversation_id,
                    "user_id": e.user_id,
                    "guest_id": e.guest_id,
                    "video_id": e.video_id,
                    **_new(e),
                },
            ),
        ),
        MessageSent: _spoken(MessageSent),
        TurnStarted: _spoken(TurnStarted),
        TurnCompleted: _spoken(TurnCompleted),
        TurnStopped: _spoken(TurnStopped),
        TurnFailed: _spoken(TurnFailed),
        UserErased: _erased(conversations),
        GuestErased: _guest_erased(conversations),
    },
)

messages_projector = TableProjector(
    messages,
    {
        MessageSent: (
            insert_rows(
                messages,
                MessageSent,
                lambda e: {
                    "id": e.message_id,
                    "conversation_id": e.conversation_id,
                    "role": e.role,
                    "content": e.content,
                    "metadata": e.details,
                    "created_at": e.at,
                    "user_id": e.user_id,
                    "guest_id": e.guest_id,
                },
            ),
        ),
        UserErased: _erased(messages),
        GuestErased: _guest_erased(messages),
    },
)

turns_projector = TableProjector(
    turns,
    {
        TurnStarted: (
            insert_rows(
                turns,
                TurnStarted,
                lambda e: {
                    "id": e.turn_id,
                    "conversation_id": e.conversation_id,
                    "status": "answering",
                    "server": e.server,
                    "user_id": e.user_id,
                    "guest_id": e.guest_id,
                    **_new(e),
                },
            ),
        ),
        TurnCompleted: _turn(
            TurnCompleted, lambda e: {"status": "completed", "answer_id": e.answer_id}
        ),
        TurnStopped: _turn(TurnStopped, lambda e: {"status": "stopped", "answer_id": e.answer_id}),
        TurnFailed: _turn(
            TurnFailed, lambda e: {"status": "failed", "reason": e.reason, "partial": e.partial}
        ),
        UserErased: _erased(turns),
        GuestErased: _guest_erased(turns),
    },
)

PROJECTORS = (
    users_projector,
    videos_projector,
    openings_projector,
    personal_transcripts_projector,
    notes_projector,
    tasks_projector,
    conversations_projector,
    messages_projector,
    turns_projector,
    witnessed_checkpoints_projector,
)
