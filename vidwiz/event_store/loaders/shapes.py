"""Answers of commands: notes and videos as the API shows them."""

from collections.abc import Sequence

from sqlalchemy import BigInteger, Text, func, select
from sqlalchemy.dialects.postgresql import ARRAY

from vidwiz.commands.base import NoteShape, VideoShape
from vidwiz.postgres.pool import Connection, fetch_all
from vidwiz.postgres.statement import Statement, parameter
from vidwiz.projections import shapes
from vidwiz.projections.tables import notes, videos

_ids = parameter("ids", ARRAY(BigInteger))
_note_video = shapes.shaped_videos(
    videos.c.video_id.in_(select(notes.c.video_id).where(notes.c.id == func.any(_ids)))
)
_note_shapes = Statement(
    select(notes.c.id, shapes.note(_note_video.c.shape).cast(Text))
    .select_from(notes.outerjoin(_note_video, _note_video.c.video_id == notes.c.video_id))
    .where(notes.c.id == func.any(_ids))
)


async def note_shapes(connection: Connection, lookups: Sequence[NoteShape]) -> list[bytes | None]:
    """Notes as the API shows them."""
    ids = [lookup.note_id for lookup in lookups]
    found = dict(await fetch_all(connection, _note_shapes, {"ids": ids}))
    return [_encoded(found.get(note_id)) for note_id in ids]


_video_shapes = Statement(
    select(videos.c.video_id, shapes.VIDEO.cast(Text)).where(
        videos.c.video_id == func.any(parameter("video_ids", ARRAY(Text)))
    )
)


async def video_shapes(connection: Connection, lookups: Sequence[VideoShape]) -> list[bytes | None]:
    """Videos as the API shows them."""
    wanted = [lookup.video_id for lookup in lookups]
    found = dict(await fetch_all(connection, _video_shapes, {"video_ids": wanted}))
    return [_encoded(found.get(video_id)) for video_id in wanted]


def _encoded(shape: str | None) -> bytes | None:
    return None if shape is None else shape.encode()
