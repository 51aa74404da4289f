"""Prints the event history: filtered, and followed as it grows."""

from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from typing import Any

import click
from pydantic_core import to_json

from vidwiz.audit import reading
from vidwiz.audit.filters import Filter
from vidwiz.audit.reading import Log, Range
from vidwiz.command_line import printable
from vidwiz.database import PATIENT, Database
from vidwiz.events.chain import instant
from vidwiz.events.master_key import MasterKey
from vidwiz.events.recorded import Origin, Recorded
from vidwiz.signals import Signals


async def print_events(
    dsn: str, master: MasterKey, wanted: Filter, *, after: int, follow: bool, as_json: bool
) -> None:
    """Write the wanted events to standard output, one per line."""
    database = Database(dsn, pool_size=2, patience=PATIENT)
    log = Log(database, master)
    signals = Signals(database)
    await database.open()
    try:
        if follow:
            await signals.start()
        async with aclosing(_history(log, signals, wanted, after, follow=follow)) as history:
            async for events in history:
                for recorded in events:
                    click.echo(_as_json(recorded) if as_json else _as_line(recorded))
    finally:
        await signals.close()
        await database.close()


async def _history(
    log: Log, signals: Signals, wanted: Filter, after: int, *, follow: bool
) -> AsyncGenerator[Sequence[Recorded], None]:
    if follow:
        following = reading.follow(log, signals, wanted, Range(after), lambda: False)
        async with aclosing(following):
            async for events in following:
                yield events
    async with aclosing(reading.pages(log, wanted, Range(after))) as pages:
        async for page in pages:
            yield page.events


def _as_line(recorded: Recorded) -> str:
    when = recorded.recorded_at.isoformat(timespec="milliseconds")
    fields = _fields(recorded)
    what = " ".join(f"{name}={to_json(value).decode()}" for name, value in fields.items())
    name = click.style(recorded.event.TOPIC, bold=True)
    return (
        f"{recorded.position:>8} {when} {name} {recorded.event.stream}"
        f" v{recorded.originator_version} by {printable(f'{_whence(recorded.origin)}: {what}')}"
    )


def _whence(origin: Origin) -> str:
    """Who did it, and in which request."""
    request = origin.request_id or origin.correlation_id
    return origin.actor if request is None else f"{origin.actor} in {request}"


def _as_json(recorded: Recorded) -> bytes:
    """Everything about the event; the hash chain can be recomputed from these lines alone."""
    return to_json(
        {
            "position": recorded.position,
            "stream": recorded.event.stream,
            "stream_id": recorded.originator_id,
            "version": recorded.originator_version,
            "type": recorded.event.TOPIC,
            "recorded_at": instant(recorded.recorded_at),
            "actor": recorded.origin.actor,
            "correlation_id": recorded.origin.correlation_id,
            "causation_id": recorded.origin.causation_id,
            "request_id": recorded.origin.request_id,
            "data": _fields(recorded),
            **_proof(recorded),
        }
    )


def _proof(recorded: Recorded) -> dict[str, str]:
    proof = recorded.proof
    if proof is None:
        return {}
    return {
        "state": proof.state.decode(),
        "metadata": proof.metadata,
        "previous_hash": proof.previous_hash.hex(),
        "hash": proof.hash.hex(),
    }


def _fields(recorded: Recorded) -> dict[str, Any]:
    return recorded.event.model_dump(mode="json")
