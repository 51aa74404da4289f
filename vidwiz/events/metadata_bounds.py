"""What is kept of the metadata that describe a video: all of it, as far as it is small."""

from collections.abc import Iterator, Mapping
from typing import Any

import orjson
from pydantic_core import to_json

LARGEST = 16 * 1024
"""Bytes of metadata, as JSON in UTF-8, that are kept as they came."""
KNOWN_TEXTS: Mapping[str, int] = {
    "id": 20,
    "title": 1000,
    "uploader": 200,
    "upload_date": 8,
    "duration_string": 20,
    "channel": 200,
    "channel_url": 500,
    "uploader_url": 500,
    "thumbnail": 500,
}
"""The fields that clients know, and how many characters of them are kept of larger metadata."""
KNOWN_NUMBERS = ("duration", "view_count", "like_count")
LARGEST_NUMBER = 2**53
"""What JavaScript can count to."""


class MetadataTooLarge(ValueError):
    """Beyond the bound, and without a title to keep."""


def kept(metadata: dict[str, Any]) -> dict[str, Any]:
    """The metadata, unchanged within the bound; else their known fields, the description cut.

    yt-dlp's own description of a video has hundreds of kilobytes, and its worker sends it whole.
    Raises ``MetadataTooLarge``.
    """
    if _size(metadata) <= LARGEST:
        return metadata
    known = dict(_known(metadata))
    if not known.get("title"):
        raise MetadataTooLarge(f"metadata must have at most {LARGEST} bytes, or a title")
    description = metadata.get("description")
    if isinstance(description, str):
        known["description"] = _within(description, LARGEST - _size({**known, "description": ""}))
    return known


def _known(metadata: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    for name, most in KNOWN_TEXTS.items():
        value = metadata.get(name)
        if isinstance(value, str):
            yield name, value[:most]
    for name in KNOWN_NUMBERS:
        value = metadata.get(name)
        if isinstance(value, int | float) and -LARGEST_NUMBER <= value <= LARGEST_NUMBER:
            yield name, value


def _size(value: Any) -> int:
    return len(to_json(value, inf_nan_mode="null"))


def _within(text: str, most: int) -> str:
    """The beginning of the text that has at most so many bytes as a JSON string."""
    low, high = 0, min(len(text), most)
    while low < high:
        middle = (low + high + 1) // 2
        if len(orjson.dumps(text[:middle])) - 2 <= most:
            low = middle
        else:
            high = middle - 1
    return text[:low]
