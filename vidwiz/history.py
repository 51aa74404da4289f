"""Prints the event history: filtered, and followed as it grows."""

from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import click
from pydantic_core import to_json

from vidwiz import event_log
from vidwiz.database import Database
from vidwiz.events.base import event_types
from vidwiz.events.chain import instant
from vidwiz.events.master_key import MasterKey
from vidwiz.events.recorded import Recorded
from vidwiz.signals import Signals
from vidwiz.store import follow_log


@dataclass(frozen=True, slots=True)
class Filter:
    """Which events to show; what is empty or None lets everything through."""

    topics: tuple[str, ...] = ()
    stream: str | None = None
    actor: str | None = None
    since: datetime | None = None
    until: datetime | None = None

    def __post_init__(self) -> None:
        unknown = set(self.topics) - event_types().keys()
        if unknown:
            raise click.BadParameter(f"no such event type: {', '.join(sorted(unknown))}")

    def lets_through(self, recorded: Recorded) -> bool:
        """Whether the event is wanted."""
        return (
            (not self.topics or recorded.event.TOPIC in self.topics)
            and self.stream in (None, recorded.event.stream)
            and self.actor in (None, recorded.origin.actor)
            and (self.since is None or recorded.recorded_at >= self.since)
            and (self.until is None or recorded.recorded_at <= self.until)
        )


async def print_events(
    dsn: str, master: MasterKey, wanted: Filter, *, after: int, follow: bool, as_json: bool
) -> None:
    """Write the wanted events to standard output, one per line."""
    database = Database(dsn, pool_size=2)
    signals = Signals(database)
    await database.open()
    try:
        if follow:
            await signals.start()
        async with aclosing(_history(database, signals, master, after, follow=follow)) as events:
            async for recorded in events:
                if wanted.lets_through(recorded):
                    click.echo(_as_json(recorded) if as_json else _as_line(recorded))
    finally:
        await signals.close()
        await database.close()


async def _history(
    database: Database, signals: Signals, master: MasterKey, after: int, *, follow: bool
) -> AsyncGenerator[Recorded, None]:
    head = await database.one(event_log.HEAD)
    last = head[0] if head else 0
    if not follow and after >= last:
        return
    async with aclosing(follow_log(database, signals, master, after)) as events:
        async for recorded in events:
            yield recorded
            if not follow and (recorded.position or 0) >= last:
                return


def _as_line(recorded: Recorded) -> str:
    when = recorded.recorded_at.isoformat(timespec="milliseconds")
    fields = _fields(recorded)
    what = " ".join(f"{name}={to_json(value).decode()}" for name, value in fields.items())
    name = click.style(recorded.event.TOPIC, bold=True)
    return (
        f"{recorded.position:>8} {when} {name} {recorded.event.stream}"
        f" v{recorded.originator_version} by {recorded.origin.actor}: {what}"
    )


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
