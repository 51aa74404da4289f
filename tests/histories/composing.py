"""Makes commands up, about what a history has made so far and now and then about what is not."""

from collections.abc import Callable, Mapping, Sequence
from datetime import timedelta
from typing import Any, Protocol, TypeVar

from tests.histories.world import Note, Task, World
from vidwiz.commands.conversations import (
    Answer,
    AskQuestion,
    CompleteTurn,
    FailTurn,
    Identity,
    StartConversation,
    StopTurn,
)
from vidwiz.commands.notes import AddNote, DeleteNote, EditNote, RevertNote
from vidwiz.commands.tasks import (
    ClaimOwnTask,
    ClaimTask,
    ExpireTask,
    GiveBackTask,
    QueueTask,
    StoredTranscript,
    SubmitResult,
)
from vidwiz.commands.transcripts import (
    BringTranscript,
    ChooseTranscript,
    DropTranscript,
    ReportLostTranscript,
    ShareTranscript,
    WriteOwnSummary,
)
from vidwiz.commands.users import (
    ChangePassword,
    ChangeProfile,
    DisableUser,
    EnableUser,
    EndSessions,
    EraseGuest,
    EraseUser,
    IssueLongTermToken,
    RevokeLongTermToken,
    SignInWithGoogle,
    SignUp,
)
from vidwiz.commands.videos import AddTranscript, BringVideo, OpenVideo, WriteSummary
from vidwiz.commands.witness import WitnessCheckpoint
from vidwiz.events import TaskType

NOBODY = 2**62
STALE = timedelta(seconds=120)
WORDS = ("hi", "", "Ünïcode 🚀", '{"sealed":"QQ=="}', "[erased]", "two\nlines\\")
NAMES = ("Ann", "Bob", "Анна")
WORKERS = ("admin", "user:1")
TRANSCRIPTS = tuple(StoredTranscript(f"transcripts/{n}.json", f"{n}" * 64, n) for n in (1, 2))
METADATA: Sequence[dict[str, Any]] = ({"title": "é", "seconds": 1.5, "tags": [None]}, {})
ANSWERS = (Answer("See 7:55.", [{"start": 475.0}], "fake"), Answer(" ", [], "fake"))

T = TypeVar("T")


class Dice(Protocol):
    """Who decides: Hypothesis, or ``random.Random``."""

    def choice(self, among: Sequence[T]) -> T: ...


Compose = Callable[[World, Dice], Any]


def one_of(dice: Dice, ids: Sequence[int]) -> int:
    """One of them, or rarely what never was."""
    return dice.choice([*ids, *ids, *ids, *ids, NOBODY])


def sign_up(world: World, dice: Dice) -> SignUp:
    return SignUp(dice.choice(world.emails), dice.choice(NAMES), dice.choice(("a hash", "b hash")))


def sign_in_with_google(world: World, dice: Dice) -> SignInWithGoogle:
    return SignInWithGoogle(
        google_id=dice.choice(world.google_ids),
        email=dice.choice(world.emails),
        email_verified=dice.choice((True, True, False)),
        name=dice.choice(("Gus", " x ", None)),
        picture=dice.choice((None, "https://p/1", "https://p/2")),
        at=world.now,
        may_sign_up=dice.choice((True, True, True, False)),
    )


def first_sign_in(world: World, dice: Dice) -> SignInWithGoogle:
    """So that somebody has a Google account before it matters whose."""
    return sign_in_with_google(world, dice)


def change_profile(world: World, dice: Dice) -> ChangeProfile:
    name, switch = dice.choice((None, *NAMES)), dice.choice((True, True, False, None))
    return ChangeProfile(one_of(dice, world.users_ever), name, switch)


def issue_long_term_token(world: World, dice: Dice) -> IssueLongTermToken:
    return IssueLongTermToken(one_of(dice, world.users_ever), f"t-{world.token}", world.now)


def revoke_long_term_token(world: World, dice: Dice) -> RevokeLongTermToken:
    return RevokeLongTermToken(one_of(dice, world.users_ever))


def change_password(world: World, dice: Dice) -> ChangePassword:
    password_hash = dice.choice(("c hash", "d hash"))
    return ChangePassword(one_of(dice, world.users_ever), password_hash, world.now)


def end_sessions(world: World, dice: Dice) -> EndSessions:
    return EndSessions(one_of(dice, world.users_ever), world.now)


