"""The commands around the log's evidence and keys: ``audit``, ``export``, ``import``, ``rekey``."""

import asyncio
import sys
from collections.abc import Sequence
from dataclasses import asdict, replace
from importlib.resources import files
from pathlib import Path

import click
import orjson

from vidwiz.adapters.witness import Witness, WitnessRefuses, WitnessUnavailable
from vidwiz.audit.checkpoints.copies import Copies
from vidwiz.audit.checkpoints.files import reading, writing
from vidwiz.audit.checkpoints.keys import SigningKey, genuine
from vidwiz.audit.checkpoints.records import NEWEST, checkpoint_of
from vidwiz.audit.checkpoints.signer import make_checkpoint
from vidwiz.audit.checks.verify import Audited, verify
from vidwiz.audit.importing import import_log
from vidwiz.audit.log_export import export as write_export
from vidwiz.audit.witnesses.posting import show
from vidwiz.audit.witnesses.reports import ask as ask_witnesses
from vidwiz.cli import rekey as change
from vidwiz.cli.support import as_json, asked, database, print_json, printable, progress_bar, ready
from vidwiz.event_store import startup_checks
from vidwiz.event_store.next_master_key import adopt_next_master_key, make_next_master_key
from vidwiz.events.master_key import KeyUnusable, check_value
from vidwiz.postgres import migrate as migrations
from vidwiz.postgres.pool import Database
from vidwiz.reactions.health import NAMES as REACTIONS
from vidwiz.server.adapters import master_key, object_store
from vidwiz.settings import Settings
from vidwiz.settings.evidence import witness_url
from vidwiz.verify_export import (
    ChainBroken,
    Checkpoint,
    Export,
    Stranger,
    bounded_lines,
    described,
    kept_hashes,
    public_key,
)

NOT_BROUGHT = (
    "An export brings no passwords, no transcripts and no used quotas: those who have only a"
    " password cannot sign in, and the object store has to be brought along by itself."
)
NO_KEYS = " It was made without --with-keys: what is personal in it reads [erased]."


def _spelled(_ctx: click.Context, _param: click.Parameter, given: Sequence[str]) -> Sequence[str]:
    try:
        return tuple(public_key(one) for one in given)
    except ValueError:
        raise click.BadParameter("a public key has 64 hex digits") from None


public_keys = click.option(
    "--public-key",
    "public_keys",
    metavar="HEX",
    callback=_spelled,
    multiple=True,
    help="A key whose checkpoints count, as `vidwiz audit key` printed it; repeatable.",
)


def _witness_urls(
    _ctx: click.Context, _param: click.Parameter, given: Sequence[str]
) -> Sequence[str]:
    try:
        return tuple(witness_url(one) for one in given)
    except ValueError as error:
        raise click.BadParameter(str(error)) from None


@click.group()
def audit() -> None:
    """Prove that the log is as it was written."""


@audit.command("verify")
@click.option("--export", "name", metavar="FILE", help="An export, instead of the live log.")
@click.option(
    "--checkpoint",
    "checkpoints",
    type=click.Path(path_type=Path),
    multiple=True,
    help="A copy of a checkpoint that was kept apart, to hold the export against; repeatable.",
)
@click.option(
    "--witness",
    "witnesses",
    metavar="URL",
    callback=_witness_urls,
    multiple=True,
    help="A server that keeps our checkpoints, to hold the log against; repeatable.",
)
@click.option("--objects", is_flag=True, help="The transcripts in the object store too.")
@public_keys
@as_json
@click.pass_obj
def verify_command(
    settings: Settings,
    name: str | None,
    checkpoints: tuple[Path, ...],
    witnesses: tuple[str, ...],
    objects: bool,
    public_keys: tuple[str, ...],
    as_json: bool,
) -> None:
    """Check the chain, its guard in the database, the keys, the checkpoints and their copies.

    Exits with 1 and names what is wrong, and where. Without --public-key our own key
    counts; of an export, those that it names itself.
    """
    if name is not None:
        if witnesses:
            raise click.UsageError("--witness goes with the live log")
        sys.exit(_verify_export(name, checkpoints, public_keys, as_json=as_json))
    if checkpoints:
        raise click.UsageError("--checkpoint goes with --export")
    found = _verify_live(settings, public_keys, witnesses, with_objects=objects)
    if as_json:
        print_json(asdict(found))
    else:
        _tell(found, has_master_key=settings.has_master_key)
    sys.exit(1 if found.problems else 0)


