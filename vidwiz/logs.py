"""Logs: JSON lines in production, readable in a terminal. Never bodies, tokens or passwords."""

import logging
import sys
from collections.abc import MutableMapping
from typing import IO, Any, AnyStr, BinaryIO, Generic, Literal, TextIO, cast

import orjson
import structlog
from prometheus_client import Counter

_OF_LINES = frozenset(("exception", "stack"))
"""Values that are lines of our own program."""


LOST = Counter("vidwiz_log_failures_total", "Writes of the log that failed: lines may be missing.")


class Unfailing(Generic[AnyStr]):
    """A stream whose failures fail nobody who logs: its disk is full, or its reader went away.

    What could not be written is counted; a stream with a buffer tries again with the next line.
    """

    def __init__(self, stream: IO[AnyStr]) -> None:
        self._stream: IO[AnyStr] = stream

    def write(self, text: AnyStr) -> int:
        """Write, if that is possible."""
        try:
            return int(self._stream.write(text))
        except (OSError, ValueError):  # a ValueError where it is closed
            LOST.inc()
            return 0

    def flush(self) -> None:
        """Flush, if that is possible."""
        try:
            self._stream.flush()
        except (OSError, ValueError):
            LOST.inc()

    def isatty(self) -> bool:
        """Whether somebody looks at it."""
        return bool(self._stream.isatty())


def escape_controls(_logger: Any, _method: str, event: MutableMapping[str, Any]) -> Any:
    """A structlog processor: nothing that a client sent can end a line or steer a terminal.

    The lines of a traceback stay lines, each indented, so that none looks like a record.
    """
    for name, value in event.items():
        if isinstance(value, str) and not value.isprintable():
            event[name] = "\n".join(map(_escaped, value.split("\n")))
            event[name] = event[name].replace("\n", "\n  | " if name in _OF_LINES else "\\n")
    return event


def _escaped(line: str) -> str:
    return "".join(
        one if one.isprintable() else one.encode("unicode_escape", "surrogatepass").decode()
        for one in line
    )


def configure(form: Literal["auto", "json", "text"], level: str) -> None:
    """Send structlog's and the standard library's records to standard error, in one form."""
    as_text = form == "text" or (form == "auto" and sys.stderr.isatty())
    shared: list[Any] = [
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.format_exc_info,
    ]
    least = getattr(logging, level.upper())
    if as_text:
        _configure_text(shared, least)
    else:
        _configure_json(shared, least)


def _configure_text(shared: list[Any], least: int) -> None:
    renderer = structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty())
    structlog.configure(
        processors=[*shared, escape_controls, renderer],
        wrapper_class=structlog.make_filtering_bound_logger(least),
        logger_factory=structlog.PrintLoggerFactory(cast("TextIO", Unfailing(sys.stderr))),
        cache_logger_on_first_use=True,
    )
    _standard_library([*shared, escape_controls], renderer, least)


def _configure_json(shared: list[Any], least: int) -> None:
    structlog.configure(
        processors=[*shared, structlog.processors.JSONRenderer(serializer=orjson.dumps)],
        wrapper_class=structlog.make_filtering_bound_logger(least),
        logger_factory=structlog.BytesLoggerFactory(cast("BinaryIO", Unfailing(sys.stderr.buffer))),
        cache_logger_on_first_use=True,
    )
    renderer = structlog.processors.JSONRenderer(
        serializer=lambda *args, **kwargs: orjson.dumps(*args, **kwargs).decode()
    )
    _standard_library(shared, renderer, least)


def _standard_library(shared: list[Any], renderer: Any, least: int) -> None:
    handler = logging.StreamHandler(Unfailing(sys.stderr))
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=[structlog.stdlib.add_logger_name, *shared],
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, renderer],
        )
    )
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(max(least, logging.WARNING))
    logging.getLogger("uvicorn.error").setLevel(least)
