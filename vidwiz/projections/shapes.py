"""The contract's objects, built as JSON by PostgreSQL from the projected rows."""

from typing import Any

from sqlalchemy import ColumnElement, FromClause, Subquery, case, func, literal_column, select
from sqlalchemy.dialects.postgresql import JSON, aggregate_order_by

from vidwiz.projections.tables import notes, videos


def json_object(**members: Any) -> ColumnElement[Any]:
    """A JSON object with these members, in this order."""
    return func.json_build_object(*[part for item in members.items() for part in item])


def array(element: Any, *order: Any) -> Any:
    """A JSON array of the elements in this order; empty where there are none."""
    ordered = (
        func.json_agg(aggregate_order_by(element, *order)) if order else func.json_agg(element)
    )
    return func.coalesce(ordered, literal_column("'[]'", JSON))


LONGEST_TITLE = 1000
"""Characters of a title that only the metadata have."""


def title_of(video: FromClause) -> ColumnElement[Any]:
    """What a video is called: as it was added, else as its metadata say; null if they do not."""
    found = func.left(video.c.metadata["title"].astext, LONGEST_TITLE)
    return func.coalesce(video.c.title, found)


VIDEO = json_object(
    id=videos.c.id,
    video_id=videos.c.video_id,
    title=videos.c.title,
    metadata=videos.c.metadata,
    transcript_available=videos.c.transcript_available,
    summary=videos.c.summary,
    created_at=videos.c.created_at,
    updated_at=videos.c.updated_at,
)


def card_metadata(video: FromClause) -> ColumnElement[Any]:
    """What a list shows of a video's metadata; null where there are none."""
    shown = json_object(
        thumbnail=video.c.metadata["thumbnail"],
        channel=video.c.metadata["channel"],
        duration_string=video.c.metadata["duration_string"],
    )
    return case((video.c.metadata.is_not(None), shown))


def note(video: ColumnElement[Any]) -> ColumnElement[Any]:
    """A Note around the Video that it is on."""
    return json_object(
        id=notes.c.id,
        video_id=notes.c.video_id,
        timestamp=notes.c.timestamp,
        text=notes.c.text,
        generated_by_ai=notes.c.generated_by_ai,
        created_at=notes.c.created_at,
        updated_at=notes.c.updated_at,
        video=video,
        user_id=notes.c.user_id,
    )


def shaped_videos(*conditions: ColumnElement[bool]) -> Subquery:
    """Videos with their shape, built once per video however many notes refer to it."""
    return (
        select(videos.c.video_id, VIDEO.label("shape"))
        .where(*conditions)
        .offset(0)
        .subquery("shaped")
    )