def _verify_live(
    settings: Settings, public_keys: Sequence[str], witnesses: Sequence[str], *, with_objects: bool
) -> Audited:
    trusted = public_keys or (SigningKey(settings.audit_key).public_key,)
    master = master_key(settings) if settings.has_master_key else None
    with database(settings) as dsn:
        migrations.migrate(dsn)

        async def ask(its: Database) -> Audited:
            objects = object_store(settings)
            try:
                reports = await ask_witnesses(witnesses, trusted)
                found = await verify(
                    dsn,
                    its,
                    objects,
                    trusted,
                    master=master,
                    kept_elsewhere=reports.kept,
                    with_objects=with_objects,
                )
                return replace(found, problems=[*found.problems, *reports.problems])
            except (WitnessUnavailable, WitnessRefuses) as error:
                raise click.ClickException(str(error)) from error
            finally:
                await objects.aclose()

        return asked(dsn, ask)


def _tell(found: Audited, *, has_master_key: bool) -> None:
    for problem in found.problems:
        click.echo(printable(str(problem)))
        if problem.verdict == Stranger.VERDICT:
            click.echo("Was it imported? Give its signer's key and ours, each with --public-key.")
    if not found.problems:
        click.echo(
            f"The log is whole: {found.position} events, head {found.head},"
            f" {found.checkpoints} genuine checkpoints up to {found.pinned},"
            f" {found.copies} copies of them in {found.store}."
        )
    if found.objects is not None:
        click.echo(f"There ought to be {found.objects} transcripts.")
    if found.withheld is None:
        why = "the log is broken" if has_master_key else "their master key is not here"
        click.echo(f"The keys of persons were not looked at: {why}.")
    elif found.withheld:
        click.echo(f"{found.withheld} keys did not come along when the log was imported.")


def _verify_export(
    name: str, checkpoints: Sequence[Path], public_keys: Sequence[str], *, as_json: bool
) -> int:
    try:
        kept = kept_hashes(checkpoints)
    except (OSError, ValueError) as error:
        raise click.ClickException(str(error)) from error
    with reading(name) as file:
        export = Export(bounded_lines(file), public_keys, kept, genuine=genuine)
        try:
            found = export.verified()
        except ChainBroken as broken:
            problem = {"line": export.line, "position": broken.position, "what": broken.what}
            _say({"problems": [problem]}, f"line {export.line}: {broken}", as_json=as_json)
            return 1
    told = described(found, pinned=bool(public_keys))
    _say({**found._asdict(), "problems": []}, told, as_json=as_json)
    return 0


def _say(as_object: object, as_text: str, *, as_json: bool) -> None:
    if as_json:
        print_json(as_object)
    else:
        click.echo(as_text)


@audit.command()
@click.pass_obj
def key(settings: Settings) -> None:
    """Print the public key of our checkpoints, for an auditor to write down."""
    click.echo(SigningKey(settings.audit_key).public_key)


@audit.command()
def script() -> None:
    """Print verify_export.py, which verifies an export with Python alone."""
    click.echo(files("vidwiz").joinpath("verify_export.py").read_text(), nl=False)


@audit.command()
@click.pass_obj
def checkpoint(settings: Settings) -> None:
    """Sign the head of the log now, and copy the checkpoint to the object store."""
    with database(settings) as dsn:
        migrations.migrate(dsn)
        made = asked(dsn, lambda its: _pin(settings, its))
    if made is None:
        click.echo("The log is empty.")
    else:
        click.echo(f"Position {made.position} is pinned: {made.hash}.")


@audit.command()
@click.argument("urls", metavar="URL...", nargs=-1, required=True, callback=_witness_urls)
@click.pass_obj
def witness(settings: Settings, urls: tuple[str, ...]) -> None:
    """Sign the head of the log now, and show the checkpoint to the witnesses at URL...

    Exits with 1 if one of them does not keep it.
    """
    with database(settings) as dsn:
        migrations.migrate(dsn)
        made = asked(dsn, lambda its: _pin(settings, its))
    if made is None:
        click.echo("The log is empty.")
        return
    told = [asyncio.run(_shown(url, made)) for url in urls]
    for is_kept, sentence in told:
        click.echo(sentence, err=not is_kept)
    sys.exit(0 if all(is_kept for is_kept, _ in told) else 1)


