"""Writes a person's export into a ZIP file, a video at a time, so that memory stays small."""

import csv
import io
import zipfile
from collections.abc import Mapping
from tempfile import SpooledTemporaryFile
from typing import IO, Any

import orjson

from vidwiz.export.markdown import ExportedVideo, link, markdown
from vidwiz.wiz.note_times import seconds_of

IN_MEMORY = 1024 * 1024
"""Bytes of a file before it is written to disk."""
OLDEST = (1980, 1, 1, 0, 0, 0)
"""The time of every file: equal data make equal archives."""
COLUMNS = ("id", "video_id", "title", "timestamp", "url", "text", "generated_by_ai", "created_at")
FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "\uff1d", "\uff0b", "\uff0d", "\uff20")
"""What spreadsheets may take for a formula's beginning."""

README = """# Your VidWiz data

Exported at {exported_at}.

- `videos/`: a Markdown file for each video, with your notes, its summary and what you asked Wiz
- `notes.json`, `notes.csv`: every note; in the CSV what a spreadsheet would take for a formula
  has a ' in front
- `transcripts/`: the transcripts that you brought
- `conversations.json`: what you asked Wiz, and the answers with their citations
- `profile.json`: your account
"""


class Archive:
    """A ZIP file under way; ``add`` every video, then ``finish``. Blocks: use it in a thread."""

    def __init__(self, exported_at: str) -> None:
        self._exported_at = exported_at
        self._file = SpooledTemporaryFile(IN_MEMORY)  # noqa: SIM115  it lives as long as its answer
        self._zip = zipfile.ZipFile(self._file, "w", zipfile.ZIP_DEFLATED)
        self._names: set[str] = set()
        self._notes = _JsonArray()
        self._conversations = _JsonArray()
        self._table = _Table()
        self._write("README.md", README.format(exported_at=exported_at).encode())

    def add(self, video: ExportedVideo, transcript: bytes | None = None) -> None:
        """What the person has of a video, and the transcript of it that they brought, as JSON."""
        name, number = video.file_name, 1
        while (its := name if number == 1 else f"{name}-{number}") in self._names:
            number += 1
        self._names.add(its)
        self._write(f"videos/{its}.md", markdown(video, self._exported_at).encode())
        if transcript is not None:
            self._write(f"transcripts/{its}.json", transcript)
        for note in video.notes:
            self._notes.add(note)
            self._table.add(video, note)
        for conversation in video.conversations:
            self._conversations.add(conversation)

    def finish(self, profile: Mapping[str, Any]) -> IO[bytes]:
        """The whole file, at its beginning; whoever takes it closes it."""
        self._copy("notes.json", self._notes.finish())
        self._copy("notes.csv", self._table.finish())
        self._copy("conversations.json", self._conversations.finish())
        self._write("profile.json", orjson.dumps(profile, option=orjson.OPT_INDENT_2))
        self._zip.close()
        self._file.seek(0)
        return self._file

    def discard(self) -> None:
        """Nobody wants it any more."""
        self._file.close()

    def _write(self, name: str, content: bytes) -> None:
        self._zip.writestr(_entry(name), content)

    def _copy(self, name: str, file: IO[bytes]) -> None:
        with file, self._zip.open(_entry(name), "w") as entry:
            while chunk := file.read(IN_MEMORY):
                entry.write(chunk)


class _JsonArray:
    """A JSON array, an element a line."""

    def __init__(self) -> None:
        self._file = SpooledTemporaryFile(IN_MEMORY)  # noqa: SIM115  the archive closes it
        self._is_empty = True

    def add(self, element: Mapping[str, Any]) -> None:
        self._file.write(b"[\n" if self._is_empty else b",\n")
        self._file.write(orjson.dumps(element))
        self._is_empty = False

    def finish(self) -> IO[bytes]:
        self._file.write(b"[]\n" if self._is_empty else b"\n]\n")
        self._file.seek(0)
        return self._file


class _Table:
    """The notes as comma-separated values."""

    def __init__(self) -> None:
        self._file = SpooledTemporaryFile(IN_MEMORY)  # noqa: SIM115  the archive closes it
        self._row(COLUMNS)

    def add(self, video: ExportedVideo, note: Mapping[str, Any]) -> None:
        url = link(video.video_id, seconds_of(note["timestamp"]))
        its = {**note, "title": video.title, "url": url}
        self._row([_harmless(its[name]) for name in COLUMNS])

    def finish(self) -> IO[bytes]:
        self._file.seek(0)
        return self._file

    def _row(self, cells: Any) -> None:
        line = io.StringIO()
        csv.writer(line).writerow(cells)
        self._file.write(line.getvalue().encode())


def _harmless(cell: Any) -> Any:
    if isinstance(cell, str) and cell.lstrip(" ").startswith(FORMULA):
        return f"'{cell}"
    return cell


def _entry(name: str) -> zipfile.ZipInfo:
    entry = zipfile.ZipInfo(name, OLDEST)
    entry.compress_type = zipfile.ZIP_DEFLATED
    entry.external_attr = 0o600 << 16
    return entry
