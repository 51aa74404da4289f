"""``given(past).when(command).then(events)``: a decision, told as a story, without a database."""

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any, Self

from vidwiz.commands import DECISIONS
from vidwiz.commands.base import (
    Command,
    ContextQuery,
    Decision,
    DecisionContext,
    DomainError,
    History,
    LatestEventQuery,
    StreamQuery,
)
from vidwiz.commands.conversations import (
    ConversationContext,
    ConversationContextQuery,
    FoundTurn,
    Identity,
    QuestionContext,
    QuestionContextQuery,
    TurnEnd,
    TurnQuery,
    TurnState,
)
from vidwiz.commands.notes import (
    AddNoteContext,
    AddNoteContextQuery,
    EarlierUse,
    NoteVersions,
    NoteVersionsQuery,
)
from vidwiz.commands.notes import state_of as fold_note
from vidwiz.commands.tasks import Claimable, OwnTask, OwnTaskQuery, Task, Work, WorkQuery
from vidwiz.commands.tasks import state_of as fold_task
from vidwiz.commands.transcripts import (
    OwnTranscript,
    PersonalTranscriptContext,
    PersonalTranscriptContextQuery,
)
from vidwiz.commands.users import (
    Account,
    Accounts,
    AccountsQuery,
    ErasureContext,
    ErasureContextQuery,
    FoundUser,
    GuestContext,
    GuestContextQuery,
    UserQuery,
    UserState,
)
from vidwiz.commands.videos import (
    TranscriptContext,
    TranscriptContextQuery,
    VideoContext,
    VideoContextQuery,
)
from vidwiz.commands.witness import WitnessContext, WitnessContextQuery
from vidwiz.events import (
    AiNotesDisabled,
    AiNotesEnabled,
    CheckpointContradicted,
    CheckpointWitnessed,
    ConversationStarted,
    Event,
    GoogleAccountLinked,
    GuestErased,
    LongTermTokenIssued,
    LongTermTokenRevoked,
    MetadataFetched,
    NoteAdded,
    PersonalSummaryWritten,
    PersonalTranscriptAdded,
    PersonalTranscriptChosen,
    PersonalTranscriptRemoved,
    PersonalTranscriptReplaced,
    ProfilePictureChanged,
    SummaryWritten,
    TaskQueued,
    TaskType,
    TranscriptLost,
    TranscriptReady,
    TurnCompleted,
    TurnFailed,
    TurnStarted,
    TurnStopped,
    UserDisabled,
    UserEnabled,
    UserRenamed,
    UserSignedUp,
    VideoAdded,
    VideoOpened,
    VideoTitled,
)

NEXT_USER, NEXT_NOTE, NEXT_VIDEO, NEXT_TRANSCRIPT_TASK, NEXT_METADATA_TASK = 9, 101, 201, 301, 302
NEXT_CONVERSATION, NEXT_MESSAGE, NEXT_TASK, NEXT_OPENING = 401, 501, 303, 601
NEXT_TRANSCRIPT, NEXT_CHECKPOINT = 701, 801
"""The ids that the sequences would give next."""

ADDED_AT = datetime(2026, 1, 31, tzinfo=UTC)
"""When every note was added."""

OPEN = ("pending", "in_progress")


@dataclass(frozen=True)
class Told:
    """What came of a command."""

    outcome: Decision | None
    refusal: DomainError | None

    def then(
        self, *events: Event, result: Any = None, answer: ContextQuery[Any] | None = None
    ) -> Self:
        """It was accepted, made exactly these events, and answers exactly this."""
        assert self.refusal is None, f"refused: {self.refusal!r}"
        assert self.outcome is not None
        assert tuple(self.outcome.events) == events
        assert (self.outcome.result, self.outcome.answer) == (result, answer)
        return self

    def recording(self, *records: object) -> None:
        """It also keeps exactly these records beside the log."""
        assert self.outcome is not None
        assert tuple(self.outcome.records) == records

    def refused(self, error: type[DomainError]) -> None:
        """It was refused for exactly this reason."""
        assert type(self.refusal) is error


