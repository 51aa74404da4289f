"""The commands that replay the log: ``rebuild`` and ``verify``."""

import sys
from collections.abc import Iterator, Sequence
from dataclasses import asdict

import click

from vidwiz.audit.checkpoints.keys import SigningKey, genuine
from vidwiz.cli.support import as_json, print_json, printable, progress_bar, ready
from vidwiz.projections.tables import PROJECTED
from vidwiz.replay import engine, verification
from vidwiz.replay.comparing import Difference
from vidwiz.replay.verified_snapshots import Signer
from vidwiz.settings import Settings

TABLES = [str(table.name) for table in PROJECTED]
NEWEST = 0
"""Stands for the newest snapshot that was verified."""


@click.command()
@click.argument("tables", nargs=-1, type=click.Choice(TABLES))
@as_json
@click.pass_obj
def rebuild(settings: Settings, tables: tuple[str, ...], as_json: bool) -> None:
    """Replay the history into new TABLES (all by default) and swap them in.

    The service may go on running; it never sees a half-made table.
    """
    with ready(settings) as (dsn, master), progress_bar("Replaying", hidden=as_json) as progress:
        result = engine.rebuild(dsn, master, tables, progress)
    if as_json:
        print_json(asdict(result))
    else:
        click.echo(f"Rebuilt from {_summary(result)}.")


@click.command()
@click.option(
    "--from-snapshot",
    "from_snapshot",
    type=click.IntRange(min=NEWEST),
    is_flag=False,
    flag_value=str(NEWEST),
    metavar="[POSITION]",
    help="Begin where an earlier whole verification found nothing wrong: the newest, or this.",
)
@as_json
@click.pass_obj
def verify(settings: Settings, from_snapshot: int | None, as_json: bool) -> None:
    """Check the log's hash chain, replay it and compare with the live tables, row by row.

    On the way it is compared with the row history. From a snapshot, only what follows is
    replayed. Exits with 1 and names the first changed position, or each row that differs.
    """
    key = SigningKey(settings.audit_key)
    signer = Signer(key.public_key, key.sign)
    began_at = None
    with ready(settings) as (dsn, master), progress_bar("Replaying", hidden=as_json) as progress:
        if from_snapshot is None:
            result, differences = verification.verify(dsn, master, progress, signer)
        else:
            began_at, result, differences = verification.verify_from(
                dsn, master, from_snapshot or None, signer, genuine, progress
            )
    found = [*differences]
    if as_json:
        begun = {} if began_at is None else {"from_snapshot": began_at}
        differing = [asdict(one) for one in found]
        print_json({**asdict(result), **begun, "differences": differing})
    else:
        for line in _told(result, found, began_at):
            click.echo(printable(line))
    sys.exit(1 if found else 0)


def _told(
    result: engine.Replayed, found: Sequence[Difference], began_at: int | None
) -> Iterator[str]:
    yield from map(_described, found)
    verdict = f"{len(found)} rows differ" if found else "every table equals its replay"
    if began_at is None:
        head = f"the log is whole, its head {result.position} is {result.head}"
        yield f"Replayed {_summary(result)}: {verdict}; {head}."
        return
    yield (
        f"Begun at position {began_at}, which was verified before."
        f" Replayed {_summary(result)}: {verdict};"
        f" the log is whole behind it, its head {result.position} is {result.head}."
    )


def _summary(result: engine.Replayed) -> str:
    rows = ", ".join(f"{count:,} {table}" for table, count in result.rows.items())
    speed = result.events / result.seconds if result.seconds else 0
    return f"{result.events:,} events ({rows}) in {result.seconds:.1f} s, {speed:,.0f} events/s"


def _described(difference: Difference) -> str:
    row = f"{difference.table} {difference.row}"
    if difference.since is not None:
        row += f" since {difference.since}"
    if difference.what == "different":
        return f"{row}: differs in {', '.join(difference.columns)}"
    return f"{row}: {difference.what}"
