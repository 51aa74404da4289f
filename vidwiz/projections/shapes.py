"""The contract's objects, built as JSON by PostgreSQL from the projected rows."""

from typing import Any

from sqlalchemy import (
    ColumnElement,
    FromClause,
    Subquery,
    Text,
    and_,
    case,
    func,
    literal_column,
    select,
)
from sqlalchemy.dialects.postgresql import JSON, aggregate_order_by

from vidwiz.events.metadata_bounds import KNOWN_NUMBERS, KNOWN_TEXTS, LARGEST
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


LARGEST_AS_STORED = 2 * LARGEST
"""Bytes of metadata as PostgreSQL writes JSON, with spaces, that are answered as they are."""
LONGEST_DESCRIPTION = 4000
"""Characters of the description of metadata that are larger."""
LONGEST_NUMBER = 25
"""Digits of a number of metadata that are larger."""
BRIEF_SUMMARY = 500
"""Characters of a summary in a long list."""
LONGEST_TITLE = 1000
"""Characters of a title that the metadata have."""


def title_of(video: FromClause) -> ColumnElement[Any]:
    """What a video is called: as its metadata say, else as somebody named it; null for no name."""
    return func.coalesce(found_title(video), case((is_visible(video.c.title), video.c.title)))


def found_title(video: FromClause) -> ColumnElement[Any]:
    """The title that the metadata have, if it is a text that one can see; else null."""
    text = func.left(video.c.metadata["title"].astext, LONGEST_TITLE)
    is_text = func.jsonb_typeof(video.c.metadata["title"]) == literal_column("'string'", Text)
    return case((is_text & is_visible(text), text))


_VISIBLE = (
    r"[^[:space:][:cntrl:]\u0085\u00a0\u00ad\u061c\u115f\u1160\u1680\u180e\u2000-\u200f\u2028-\u202f"
    r"\u205f-\u206f\u2800\u3000\u3164\ufe00-\ufe0f\ufeff\uffa0\ufff9-\ufffb]"
)


def is_visible(text: ColumnElement[Any]) -> ColumnElement[bool]:
    """Whether there is more than spaces and characters that nobody sees; null for null."""
    return text.op("~", is_comparison=True)(literal_column(f"'{_VISIBLE}'", Text))


def _some_of(metadata: ColumnElement[Any], description: int) -> ColumnElement[Any]:
    """The fields that clients know, each as long as ``vidwiz.events.metadata_bounds`` keeps it."""
    members: dict[str, Any] = {
        name: func.left(metadata[name].astext, most)
        for name, most in {**KNOWN_TEXTS, "description": description}.items()
        if most
    }
    for name in KNOWN_NUMBERS:
        is_short = func.octet_length(metadata[name].astext) <= LONGEST_NUMBER
        is_number = func.jsonb_typeof(metadata[name]) == "number"
        members[name] = case((and_(is_number, is_short), metadata[name]))
    return func.jsonb_strip_nulls(
        func.jsonb_build_object(*[part for one in members.items() for part in one])
    )


def metadata_of(video: FromClause) -> ColumnElement[Any]:
    """A video's metadata; the known fields of those that were stored when there was no bound."""
    metadata = video.c.metadata
    size = func.octet_length(metadata.cast(Text))
    return case((size > LARGEST_AS_STORED, _some_of(metadata, LONGEST_DESCRIPTION)), else_=metadata)


def _video(
    metadata: ColumnElement[Any], transcript_available: Any, summary: Any
) -> ColumnElement[Any]:
    return json_object(
        id=videos.c.id,
        video_id=videos.c.video_id,
        title=title_of(videos),
        metadata=metadata,
        transcript_available=transcript_available,
        summary=summary,
        created_at=videos.c.created_at,
        updated_at=videos.c.updated_at,
    )


def video(transcript_available: Any, summary: Any) -> ColumnElement[Any]:
    """A Video; what is there of transcript and summary may differ from person to person."""
    return _video(metadata_of(videos), transcript_available, summary)


VIDEO = video(videos.c.transcript_available, videos.c.summary)
"""A Video as all share it."""
BRIEF_VIDEO = _video(
    case((videos.c.metadata.is_not(None), _some_of(videos.c.metadata, 0))),
    videos.c.transcript_available,
    func.left(videos.c.summary, BRIEF_SUMMARY),
)
"""A video for the later notes of a long list: no description, and a summary's beginning."""


def _short(video: FromClause, name: str) -> ColumnElement[Any]:
    value, most = video.c.metadata[name], KNOWN_TEXTS[name]
    text = value.astext
    return case((func.length(text) > most, func.to_jsonb(func.left(text, most))), else_=value)


def card_metadata(video: FromClause) -> ColumnElement[Any]:
    """What a list shows of a video's metadata; null where there are none."""
    shown = json_object(
        thumbnail=_short(video, "thumbnail"),
        channel=_short(video, "channel"),
        duration_string=_short(video, "duration_string"),
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
        select(videos.c.video_id, VIDEO.label("shape"), BRIEF_VIDEO.label("brief"))
        .where(*conditions)
        .offset(0)
        .subquery("shaped")
    )