def disable_user(world: World, dice: Dice) -> DisableUser:
    return DisableUser(one_of(dice, world.users_ever), world.now)


def enable_user(world: World, dice: Dice) -> EnableUser:
    return EnableUser(one_of(dice, world.users_ever))


def erase_user(world: World, dice: Dice) -> EraseUser:
    return EraseUser(one_of(dice, world.users_ever))


def erase_guest(world: World, dice: Dice) -> EraseGuest:
    return EraseGuest(dice.choice(world.guest_ids))


def add_note(world: World, dice: Dice) -> AddNote:
    text = dice.choice((None, None, None, *WORDS))
    return AddNote(
        user_id=one_of(dice, world.users_ever),
        video_id=dice.choice(world.video_ids),
        video_title=dice.choice(("A title", "A title", None)),
        timestamp="7:55:35",
        text=text,
        idempotency_key=dice.choice((None, "key")),
        fingerprint=f"of {text}",
        may_ask=dice.choice((True, True, True, False)),
    )


def edit_note(world: World, dice: Dice) -> EditNote:
    return EditNote(
        note_id=one_of(dice, world.notes_ever),
        user_id=dice.choice((None, *world.users_ever)),
        text=dice.choice(WORDS),
        generated_by_ai=dice.choice((True, False)),
        only_if_empty=dice.choice((False, True)),
    )


def delete_note(world: World, dice: Dice) -> DeleteNote:
    note_id = one_of(dice, world.notes_ever)
    return DeleteNote(note_id, one_of(dice, world.users_ever))


def revert_note(world: World, dice: Dice) -> RevertNote:
    deleted = [note_id for note_id in world.note_pasts if note_id not in world.notes]
    note_id = one_of(dice, dice.choice((deleted, world.notes_ever)))
    past = world.note_pasts.get(note_id)
    owner = one_of(dice, world.users_ever) if past is None else past.user_id
    user_id = dice.choice((owner, owner, *world.users_ever))
    return RevertNote(note_id, user_id, dice.choice((1, 1, 2, 3)))


def open_video(world: World, dice: Dice) -> OpenVideo:
    user_id = dice.choice((None, one_of(dice, world.users_ever)))
    return OpenVideo(dice.choice(world.video_ids), world.now, user_id)


def add_transcript(world: World, dice: Dice) -> AddTranscript:
    video_id, transcript = dice.choice(world.video_ids), dice.choice(TRANSCRIPTS)
    return AddTranscript(video_id, transcript)


def write_summary(world: World, dice: Dice) -> WriteSummary:
    return WriteSummary(dice.choice(world.video_ids), dice.choice(("short", "", None)))


def bring_video(world: World, dice: Dice) -> BringVideo:
    user_id, video_id = one_of(dice, world.users_ever), dice.choice(world.video_ids)
    transcript, metadata = dice.choice(TRANSCRIPTS), dice.choice(METADATA)
    return BringVideo(user_id, video_id, "Brought", transcript, metadata, "short")


def bring_transcript(world: World, dice: Dice) -> BringTranscript:
    transcript = dice.choice(TRANSCRIPTS)
    return BringTranscript(
        user_id=one_of(dice, world.users_ever),
        video_id=dice.choice(world.video_ids),
        transcript=transcript,
        words_sha256=transcript.sha256,
        source=dice.choice(("upload", "worker")),
        shared=dice.choice((transcript, transcript, None)),
    )


def _whose(world: World, dice: Dice) -> tuple[int, str]:
    """Somebody and a video, sooner those of whom there is a transcript."""
    brought = [(row.user_id, row.video_id) for row in world.personal_transcripts.values()]
    anybody = (one_of(dice, world.users_ever), dice.choice(world.video_ids))
    return dice.choice([*brought * 3, anybody])


def choose_transcript(world: World, dice: Dice) -> ChooseTranscript:
    return ChooseTranscript(*_whose(world, dice), own=dice.choice((True, False)))


def drop_transcript(world: World, dice: Dice) -> DropTranscript:
    sha256 = dice.choice((None, *(its.sha256 for its in TRANSCRIPTS)))
    return DropTranscript(*_whose(world, dice), sha256)


def share_transcript(world: World, dice: Dice) -> ShareTranscript:
    return ShareTranscript(*_whose(world, dice), dice.choice(TRANSCRIPTS))


def report_lost_transcript(world: World, dice: Dice) -> ReportLostTranscript:
    video_id = dice.choice([*transcribed(world) * 2, *world.video_ids])
    return ReportLostTranscript(video_id, dice.choice(TRANSCRIPTS).sha256)