async def _shown(url: str, it: Checkpoint) -> tuple[bool, str]:
    """Whether the witness keeps the checkpoint, and a sentence about it."""
    its = Witness(url)
    try:
        at = await show(its, it)
    except (WitnessUnavailable, WitnessRefuses) as error:
        return False, f"{error}."
    finally:
        await its.aclose()
    return True, f"{its.name} keeps position {it.position} since {at}."


async def _copy_checkpoints(settings: Settings, its: Database) -> None:
    row = await its.one(NEWEST)
    if row is None:
        return
    objects = object_store(settings)
    try:
        await Copies(its, objects).catch_up(checkpoint_of(row))
    finally:
        await objects.aclose()


async def _pin(settings: Settings, its: Database) -> Checkpoint | None:
    newest = await make_checkpoint(its, SigningKey(settings.audit_key), now=True)
    if newest is not None:
        objects = object_store(settings)
        try:
            await Copies(its, objects).catch_up(newest)
        finally:
            await objects.aclose()
    return newest


@click.command()
@click.argument("file")
@click.option("--with-keys", is_flag=True, help="With the bare keys to what is personal: a secret.")
@as_json
@click.pass_obj
def export(settings: Settings, file: str, with_keys: bool, as_json: bool) -> None:
    """Write the log into FILE: .jsonl, .jsonl.gz, .jsonl.zst, or - for standard output.

    It ends in a checkpoint that is made for it. Verify it with `vidwiz audit script`.
    """
    key = SigningKey(settings.audit_key)
    with ready(settings) as (dsn, master):
        newest = asked(dsn, lambda its: make_checkpoint(its, key, now=True))
        with writing(file) as output:
            done = write_export(dsn, output, newest, with_keys_of=master if with_keys else None)
    told = f"Exported {done.position} events, head {done.head}, {done.checkpoints} checkpoints."
    click.echo(orjson.dumps(asdict(done)) if as_json else told, err=file == "-")


@click.command("import")
@click.argument("file")
@public_keys
@as_json
@click.pass_obj
def import_command(
    settings: Settings, file: str, public_keys: tuple[str, ...], as_json: bool
) -> None:
    """Bring an exported log into an empty database, and make every table from it.

    All of it or nothing. Without --public-key the export's own word for its signers is taken.
    """
    with (
        ready(settings) as (dsn, master),
        reading(file) as lines,
        progress_bar("Replaying", hidden=as_json) as progress,
    ):
        done = import_log(
            dsn, master, bounded_lines(lines), public_keys, reactions=REACTIONS, progress=progress
        )
        asked(dsn, lambda its: _copy_checkpoints(settings, its))
    if as_json:
        print_json(asdict(done))
        return
    rows = ", ".join(f"{count} {table}" for table, count in done.rows.items())
    click.echo(
        f"Imported {done.position} events, head {done.head}, {done.checkpoints} checkpoints"
        f" ({rows}). {NOT_BROUGHT}{'' if done.keys else NO_KEYS}"
    )
    ours = SigningKey(settings.audit_key).public_key
    if set(done.signers) != {ours}:
        keys = " ".join(f"--public-key {one}" for one in (*done.signers, ours))
        click.echo(f"To verify it here, trust its signer too: vidwiz audit verify {keys}")


@click.command()
@click.pass_obj
def rekey(settings: Settings) -> None:
    """Change the master key, while the service runs; run it again if it was interrupted.

    The new key is VIDWIZ_MASTER_KEY_NEXT, which every process has to know first; without settings
    it is made in the data folder.
    """
    with ready(settings) as (dsn, _):
        new = check_value(make_next_master_key(settings))
        master = master_key(settings)
        startup_checks.require_master_key(dsn, master)
        done = change.rekey(dsn, master, new)
        adopted = adopt_next_master_key(settings)
    click.echo(f"{done.wrapped} keys were wrapped by the new master key.")
    if done.unusable:
        raise KeyUnusable(done.unusable)
    if not adopted:
        click.echo(
            "Now give VIDWIZ_MASTER_KEY the new key, take VIDWIZ_MASTER_KEY_NEXT away, and start"
            " every process again, one by one."
        )
