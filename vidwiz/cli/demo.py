"""``vidwiz demo``: loads a sample."""

import asyncio

import click

from vidwiz.cli.support import ready
from vidwiz.settings import Settings


@click.command()
@click.pass_obj
def demo(settings: Settings) -> None:
    """Load a sample video with its transcript and notes, and an account to see them with."""
    from vidwiz.cli.sample import loader  # noqa: PLC0415

    with ready(settings) as (dsn, _):
        click.echo(asyncio.run(loader.load(settings, dsn)))