class Given:
    """A past to decide upon."""

    def __init__(
        self,
        past: Sequence[Event],
        earlier: EarlierUse | None = None,
        used: int = 0,
        requested_at: datetime | None = None,
    ) -> None:
        self._past = past
        self._earlier = earlier
        self._used = used
        self._requested_at = requested_at

    def when(self, command: Command) -> Told:
        """Let the command decide."""
        return decide(command, self._found(command.lookup()))

    def _found(self, lookup: ContextQuery[Any]) -> DecisionContext:
        past = self._past
        finders: Mapping[type[ContextQuery[Any]], Callable[[Any], DecisionContext]] = {
            StreamQuery: lambda its: history(past, its),
            LatestEventQuery: lambda its: newest(past, its),
            UserQuery: lambda its: account(past, its.user_id),
            ErasureContextQuery: lambda its: erasure_ground(past, its.user_id),
            GuestContextQuery: lambda its: guest_ground(past, its.guest_id),
            AccountsQuery: lambda its: accounts(past, its),
            AddNoteContextQuery: self._ground,
            NoteVersionsQuery: lambda its: note_versions(past, its),
            VideoContextQuery: lambda its: video_ground(past, its, self._requested_at),
            TranscriptContextQuery: lambda its: transcript_ground(past, its.video_id),
            WorkQuery: lambda its: work(past, its),
            OwnTaskQuery: lambda its: own_task(past, its),
            PersonalTranscriptContextQuery: lambda its: personal_context(past, its),
            ConversationContextQuery: lambda its: conversation_ground(past, its),
            QuestionContextQuery: lambda its: question_ground(past, its, self._used),
            TurnQuery: lambda its: found_turn(past, its.turn_id),
            WitnessContextQuery: lambda its: witness_ground(past, its),
        }
        return finders[type(lookup)](lookup)

    def _ground(self, lookup: AddNoteContextQuery) -> AddNoteContext:
        known = any_of(self._past, VideoAdded, lookup.video_id)
        return AddNoteContext(
            user_exists=user_exists(self._past, lookup.user_id),
            note_id=NEXT_NOTE,
            video_number=None if known else NEXT_VIDEO,
            transcript_task_id=None if known else NEXT_TRANSCRIPT_TASK,
            metadata_task_id=None if known else NEXT_METADATA_TASK,
            earlier=self._earlier if lookup.idempotency_key else None,
            is_untitled=known and not is_titled(self._past, lookup.video_id),
        )


def given(
    *past: Event,
    earlier: EarlierUse | None = None,
    used: int = 0,
    requested_at: datetime | None = None,
) -> Given:
    """These events happened.

    ``earlier`` is what the idempotency key was used for, ``used`` how many questions were asked
    today, ``requested_at`` when a summary was asked for.
    """
    return Given(past, earlier, used, requested_at)


def decide(command: Command, found: DecisionContext) -> Told:
    """Let the command decide on what its look-up found."""
    try:
        return Told(DECISIONS[type(command)](command, found), None)
    except DomainError as refusal:
        return Told(None, refusal)


def history(past: Sequence[Event], lookup: StreamQuery) -> History:
    streams = defaultdict(list)
    for event in past:
        if event.stream in lookup.streams:
            streams[event.stream].append(event)
    return History(events=streams, versions={name: len(events) for name, events in streams.items()})


def newest(past: Sequence[Event], lookup: LatestEventQuery) -> History:
    whole = history(past, StreamQuery(lookup.streams))
    events = {name: its[-1:] for name, its in whole.events.items()}
    return History(events=events, versions=whole.versions)


