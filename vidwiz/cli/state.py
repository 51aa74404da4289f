"""Prints the tables as of a position or a time."""

from collections.abc import Iterator, Mapping
from contextlib import closing
from typing import Any

import click
import orjson

from vidwiz.audit.times import moment_of
from vidwiz.cli.replay import TABLES
from vidwiz.cli.support import as_json, asked, printable, progress_bar, ready, video_of
from vidwiz.postgres.statement import MAX_BIGINT
from vidwiz.replay.as_of import NoSuchPosition, position_at
from vidwiz.replay.engine import Progress
from vidwiz.replay.time_travel import State, TimeMachine, narrowing
from vidwiz.settings import Settings


def print_state(
    machine: TimeMachine,
    dsn: str,
    at: str,
    table: str | None,
    row: int | None,
    where: Mapping[str, Any],
    progress: Progress,
    *,
    as_json: bool,
) -> None:
    """Write the rows of a table, one row of it, or how many rows each table had.

    Raises ``click.ClickException`` for what there is not, ``UnknownEvent``, ``ProjectionFailed``.
    """
    _require_columns(table, where)
    position = _position(dsn, at)
    with closing(machine), machine.at(position, progress) as state:
        if table is None:
            _print_counts(state, as_json=as_json)
            return
        for line in _lines(state, table, row, where):
            click.echo(line if as_json else _readable(line))


def _require_columns(table: str | None, where: Mapping[str, Any]) -> None:
    missing = where.keys() - (narrowing(table) if table else [])
    if missing:
        raise click.UsageError(f"{table or 'no table'} has no {', '.join(sorted(missing))}")


def _position(dsn: str, at: str) -> int:
    try:
        return asked(dsn, lambda database: position_at(database, moment_of(at)))
    except ValueError as error:
        raise click.UsageError(f"--at takes a position or a time in ISO 8601: {error}") from error
    except NoSuchPosition as error:
        raise click.ClickException(str(error)) from error


def _print_counts(state: State, *, as_json: bool) -> None:
    counts = state.counts()
    if as_json:
        click.echo(orjson.dumps({"position": state.position, "tables": counts}))
        return
    click.echo(f"As of position {state.position}:")
    for name, count in counts.items():
        click.echo(f"{count:>10,} {name}")


def _lines(state: State, table: str, row: int | None, where: Mapping[str, Any]) -> Iterator[str]:
    if row is None:
        yield from state.all_rows(table, where)
        return
    found = state.row(table, row)
    if found is None:
        raise click.ClickException(
            f"there was no row {row} in {table} at position {state.position}"
        )
    yield found


def _readable(line: str) -> str:
    fields = orjson.loads(line)
    return printable(
        " ".join(f"{name}={orjson.dumps(value).decode()}" for name, value in fields.items())
    )


@click.command()
@click.option("--at", required=True, help="A position of the log, or a time in ISO 8601 (UTC).")
@click.argument("table", required=False, type=click.Choice(TABLES))
@click.argument("row", metavar="[ID]", required=False, type=click.IntRange(0, MAX_BIGINT))
@click.option("--user", type=click.IntRange(0, MAX_BIGINT), help="Only rows of this user.")
@click.option("--video", callback=video_of, help="Only rows on this video.")
@click.option("--conversation", type=click.IntRange(0, MAX_BIGINT), help="Only rows of this one.")
@as_json
@click.pass_obj
def state(
    settings: Settings,
    at: str,
    table: str | None,
    row: int | None,
    user: int | None,
    video: str | None,
    conversation: int | None,
    as_json: bool,
) -> None:
    """Show a TABLE, the row ID of it, or all tables' sizes as they were, from the row history.

    Where the history does not go so far yet it is filled. The service may go on running.
    """
    given = {"user_id": user, "video_id": video, "conversation_id": conversation}
    where = {name: value for name, value in given.items() if value is not None}
    with ready(settings) as (dsn, master), progress_bar("Replaying", hidden=as_json) as progress:
        machine = TimeMachine(dsn, master, store=settings.row_history)
        print_state(machine, dsn, at, table, row, where, progress, as_json=as_json)
