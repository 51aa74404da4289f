"""`vidwiz adopt-objects`: which object store is the database's, for the operator."""

import click

from vidwiz.cli.support import asked_of_current
from vidwiz.event_store.store_mark import adopt
from vidwiz.postgres.pool import Database
from vidwiz.server.adapters import object_store
from vidwiz.settings import Settings


@click.command("adopt-objects")
@click.option("--yes", is_flag=True, help="Do not ask.")
@click.pass_obj
def adopt_objects(settings: Settings, yes: bool) -> None:
    """Take the configured object store for the one of this database.

    Transcripts that are not in it are fetched again when somebody reads them; those that persons
    brought are gone.
    """
    store = object_store(settings)
    if not yes:
        click.confirm(f"Take {store.description} for the one of this database?", abort=True)

    async def adopted(database: Database) -> None:
        try:
            await adopt(database, store)
        finally:
            await store.aclose()

    asked_of_current(settings, adopted)
    click.echo(f"The transcripts of this database lie in {store.description}.")
