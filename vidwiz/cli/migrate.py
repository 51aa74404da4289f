"""``vidwiz migrate``: brings the schema up to date."""

import click

from vidwiz.cli.support import database
from vidwiz.postgres import migrate as migrations
from vidwiz.settings import Settings


@click.command()
@click.pass_obj
def migrate(settings: Settings) -> None:
    """Bring the database's schema up to date."""
    with database(settings) as dsn:
        click.echo(f"The schema is at revision {migrations.migrate(dsn)}.")
