"""The commands around the row history: ``history fill``, ``show``, ``drop``."""

import click

from vidwiz.cli.support import as_json, print_json, progress_bar, ready
from vidwiz.projections.row_history_state import STATE
from vidwiz.projections.row_history_tables import SCHEMA
from vidwiz.replay import verified_snapshots
from vidwiz.replay.engine import Connection, log_head, replay_connection
from vidwiz.replay.row_history import (
    HistoryGone,
    StoredHistory,
    drop_stored,
    ensure_stored,
    require_state,
)
from vidwiz.settings import Settings

_SIZE = (
    "SELECT coalesce(sum(pg_total_relation_size(oid)), 0)::bigint FROM pg_class"
    " WHERE relkind = 'r' AND relnamespace = to_regnamespace(%s)"
)


@click.group()
def history() -> None:
    """Every version of every row, from which the tables as of any position are read."""


@history.command()
@as_json
@click.pass_obj
def fill(settings: Settings, as_json: bool) -> None:
    """Fill it up to the log's head; the service may go on running, and does so by itself."""
    with ready(settings) as (dsn, master), progress_bar("Replaying", hidden=as_json) as progress:
        ensure_stored(dsn, take_over=True)
        its = StoredHistory(dsn, master, "history")
        try:
            its.fill(log_head(its.connection), progress)
            position = its.position
        finally:
            its.close()
    if as_json:
        print_json({"position": position})
    else:
        click.echo(f"The row history goes to position {position}.")


@history.command()
@as_json
@click.pass_obj
def show(settings: Settings, as_json: bool) -> None:
    """Say how far it goes, how large it is, and at which positions it was verified."""
    with ready(settings) as (dsn, _), replay_connection(dsn, "history") as connection:
        position, size = _position(connection), _size(connection)
        verified = verified_snapshots.known(connection)
    if as_json:
        print_json({"position": position, "bytes": size, "verified": [*verified]})
        return
    if position is None:
        click.echo("There is no row history of this program.")
        return
    click.echo(f"The row history goes to position {position} and takes {size / 1e6:,.1f} MB.")
    for at, when in verified.items():
        click.echo(f"{at:>12,} verified {when:%Y-%m-%d %H:%M:%S} UTC")


@history.command()
@click.pass_obj
def drop(settings: Settings) -> None:
    """Drop it; the service makes it anew, at its next start or when somebody asks for a past."""
    with ready(settings) as (dsn, _):
        drop_stored(dsn)
    click.echo("The row history was dropped.")


def _position(connection: Connection) -> int | None:
    try:
        return require_state(connection, STATE)
    except HistoryGone:
        return None


def _size(connection: Connection) -> int:
    row = connection.execute(_SIZE, (SCHEMA,)).fetchone()
    return 0 if row is None else int(row[0])