def note_versions(past: Sequence[Event], lookup: NoteVersionsQuery) -> NoteVersions:
    """The note's versions; positions count the whole past, from 1."""
    numbered = [(n, event) for n, event in enumerate(past, 1) if _is_of(event, lookup.note_id)]
    if not numbered:
        return NoteVersions()
    added = numbered[0][1]
    assert isinstance(added, NoteAdded)
    wanted = [
        event
        for version, (position, event) in enumerate(numbered, 1)
        if version == lookup.version or position == lookup.position
    ]
    return NoteVersions(added, ADDED_AT, wanted[0] if wanted else None, numbered[-1][1])


def _is_of(event: Event, note_id: int) -> bool:
    return event.stream == f"note:{note_id}"


def user_exists(past: Sequence[Event], user_id: int) -> bool:
    return any(isinstance(event, UserSignedUp) and event.user_id == user_id for event in past)


def any_of(past: Sequence[Event], kind: type[Event], video_id: str) -> bool:
    """Whether something of this kind happened to the video."""
    return any(isinstance(event, kind) and event.stream == f"video:{video_id}" for event in past)


def tasks_of(
    past: Sequence[Event],
    task_type: TaskType,
    video_id: str,
    note_id: int | None = None,
    user_id: int | None = None,
) -> dict[int, Task]:
    """The tasks of this type for the video, note or person, as their events left them."""
    wanted = (task_type, video_id, note_id)
    ids = [
        event.task_id
        for event in past
        if isinstance(event, TaskQueued)
        and (event.task_type, event.video_id, event.note_id) == wanted
        and (note_id is not None or event.user_id == user_id)
    ]
    folded = {
        task_id: fold_task(event for event in past if event.stream == f"task:{task_id}")
        for task_id in ids
    }
    return {task_id: task for task_id, task in folded.items() if task is not None}


def on_its_way(past: Sequence[Event], task_type: TaskType, video_id: str) -> bool:
    tasks = tasks_of(past, task_type, video_id).values()
    came = task_type is not TaskType.TRANSCRIPT or shared_transcript(past, video_id) is not None
    coming = (*OPEN, "completed") if came else OPEN
    return any(task.status in coming for task in tasks)


def is_titled(past: Sequence[Event], video_id: str) -> bool:
    return any(
        isinstance(event, VideoAdded | VideoTitled)
        and event.video_id == video_id
        and event.title is not None
        for event in past
    )


def shared_transcript(past: Sequence[Event], video_id: str) -> TranscriptReady | None:
    """The transcript of the video that all share."""
    shared: TranscriptReady | None = None
    for event in past:
        if event.stream == f"video:{video_id}":
            match event:
                case TranscriptReady():
                    shared = event
                case TranscriptLost():
                    shared = None
    return shared


Brought = PersonalTranscriptAdded | PersonalTranscriptReplaced


def personal_context(
    past: Sequence[Event], lookup: PersonalTranscriptContextQuery
) -> PersonalTranscriptContext:
    shared = shared_transcript(past, lookup.video_id)
    mine, others = brought(past, lookup)
    tasks = tasks_of(past, TaskType.TRANSCRIPT, lookup.video_id).values()
    return PersonalTranscriptContext(
        user_exists=lookup.user_id is None or user_exists(past, lookup.user_id),
        video_exists=any_of(past, VideoAdded, lookup.video_id),
        shared_sha256=None if shared is None else shared.sha256,
        fetch_open=any(task.status in OPEN for task in tasks if task.user_id is None),
        own=own_transcript(past, mine),
        summary_task=own_summary_task(past, lookup),
        others_agree=any(its.words_sha256 == lookup.words_sha256 for its in others),
        transcript_id=NEXT_TRANSCRIPT if mine is None else mine.transcript_id,
        is_first=mine is None,
        task_id=NEXT_TASK,
    )


def brought(
    past: Sequence[Event], lookup: PersonalTranscriptContextQuery
) -> tuple[Brought | None, list[Brought]]:
    """What the person brought last, and what others have."""
    mine: Brought | None = None
    others: dict[int, Brought] = {}
    for event in past:
        match event:
            case PersonalTranscriptAdded() | PersonalTranscriptReplaced():
                if event.video_id != lookup.video_id:
                    continue
                if event.user_id == lookup.user_id:
                    mine = event
                else:
                    others[event.transcript_id] = event
            case PersonalTranscriptRemoved():
                others.pop(event.transcript_id, None)
    return mine, list(others.values())


