"""Prints the event history: filtered, and followed as it grows."""

import asyncio
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from datetime import datetime
from typing import Any

import click
from pydantic_core import to_json

from vidwiz.audit import reading
from vidwiz.audit.filters import Filter
from vidwiz.audit.reading import Log, Range
from vidwiz.audit.times import instant_of
from vidwiz.cli.support import as_json, printable, ready, video_of
from vidwiz.event_store.notifications import Signals
from vidwiz.events import event_types
from vidwiz.events.chain import instant
from vidwiz.events.master_key import MasterKey
from vidwiz.events.recorded import EventMetadata, RecordedEvent
from vidwiz.postgres.pool import PATIENT, Database
from vidwiz.postgres.statement import MAX_BIGINT
from vidwiz.settings import Settings


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
) -> AsyncGenerator[Sequence[RecordedEvent], None]:
    if follow:
        following = reading.follow(log, signals, wanted, Range(after), lambda: False)
        async with aclosing(following):
            async for events in following:
                yield events
    async with aclosing(reading.pages(log, wanted, Range(after))) as pages:
        async for page in pages:
            yield page.events


def _as_line(recorded: RecordedEvent) -> str:
    when = recorded.recorded_at.isoformat(timespec="milliseconds")
    fields = _fields(recorded)
    what = " ".join(f"{name}={to_json(value).decode()}" for name, value in fields.items())
    name = click.style(recorded.event.TOPIC, bold=True)
    return (
        f"{recorded.position:>8} {when} {name} {recorded.event.stream}"
        f" v{recorded.originator_version} by {printable(f'{_whence(recorded.origin)}: {what}')}"
    )


def _whence(origin: EventMetadata) -> str:
    """Who did it, and in which request."""
    request = origin.request_id or origin.correlation_id
    return origin.actor if request is None else f"{origin.actor} in {request}"


def _as_json(recorded: RecordedEvent) -> bytes:
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


def _proof(recorded: RecordedEvent) -> dict[str, str]:
    proof = recorded.proof
    if proof is None:
        return {}
    return {
        "state": proof.state.decode(),
        "metadata": proof.metadata,
        "previous_hash": proof.previous_hash.hex(),
        "hash": proof.hash.hex(),
    }


def _fields(recorded: RecordedEvent) -> dict[str, Any]:
    return recorded.event.model_dump(mode="json")


def _known_types(
    _ctx: click.Context, _its: click.Parameter, names: tuple[str, ...]
) -> tuple[str, ...]:
    unknown = set(names) - event_types().keys()
    if unknown:
        raise click.BadParameter(f"no such event type: {', '.join(sorted(unknown))}")
    return names


def _instant(_ctx: click.Context, _its: click.Parameter, given: str | None) -> datetime | None:
    try:
        return None if given is None else instant_of(given)
    except ValueError as error:
        raise click.BadParameter(str(error)) from error


@click.command()
@click.option(
    "--type",
    "topics",
    multiple=True,
    callback=_known_types,
    help="Only this type, such as NoteAdded.",
)
@click.option(
    "--correlation",
    "--request",
    "correlation",
    help="Only what followed from the request with this id.",
)
@click.option("--video", callback=video_of, help="Only about this video, and what is on it.")
@click.option("--user", type=click.IntRange(1, MAX_BIGINT), help="Only by or about this user.")
@click.option("--stream", help="Only this stream, such as note:17 or video:W421vNri5hw.")
@click.option("--actor", help="Only what this actor did, such as user:5 or admin.")
@click.option("--since", callback=_instant, help="From this time on, in ISO 8601 (UTC).")
@click.option("--until", callback=_instant, help="Up to this time.")
@click.option("--after", default=0, help="Only behind this position.")
@click.option("--follow", is_flag=True, help="Go on with what happens from now on.")
@as_json
@click.pass_obj
def events(
    settings: Settings,
    topics: tuple[str, ...],
    correlation: str | None,
    video: str | None,
    user: int | None,
    stream: str | None,
    actor: str | None,
    since: datetime | None,
    until: datetime | None,
    after: int,
    follow: bool,
    as_json: bool,
) -> None:
    """Print the history, oldest first."""
    wanted = Filter(
        topics=topics,
        correlation_id=correlation,
        video_id=video,
        user_id=user,
        stream=stream,
        actor=actor,
        since=since,
        until=until,
    )
    with ready(settings) as (dsn, master):
        printing = print_events(dsn, master, wanted, after=after, follow=follow, as_json=as_json)
        try:
            asyncio.run(printing)
        except KeyboardInterrupt:
            return
