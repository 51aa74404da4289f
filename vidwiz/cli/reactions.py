"""``vidwiz reactions``: shows what follows the log, and has it try again."""

from dataclasses import asdict

import click

from vidwiz.cli.support import as_json, asked_of_current, print_json, printable
from vidwiz.reactions.health import NAMES as REACTIONS
from vidwiz.reactions.health import ReactionHealth, health
from vidwiz.reactions.health import retry as retry_parked
from vidwiz.reactions.indexing import refill as refill_passages
from vidwiz.settings import Settings


@click.group(invoke_without_command=True)
@as_json
@click.pass_context
def reactions(ctx: click.Context, as_json: bool) -> None:
    """Show what follows the log: how far it is, and which events are parked."""
    if ctx.invoked_subcommand is None:
        found = asked_of_current(ctx.obj, health)
        if as_json:
            print_json([asdict(one) for one in found])
        else:
            for one in found:
                click.echo(printable(_stands(one)))


@reactions.command()
@click.argument("reaction", required=False, type=click.Choice(REACTIONS))
@click.option("--position", type=click.IntRange(min=1), help="Only the event at this position.")
@click.pass_obj
def retry(settings: Settings, reaction: str | None, position: int | None) -> None:
    """Have parked events tried again at once, by the service."""
    count = asked_of_current(settings, lambda its: retry_parked(its, reaction, position))
    click.echo(f"{count} parked events will be tried again.")


@reactions.command()
@click.pass_obj
def refill(settings: Settings) -> None:
    """Have every transcript read again, by the service, for those who search."""
    count = asked_of_current(settings, refill_passages)
    click.echo(f"{count} transcripts will be read again.")


def _stands(one: ReactionHealth) -> str:
    said = f"{one.reaction}: at {one.checkpoint}, {one.lag} events behind, {one.aside}"
    if one.oldest is not None:
        said += f"; {one.oldest.position} failed {one.oldest.attempts} times: {one.oldest.error}"
    if one.held is not None:
        said += f"; held: {one.held}"
    return said