def claim_own_task(world: World, dice: Dice) -> ClaimOwnTask:
    user_id = one_of(dice, world.users_ever)
    stale_before = world.now + dice.choice((-STALE, timedelta(), STALE))
    return ClaimOwnTask(user_id, f"user:{user_id}", stale_before)


def queue_own_summary(world: World, dice: Dice) -> QueueTask:
    user_id, video_id = _whose(world, dice)
    return QueueTask(TaskType.SUMMARY, video_id, user_id=user_id)


def write_own_summary(world: World, dice: Dice) -> WriteOwnSummary:
    tasks = [task for task in own_summary_tasks(world) if task.is_open]
    if not tasks or dice.choice((False,) * 5 + (True,)):
        return WriteOwnSummary(*_whose(world, dice), "mine", _task(world, dice).id)
    task = dice.choice(tasks)
    return WriteOwnSummary(task.user_id or NOBODY, task.video_id, "mine", task.id)


def own_summary_tasks(world: World) -> list[Task]:
    """The tasks of summaries of transcripts that persons brought."""
    return [
        task
        for task in world.tasks.values()
        if task.task_type == TaskType.SUMMARY and task.user_id is not None
    ]


def queue_task(world: World, dice: Dice) -> QueueTask:
    if dice.choice((False, True)) and world.personal_transcripts:
        return queue_own_summary(world, dice)
    if not world.notes or dice.choice((False, False, True)):
        return QueueTask(TaskType.SUMMARY, dice.choice(world.video_ids))
    note = dice.choice([*wanting_words(world) * 3, *world.notes.values()])
    return QueueTask(TaskType.AI_NOTE, note.video_id, note.id)


def wanting_words(world: World) -> list[Note]:
    """The notes that AI may write."""
    willing = {user.id for user in world.users.values() if user.ai_notes_enabled}
    return [its for its in world.notes.values() if not its.text and its.user_id in willing]


def claim_task(world: World, dice: Dice) -> ClaimTask:
    waiting = [task.task_type for task in world.tasks.values() if task.is_open]
    kind, worker = dice.choice([*waiting * 2, *TaskType]), dice.choice(WORKERS)
    return ClaimTask(kind, worker, world.now + dice.choice((-STALE, timedelta(), STALE)))


def claim_transcript(world: World, _: Dice) -> ClaimTask:
    return ClaimTask(TaskType.TRANSCRIPT, "admin", world.now)


def give_up_transcript(world: World, _: Dice) -> SubmitResult:
    """The video will never have one, unless somebody brings it."""
    (task,) = [its for its in world.tasks.values() if its.status == "in_progress"]
    return SubmitResult(task.id, task.task_type, task.video_id, "admin", permanent=True)


def give_back_task(world: World, dice: Dice) -> GiveBackTask:
    task = _task(world, dice)
    return GiveBackTask(task.id, task.retry_count + dice.choice((0, 0, 1, -1)))


def expire_task(world: World, dice: Dice) -> ExpireTask:
    task = _task(world, dice)
    return ExpireTask(task.id, task.retry_count + dice.choice((0, 0, 1, -1)))


def submit_result(world: World, dice: Dice) -> SubmitResult:
    task = _task(world, dice)
    return SubmitResult(
        task_id=task.id,
        task_type=dice.choice([*[task.task_type] * 7, *TaskType]),
        video_id=dice.choice([*[task.video_id] * 3, *world.video_ids]),
        worker=dice.choice([task.worker or "admin", *WORKERS]),
        attempt=dice.choice([None, task.retry_count, task.retry_count - 1]),
        **_report(task, dice),
    )


def _task(world: World, dice: Dice) -> Task:
    """One of the history's, sooner one that is at work; or one that never was."""
    nothing = Task(NOBODY, TaskType.METADATA, {"video_id": world.video_ids[0]}, **world.new)
    at_work = [task for task in world.tasks.values() if task.status == "in_progress"]
    return dice.choice([*at_work * 3, *world.tasks.values(), nothing])


def _report(task: Task, dice: Dice) -> dict[str, Any]:
    if dice.choice((True, False)):
        fruits: Mapping[TaskType, dict[str, Any]] = {
            TaskType.TRANSCRIPT: {"transcript": dice.choice(TRANSCRIPTS)},
            TaskType.METADATA: {"metadata": dice.choice(METADATA)},
        }
        return fruits.get(task.task_type, {"done": True})
    return {
        "error": dice.choice(("no", None)),
        "reason": dice.choice(("blocked", None)),
        "permanent": dice.choice((False, False, True)),
    }


