"""What must come of the commands about videos."""

from datetime import timedelta
from typing import Any

from tests.histories.jobs import describe, queue, transcribe
from tests.histories.people import existing
from tests.histories.told import Told
from tests.histories.world import Opening, Video, World
from vidwiz.commands.videos import (
    AddTranscript,
    BringVideo,
    Opened,
    OpenVideo,
    VideoNotFound,
    WriteSummary,
)
from vidwiz.events import TaskType


def add_video(world: World, video_id: str, title: str | None, told: Told) -> Video:
    video = Video(told.video_number(video_id), video_id, title, **world.new)
    world.videos[video_id] = video
    return video


def known(world: World, video_id: str) -> Video:
    if video_id not in world.videos:
        raise VideoNotFound
    return world.videos[video_id]


def open_video(world: World, command: OpenVideo, told: Told) -> Opened:
    video_id = command.video_id
    is_new = video_id not in world.videos
    if is_new:
        add_video(world, video_id, None, told)
    video = world.videos[video_id]
    missing: list[Any] = []
    if not video.transcript_available and not world.on_its_way(TaskType.TRANSCRIPT, video_id):
        missing.append("transcript")
        queue(world, TaskType.TRANSCRIPT, video_id, told)
    if video.metadata is None and not world.on_its_way(TaskType.METADATA, video_id):
        missing.append("metadata")
        queue(world, TaskType.METADATA, video_id, told)
    if video.summary is None:
        missing.append("summary")
        _ask_for_summary(world, video)
    _remember(world, command, told)
    return Opened(is_new, tuple(missing))


def _remember(world: World, command: OpenVideo, told: Told) -> None:
    whose, video_id = command.user_id, command.video_id
    if whose in world.users and (whose, video_id) not in world.openings:
        its = Opening(told.opening_id(video_id), whose, video_id, world.now)
        world.openings[whose, video_id] = its


def _ask_for_summary(world: World, video: Video) -> None:
    asked = video.summary_requested_at
    if asked is None or world.now - asked >= timedelta(minutes=10):
        video.summary_requested_at = world.now
        video.happened(world.now)


def add_transcript(world: World, command: AddTranscript, _: Told) -> None:
    known(world, command.video_id)
    for task in world.open_tasks(TaskType.TRANSCRIPT, command.video_id):
        task.ended("cancelled", world.now)
    transcribe(world, command.video_id, command.transcript, "admin")


def write_summary(world: World, command: WriteSummary, _: Told) -> dict[str, Any]:
    video = known(world, command.video_id)
    if command.summary not in (None, video.summary):
        video.summary = command.summary
        video.happened(world.now)
    return shape_of_video(video)


def bring_video(world: World, command: BringVideo, told: Told) -> None:
    existing(world, command.user_id)
    if command.video_id in world.videos:
        return
    video = add_video(world, command.video_id, command.title, told)
    transcribe(world, command.video_id, command.transcript, "admin")
    describe(world, command.video_id, command.metadata)
    video.summary = command.summary
    video.happened(world.now)


def shape_of_video(video: Video) -> dict[str, Any]:
    """The video as the contract shows it."""
    return {
        "id": video.id,
        "video_id": video.video_id,
        "title": (video.metadata or {}).get("title") or video.title,
        "metadata": video.metadata,
        "transcript_available": video.transcript_available,
        "summary": video.summary,
        "created_at": video.created_at.isoformat(),
        "updated_at": video.updated_at.isoformat(),
    }
