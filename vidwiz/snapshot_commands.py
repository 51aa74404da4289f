"""The commands around snapshots of the projected tables: ``snapshot make``, ``list``, ``drop``."""

import click
from psycopg import sql

from vidwiz.command_line import as_json, print_json, progress_bar, ready
from vidwiz.projections import snapshots
from vidwiz.projections.replay import Connection, replay_connection
from vidwiz.projections.snapshot_index import STRIKE_OUT, known, schema_of
from vidwiz.settings import Settings

_SIZE = sql.SQL(
    "SELECT coalesce(sum(pg_total_relation_size(oid)), 0)::bigint FROM pg_class"
    " WHERE relkind = 'r' AND relnamespace = to_regnamespace(%s)"
)


@click.group()
def snapshot() -> None:
    """Copies of the tables as they were at some positions, from which time travel goes on."""


@snapshot.command()
@click.option(
    "--every",
    type=click.IntRange(min=1),
    help="At the newest multiple of this; by default of VIDWIZ_SNAPSHOT_EVERY.",
)
@as_json
@click.pass_obj
def make(settings: Settings, every: int | None, as_json: bool) -> None:
    """Make the snapshot that is due, if any is; the service may go on running."""
    step = every or settings.snapshot_every
    if not step:
        raise click.UsageError("VIDWIZ_SNAPSHOT_EVERY is 0: say --every")
    with ready(settings) as (dsn, master), progress_bar("Replaying", hidden=as_json) as progress:
        position = snapshots.make(dsn, master, step, progress)
    if as_json:
        print_json({"made": position})
    elif position is None:
        click.echo("No snapshot was made: none is due, or another process is at it.")
    else:
        click.echo(f"A snapshot was made at position {position}.")


@snapshot.command("list")
@as_json
@click.pass_obj
def list_command(settings: Settings, as_json: bool) -> None:
    """Say at which positions there are snapshots, and how much space each takes."""
    with ready(settings) as (dsn, _), replay_connection(dsn, "snapshot") as connection:
        found = [(position, _size(connection, position)) for position in known(connection)]
    if as_json:
        print_json([{"position": position, "bytes": size} for position, size in found])
        return
    for position, size in found:
        click.echo(f"{position:>12,} {size / 1e6:>10,.1f} MB")
    click.echo(f"{len(found)} snapshots.")


@snapshot.command()
@click.pass_obj
def drop(settings: Settings) -> None:
    """Drop all snapshots; the past is replayed from the beginning until there are new ones."""
    with ready(settings) as (dsn, _):
        with replay_connection(dsn, "snapshot") as connection:
            count = connection.execute(STRIKE_OUT.sql).rowcount
        snapshots.drop_struck_out(dsn)
    click.echo(f"{count} snapshots were dropped.")


def _size(connection: Connection, position: int) -> int:
    row = connection.execute(_SIZE, (schema_of(position),)).fetchone()
    return 0 if row is None else int(row[0])
