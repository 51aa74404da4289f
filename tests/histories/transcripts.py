"""What must come of the commands about a person's own transcripts, and about lost ones."""

from tests.histories.jobs import ATTEMPTS, queue, transcribe
from tests.histories.people import existing
from tests.histories.told import Told
from tests.histories.world import PersonalTranscript, Task, World
from vidwiz.commands.tasks import Claim, ClaimOwnTask, Expired, TaskNotInProgress
from vidwiz.commands.transcripts import (
    BringTranscript,
    ChooseTranscript,
    DropTranscript,
    ReportLostTranscript,
    ShareTranscript,
    TranscriptNotFound,
    WriteOwnSummary,
)
from vidwiz.commands.videos import VideoNotFound
from vidwiz.events import TaskType


def bring_transcript(world: World, command: BringTranscript, told: Told) -> None:
    existing(world, command.user_id)
    if command.video_id not in world.videos:
        raise VideoNotFound
    _cancel_summary(world, command.user_id, command.video_id)
    row = _row(world, command.user_id, command.video_id)
    if row is None:
        its = (told.transcript_id(command.user_id, command.video_id), command.user_id)
        row = PersonalTranscript(*its, command.video_id, **world.new)
        world.personal_transcripts[row.id] = row
    else:
        row.happened(world.now)
    row.object_key, row.sha256 = command.transcript.object_key, command.transcript.sha256
    row.segment_count, row.words_sha256 = command.transcript.segment_count, command.words_sha256
    row.source, row.chosen, row.summary = command.source, True, None
    video = world.videos[command.video_id]
    if command.shared and not video.transcript_available and _others_agree(world, row):
        transcribe(world, command.video_id, command.shared, "readers")


def _others_agree(world: World, row: PersonalTranscript) -> bool:
    return any(
        its.user_id != row.user_id
        for its in world.personal_transcripts.values()
        if (its.video_id, its.words_sha256) == (row.video_id, row.words_sha256)
    )


def choose_transcript(world: World, command: ChooseTranscript, _: Told) -> None:
    row = _own(world, command.user_id, command.video_id)
    if row.chosen != command.own:
        row.chosen = command.own
        row.happened(world.now)


def drop_transcript(world: World, command: DropTranscript, _: Told) -> None:
    row = _row(world, command.user_id, command.video_id)
    if command.sha256 is not None and (row is None or row.sha256 != command.sha256):
        return
    row = _own(world, command.user_id, command.video_id)
    _cancel_summary(world, command.user_id, command.video_id)
    row.object_key = row.sha256 = row.words_sha256 = row.source = row.summary = None
    row.segment_count, row.chosen = None, False
    row.happened(world.now)


def _summary_task(world: World, user_id: int, video_id: str) -> Task | None:
    its = (TaskType.SUMMARY, video_id, user_id)
    open_tasks = (task for task in world.tasks.values() if task.is_open)
    return next(
        (task for task in open_tasks if (task.task_type, task.video_id, task.user_id) == its), None
    )


def _cancel_summary(world: World, user_id: int, video_id: str) -> None:
    task = _summary_task(world, user_id, video_id)
    if task is not None:
        task.ended("cancelled", world.now)


def write_own_summary(world: World, command: WriteOwnSummary, _: Told) -> None:
    task = _summary_task(world, command.user_id, command.video_id)
    if task is None or task.id != command.task_id:
        raise TaskNotInProgress
    row = _own(world, command.user_id, command.video_id)
    row.summary = command.summary
    row.happened(world.now)


def share_transcript(world: World, command: ShareTranscript, _: Told) -> None:
    if _own(world, command.user_id, command.video_id).sha256 != command.shared.sha256:
        raise TranscriptNotFound
    transcribe(world, command.video_id, command.shared, "admin")


def report_lost_transcript(world: World, command: ReportLostTranscript, told: Told) -> None:
    video = world.videos.get(command.video_id)
    if video is None or video.transcript_sha256 != command.sha256:
        return
    video.transcript_available = False
    video.transcript_sha256 = video.transcript_segments = video.transcript_origin = None
    video.happened(world.now)
    if not world.open_tasks(TaskType.TRANSCRIPT, command.video_id):
        queue(world, TaskType.TRANSCRIPT, command.video_id, told)


def claim_own_task(world: World, command: ClaimOwnTask, told: Told) -> Claim | Expired | None:
    whose = (TaskType.TRANSCRIPT, command.user_id)
    tasks = [task for _, task in sorted(world.tasks.items())]
    own = [task for task in tasks if (task.task_type, task.user_id) == whose]
    line = [task for task in own if task.is_claimable(command.stale_before)]
    if line and line[0].retry_count >= ATTEMPTS:
        return Expired(line[0].id, line[0].retry_count)
    if line:
        return _claimed(world, line[0], command.worker)
    videos = sorted(world.videos.values(), key=lambda its: its.id)
    wanted = [its.video_id for its in videos if _is_wanted(world, command.user_id, its.video_id)]
    if not wanted:
        return None
    details = {"video_id": wanted[0], "user_id": command.user_id}
    task = Task(told.result.task_id, TaskType.TRANSCRIPT, details, **world.new)
    world.tasks[task.id] = task
    return _claimed(world, task, command.worker)


def _claimed(world: World, task: Task, worker: str) -> Claim:
    task.claimed(worker, world.now)
    return Claim(task.id, task.task_type, task.video_id, task.retry_count)


def _is_wanted(world: World, user_id: int, video_id: str) -> bool:
    used = [(its.user_id, its.video_id) for its in world.notes.values()]
    used += [
        (its.user_id, its.video_id)
        for its in world.conversations.values()
        if its.user_id is not None
    ]
    used += [*world.openings]
    row = _row(world, user_id, video_id)
    return (
        (user_id, video_id) in used
        and not world.videos[video_id].transcript_available
        and (row is None or row.object_key is None)
        and not any(
            (task.task_type, task.user_id, task.video_id)
            == (TaskType.TRANSCRIPT, user_id, video_id)
            for task in world.tasks.values()
        )
    )


def _row(world: World, user_id: int, video_id: str) -> PersonalTranscript | None:
    whose = (user_id, video_id)
    rows = world.personal_transcripts.values()
    return next((row for row in rows if (row.user_id, row.video_id) == whose), None)


def _own(world: World, user_id: int, video_id: str) -> PersonalTranscript:
    row = _row(world, user_id, video_id)
    if row is None or row.object_key is None:
        raise TranscriptNotFound
    return row
