"""A video's notes, summary and conversations as a Markdown file."""

import re
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

import orjson

from vidwiz.wiz.markdown_text import escaped, quoted, without_links
from vidwiz.wiz.note_times import seconds_of

LONGEST_SLUG = 60

_no_slug = re.compile(r"[^a-z0-9]+")
_no_name = re.compile(r"[^A-Za-z0-9_-]")


@dataclass(frozen=True, slots=True)
class ExportedVideo:
    """What a person has of a video; notes and conversations as the API shows them."""

    video_id: str
    title: str | None
    channel: str | None
    summary: str | None
    notes: Sequence[Mapping[str, Any]]
    conversations: Sequence[Mapping[str, Any]]

    @property
    def file_name(self) -> str:
        """Of letters, digits, ``_`` and ``-`` alone; two videos may have the same."""
        plain = unicodedata.normalize("NFKD", self.title or "").encode("ascii", "ignore").decode()
        slug = _no_slug.sub("-", plain.lower()).strip("-")[:LONGEST_SLUG].strip("-")
        return "-".join(part for part in (_no_name.sub("_", self.video_id), slug) if part)


def markdown(video: ExportedVideo, exported_at: str) -> str:
    """The file, with front matter in YAML."""
    return "\n".join(_lines(video, exported_at)) + "\n"


def _lines(video: ExportedVideo, exported_at: str) -> Iterator[str]:
    yield from _front_matter(video, exported_at)
    yield f"# {_inline(video.title or video.video_id)}"
    if video.notes:
        yield from ("", "## Notes", "")
        for note in video.notes:
            yield from _note(video.video_id, note)
    if video.summary:
        yield from ("", "## Summary", "", _block(video.summary))
    for conversation in video.conversations:
        yield from _conversation(conversation)


def _front_matter(video: ExportedVideo, exported_at: str) -> Iterator[str]:
    fields = {
        "title": video.title,
        "url": link(video.video_id),
        "channel": video.channel,
        "exported_at": exported_at,
    }
    yield "---"
    for name, its in fields.items():
        yield f"{name}: {orjson.dumps(its).decode()}"  # JSON is YAML
    yield from ("---", "")


def _note(video_id: str, note: Mapping[str, Any]) -> Iterator[str]:
    by_ai = " *(written by AI)*" if note["generated_by_ai"] else ""
    text = escaped((note["text"] or "").strip()).replace("\n", "\n  ")
    yield f"- {_timestamp(video_id, note['timestamp'])}{by_ai} {text}".rstrip()


def _timestamp(video_id: str, timestamp: str) -> str:
    seconds = seconds_of(timestamp)
    if seconds is None:
        return _inline(timestamp)
    return f"[{timestamp.strip()}]({link(video_id, seconds)})"


def _conversation(conversation: Mapping[str, Any]) -> Iterator[str]:
    yield from ("", f"## Conversation with Wiz, {conversation['created_at'][:10]}")
    for message in conversation["messages"]:
        who = "You" if message["role"] == "user" else "Wiz"
        yield from ("", f"**{who}:** {_block(message['content'])}")


def link(video_id: str, seconds: float | None = None) -> str:
    """Where the video is, or a second of it."""
    at = "" if seconds is None else f"?t={int(seconds)}"
    return f"https://youtu.be/{quote(video_id, safe='')}{at}"


def _inline(text: str) -> str:
    return quoted(" ".join(text.split()))


def _block(text: str) -> str:
    """Markdown as it is, but without links and HTML."""
    return without_links(text).strip()