def transcribed(world: World) -> list[str]:
    """The videos that can be asked about."""
    return [video_id for video_id, its in world.videos.items() if its.transcript_available]


def _identity(world: World, dice: Dice) -> Identity:
    if dice.choice((True, False)):
        return Identity(user_id=one_of(dice, world.users_ever))
    return Identity(guest_id=dice.choice(world.guest_ids))


def start_conversation(world: World, dice: Dice) -> StartConversation:
    return StartConversation(_identity(world, dice), dice.choice(world.video_ids))


def ask_question(world: World, dice: Dice) -> AskQuestion:
    conversation_id = dice.choice((None, None, *world.conversations_ever, NOBODY))
    known = world.conversations.get(conversation_id or NOBODY)
    who = _identity(world, dice)
    video_id = dice.choice([*transcribed(world) * 2, *world.video_ids])
    if known is not None and dice.choice((True, True, False)):
        who, video_id = Identity(known.user_id, known.guest_id), known.video_id
    text = dice.choice(WORDS)
    return AskQuestion(who, world.now.date(), video_id, conversation_id, text, server=7)


def ask_as_user(world: World, dice: Dice) -> AskQuestion:
    """Somebody with an account, in a conversation of its own."""
    who = Identity(user_id=world.users_ever[0])
    video_id = dice.choice(transcribed(world) or world.video_ids)
    return AskQuestion(who, world.now.date(), video_id, None, dice.choice(WORDS), server=7)


def complete_turn(world: World, dice: Dice) -> CompleteTurn:
    return CompleteTurn(one_of(dice, world.turns_ever), dice.choice(ANSWERS))


def stop_turn(world: World, dice: Dice) -> StopTurn:
    return StopTurn(one_of(dice, world.turns_ever), dice.choice(ANSWERS))


def fail_turn(world: World, dice: Dice) -> FailTurn:
    turn_id = one_of(dice, world.turns_ever)
    return FailTurn(turn_id, dice.choice(("refused", "model_unavailable")), dice.choice(WORDS))


def witness_checkpoint(world: World, dice: Dice) -> WitnessCheckpoint:
    position = dice.choice((1, 2, 3))
    hour, its_hash = dice.choice((1, 2, 3)), dice.choice(("ab", "cd")) * 32
    return WitnessCheckpoint(
        public_key=world.signer,
        position=position,
        hash=its_hash,
        events=position,
        made_at=f"2026-01-01T{hour:02}:00:00.000000Z",
        previous="00" * 32,
        signature=f"{hour}{its_hash[0]}" * 64,
    )


COMPOSERS: Mapping[type, Compose] = {
    SignUp: sign_up,
    SignInWithGoogle: sign_in_with_google,
    ChangeProfile: change_profile,
    IssueLongTermToken: issue_long_term_token,
    RevokeLongTermToken: revoke_long_term_token,
    ChangePassword: change_password,
    EndSessions: end_sessions,
    DisableUser: disable_user,
    EnableUser: enable_user,
    EraseUser: erase_user,
    EraseGuest: erase_guest,
    AddNote: add_note,
    EditNote: edit_note,
    DeleteNote: delete_note,
    RevertNote: revert_note,
    OpenVideo: open_video,
    AddTranscript: add_transcript,
    WriteSummary: write_summary,
    BringVideo: bring_video,
    BringTranscript: bring_transcript,
    ChooseTranscript: choose_transcript,
    DropTranscript: drop_transcript,
    WriteOwnSummary: write_own_summary,
    ShareTranscript: share_transcript,
    ReportLostTranscript: report_lost_transcript,
    ClaimOwnTask: claim_own_task,
    QueueTask: queue_task,
    ClaimTask: claim_task,
    GiveBackTask: give_back_task,
    ExpireTask: expire_task,
    SubmitResult: submit_result,
    StartConversation: start_conversation,
    AskQuestion: ask_question,
    CompleteTurn: complete_turn,
    StopTurn: stop_turn,
    FailTurn: fail_turn,
    WitnessCheckpoint: witness_checkpoint,
}
ALONE = [compose for compose in COMPOSERS.values() if compose is not claim_task]
"""Those that nobody else's history has a part in: all stand in one line of tasks."""