def own_transcript(past: Sequence[Event], mine: Brought | None) -> OwnTranscript | None:
    own: OwnTranscript | None = None
    for event in past:
        if mine is None or event.stream != mine.stream:
            continue
        match event:
            case PersonalTranscriptAdded() | PersonalTranscriptReplaced():
                its = (event.transcript_id, event.object_key, event.sha256, event.segment_count)
                own = OwnTranscript(*its, chosen=True)
            case PersonalTranscriptChosen():
                assert own is not None
                own = replace(own, chosen=event.own)
            case PersonalTranscriptRemoved():
                own = None
    return own


def own_summary_task(past: Sequence[Event], lookup: PersonalTranscriptContextQuery) -> int | None:
    """The open task of the summary of the person's transcript."""
    ids = [
        event.task_id
        for event in past
        if isinstance(event, TaskQueued)
        and lookup.user_id is not None
        and (event.task_type, event.video_id, event.user_id)
        == (TaskType.SUMMARY, lookup.video_id, lookup.user_id)
    ]
    for task_id in ids:
        its = fold_task(event for event in past if event.stream == f"task:{task_id}")
        if its is not None and its.status in OPEN:
            return task_id
    return None


def own_task(past: Sequence[Event], lookup: OwnTaskQuery) -> OwnTask:
    """The person's pending task, else a video that they opened and nobody has words of."""
    queued = [
        event
        for event in past
        if isinstance(event, TaskQueued)
        and (event.task_type, event.user_id) == (TaskType.TRANSCRIPT, lookup.user_id)
    ]
    for event in queued:
        its = fold_task(one for one in past if one.stream == event.stream)
        if its is not None and its.status == "pending":
            return OwnTask(Claimable(event.task_id, event.video_id, its.attempt), None, NEXT_TASK)
    wanted = [
        event.video_id
        for event in past
        if isinstance(event, VideoOpened)
        and event.user_id == lookup.user_id
        and shared_transcript(past, event.video_id) is None
        and event.video_id not in {its.video_id for its in queued}
    ]
    return OwnTask(None, wanted[0] if wanted else None, NEXT_TASK)


def video_ground(
    past: Sequence[Event], lookup: VideoContextQuery, requested_at: datetime | None
) -> VideoContext:
    video_id = lookup.video_id
    return VideoContext(
        number=None if any_of(past, VideoAdded, video_id) else NEXT_VIDEO,
        transcript_task_id=NEXT_TRANSCRIPT_TASK,
        metadata_task_id=NEXT_METADATA_TASK,
        transcript_available=shared_transcript(past, video_id) is not None,
        transcript_coming=on_its_way(past, TaskType.TRANSCRIPT, video_id),
        metadata_available=any_of(past, MetadataFetched, video_id),
        metadata_coming=on_its_way(past, TaskType.METADATA, video_id),
        summary_available=any_of(past, SummaryWritten, video_id),
        summary_requested_at=requested_at,
        opening_id=NEXT_OPENING if opens_first(past, lookup) else None,
    )


def opens_first(past: Sequence[Event], lookup: VideoContextQuery) -> bool:
    opened = any(
        isinstance(event, VideoOpened)
        and (event.user_id, event.video_id) == (lookup.user_id, lookup.video_id)
        for event in past
    )
    return lookup.user_id is not None and user_exists(past, lookup.user_id) and not opened


def transcript_ground(past: Sequence[Event], video_id: str) -> TranscriptContext:
    tasks = tasks_of(past, TaskType.TRANSCRIPT, video_id)
    return TranscriptContext(
        video_exists=any_of(past, VideoAdded, video_id),
        open_tasks=tuple(task_id for task_id, task in tasks.items() if task.status in OPEN),
    )


