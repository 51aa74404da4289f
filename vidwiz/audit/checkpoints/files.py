"""Files of an export: plain, .gz or .zst by their name, or - for a standard stream."""

import gzip
import io
import os
import secrets
import sys
import zlib
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import IO, BinaryIO, cast

import zstandard

LEVEL = 3
UNREADABLE = (OSError, EOFError, zlib.error, zstandard.ZstdError)


class FileUnusable(Exception):
    """An export cannot be read from, or written to, where it was asked for."""


@contextmanager
def reading(name: str) -> Iterator[BinaryIO]:
    """The export's bytes; raises ``FileUnusable``, also while they are read."""
    try:
        with ExitStack() as opened:
            raw = sys.stdin.buffer if name == "-" else opened.enter_context(Path(name).open("rb"))
            yield opened.enter_context(_decompressed(raw, name))
    except UNREADABLE as error:
        raise FileUnusable(f"cannot read {name}: {_reason(error)}") from error


@contextmanager
def writing(name: str) -> Iterator[BinaryIO]:
    """A file that only this user can read, and that is there when it is whole, or not at all.

    Raises ``FileUnusable``.
    """
    if name == "-":
        yield sys.stdout.buffer
        sys.stdout.buffer.flush()
        return
    path = Path(name)
    draft = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
    try:
        with _new_file(draft) as raw:
            with _compressed(raw, name) as file:
                yield file
            raw.flush()
            os.fsync(raw.fileno())
        draft.replace(path)
    except OSError as error:
        raise FileUnusable(f"cannot write {name}: {_reason(error)}") from error
    finally:
        with suppress(OSError):
            draft.unlink()


def _new_file(path: Path) -> IO[bytes]:
    return os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb")


@contextmanager
def _decompressed(raw: BinaryIO, name: str) -> Iterator[BinaryIO]:
    if name.endswith(".gz"):
        yield cast("BinaryIO", gzip.GzipFile(fileobj=raw))
    elif name.endswith(".zst"):
        stream = zstandard.ZstdDecompressor().stream_reader(raw, read_across_frames=True)
        yield cast("BinaryIO", io.BufferedReader(stream))
    else:
        yield raw


@contextmanager
def _compressed(raw: IO[bytes], name: str) -> Iterator[BinaryIO]:
    if name.endswith(".gz"):
        with gzip.GzipFile(filename="", fileobj=raw, mode="wb", mtime=0) as file:
            yield cast("BinaryIO", file)
    elif name.endswith(".zst"):
        with zstandard.ZstdCompressor(LEVEL, write_checksum=True).stream_writer(
            raw, closefd=False
        ) as file:
            yield cast("BinaryIO", file)
    else:
        yield cast("BinaryIO", raw)


def _reason(error: BaseException) -> str:
    return getattr(error, "strerror", None) or str(error) or type(error).__name__