def work(past: Sequence[Event], lookup: WorkQuery) -> Work:
    tasks = tasks_of(past, lookup.task_type, lookup.video_id, lookup.note_id, lookup.user_id)
    return Work(
        needed=is_needed(past, lookup),
        open=any(task.status in OPEN for task in tasks.values()),
        task_id=NEXT_TASK,
    )


def is_needed(past: Sequence[Event], lookup: WorkQuery) -> bool:
    if lookup.note_id is not None:
        return needs_words(past, lookup.note_id)
    if lookup.user_id is None:
        return needs_summary(past, lookup.video_id)
    whose = PersonalTranscriptContextQuery(lookup.user_id, lookup.video_id)
    mine = brought(past, whose)[0]
    if mine is None or own_transcript(past, mine) is None:
        return False
    since = past[past.index(mine) :]
    return not any(isinstance(its, PersonalSummaryWritten) for its in since)


def needs_summary(past: Sequence[Event], video_id: str) -> bool:
    return shared_transcript(past, video_id) is not None and not any_of(
        past, SummaryWritten, video_id
    )


def needs_words(past: Sequence[Event], note_id: int) -> bool:
    note = fold_note(event for event in past if event.stream == f"note:{note_id}")
    if note is None or note.text:
        return False
    owner = account(past, note.user_id).user
    return owner is not None and owner.ai_notes_enabled


def conversation_ground(
    past: Sequence[Event], lookup: ConversationContextQuery
) -> ConversationContext:
    return ConversationContext(
        user_exists=lookup.user_id is None or user_exists(past, lookup.user_id),
        video_exists=any_of(past, VideoAdded, lookup.video_id),
        conversation_id=NEXT_CONVERSATION,
    )


def question_ground(
    past: Sequence[Event], lookup: QuestionContextQuery, used: int
) -> QuestionContext:
    identity, named = lookup.identity, lookup.conversation_id
    wanted = (named, identity.user_id, identity.guest_id, lookup.video_id)
    found = any(
        (event.conversation_id, event.user_id, event.guest_id, event.video_id) == wanted
        for event in past
        if isinstance(event, ConversationStarted)
    )
    return QuestionContext(
        user_exists=identity.user_id is None or user_exists(past, identity.user_id),
        used=used,
        video_exists=any_of(past, VideoAdded, lookup.video_id),
        transcript_available=shared_transcript(past, lookup.video_id) is not None,
        transcript_coming=on_its_way(past, TaskType.TRANSCRIPT, lookup.video_id),
        conversation_found=named is None or found,
        conversation_id=NEXT_CONVERSATION if named is None else named,
        message_id=NEXT_MESSAGE,
    )


def found_turn(past: Sequence[Event], turn_id: int) -> FoundTurn:
    """The turn's row, as its projector would have made it."""
    turn: TurnState | None = None
    for event in past:
        match event:
            case TurnStarted() if event.turn_id == turn_id:
                identity = Identity(event.user_id, event.guest_id)
                turn = TurnState(event.conversation_id, identity)
            case TurnCompleted() | TurnStopped() | TurnFailed() if event.turn_id == turn_id:
                assert turn is not None
                turn = replace(turn, end=turn_end(event))
    return FoundTurn(turn, NEXT_MESSAGE)


def turn_end(event: Event) -> TurnEnd:
    """How a turn stands after its last event."""
    match event:
        case TurnCompleted():
            return TurnEnd("completed", event.answer_id)
        case TurnStopped():
            return TurnEnd("stopped", event.answer_id)
        case TurnFailed():
            return TurnEnd("failed", reason=event.reason)
    raise AssertionError(f"{event.TOPIC} ends no turn")


def accounts(past: Sequence[Event], lookup: AccountsQuery) -> Accounts:
    by_email: dict[str, Account] = {}
    for event in past:
        match event:
            case UserSignedUp():
                account = Account(event.user_id, event.google_id, event.profile_image_url)
                by_email[event.email] = account
            case GoogleAccountLinked() | ProfilePictureChanged():
                (email,) = (e for e, its in by_email.items() if its.user_id == event.user_id)
                before = by_email[email]
                by_email[email] = replace(
                    before,
                    google_id=getattr(event, "google_id", before.google_id),
                    profile_image_url=getattr(event, "profile_image_url", before.profile_image_url),
                )
            case LongTermTokenIssued() | LongTermTokenRevoked() | UserDisabled() | UserEnabled():
                (email,) = (e for e, its in by_email.items() if its.user_id == event.user_id)
                before = by_email[email]
                user = UserState("", token_id=before.token_id, disabled=before.disabled)
                user = after(user, event)
                by_email[email] = replace(before, token_id=user.token_id, disabled=user.disabled)
    return Accounts(
        user_id=NEXT_USER,
        by_email=by_email.get(lookup.email),
        by_google_id=next(
            (
                account
                for account in by_email.values()
                if lookup.google_id is not None and account.google_id == lookup.google_id
            ),
            None,
        ),
    )


def account(past: Sequence[Event], user_id: int) -> FoundUser:
    """The account's row, as its projector would have made it."""
    its = [event for event in past if event.stream == f"user:{user_id}"]
    user: UserState | None = None
    for event in its:
        if isinstance(event, UserSignedUp):
            user = UserState(event.name)
        elif user is not None:
            user = after(user, event)
    return FoundUser(user, versions={f"user:{user_id}": len(its)} if its else {})


def witness_ground(past: Sequence[Event], asked: WitnessContextQuery) -> WitnessContext:
    """What the key signed before; times that differ at all are taken to be far apart."""
    shown = [its for its in past if isinstance(its, CheckpointWitnessed | CheckpointContradicted)]
    known = contradicted = None
    for its in shown:
        if (its.position, its.signature) == (asked.position, asked.signature):
            known = its.checkpoint_id
        elif isinstance(its, CheckpointWitnessed) and cannot_both_be_true(its, asked):
            contradicted = contradicted or its.checkpoint_id
    stream = f"witness:{asked.public_key}"
    versions = {stream: len(shown)} if shown else {}
    return WitnessContext(NEXT_CHECKPOINT, known, contradicted, versions=versions)


def cannot_both_be_true(known: CheckpointWitnessed, asked: WitnessContextQuery) -> bool:
    if known.position == asked.position:
        return known.hash != asked.hash
    return (known.position < asked.position) != (known.made_at < asked.made_at)


def guest_ground(past: Sequence[Event], guest_id: str) -> GuestContext:
    """Whether the guest has a conversation that was not erased."""
    exists = False
    for event in past:
        if isinstance(event, ConversationStarted | GuestErased) and event.guest_id == guest_id:
            exists = isinstance(event, ConversationStarted)
    return GuestContext(exists)


def erasure_ground(past: Sequence[Event], user_id: int) -> ErasureContext:
    """The account, and the open tasks on its notes."""
    versions = account(past, user_id).versions
    if not versions:
        return ErasureContext(user_exists=False)
    notes = [its for its in past if isinstance(its, NoteAdded) and its.user_id == user_id]
    tasks = [
        task_id
        for its in notes
        for task_id, task in tasks_of(past, TaskType.AI_NOTE, its.video_id, its.note_id).items()
        if task.status in OPEN
    ]
    return ErasureContext(user_exists=True, open_tasks=tuple(tasks), versions=versions)


def after(user: UserState, event: Event) -> UserState:
    match event:
        case UserRenamed():
            return replace(user, name=event.name)
        case AiNotesEnabled() | AiNotesDisabled():
            return replace(user, ai_notes_enabled=isinstance(event, AiNotesEnabled))
        case LongTermTokenIssued() | LongTermTokenRevoked():
            issued = isinstance(event, LongTermTokenIssued)
            return replace(user, token_id=event.token_id if issued else None)
        case UserDisabled() | UserEnabled():
            return replace(user, disabled=isinstance(event, UserDisabled))
        case _:
            return user
