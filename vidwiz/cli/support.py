"""What the commands share: the database that they find, and how they answer."""

import asyncio
import re
from collections.abc import Awaitable, Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import TypeVar

import click
import orjson
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from vidwiz.adapters.youtube_links import logged_id
from vidwiz.event_store import startup_checks
from vidwiz.events.master_key import MasterKey
from vidwiz.postgres import migrate as migrations
from vidwiz.postgres.embedded import start_embedded_postgres
from vidwiz.postgres.embedded_keeper import EmbeddedKeeper
from vidwiz.postgres.pool import PATIENT, Database
from vidwiz.replay import engine
from vidwiz.server.adapters import master_key
from vidwiz.settings import Settings

Answer = TypeVar("Answer")

_STEERS = re.compile(
    "[\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]"
)
"""What moves a terminal's cursor, ends a line, or turns the direction of writing."""

as_json = click.option("--json", "as_json", is_flag=True, help="Print JSON for a program.")


def printable(text: str) -> str:
    """The text as a terminal may be shown it: people put what they like into names and notes."""
    return _STEERS.sub(lambda one: one[0].encode("unicode_escape").decode(), text)


@contextmanager
def database(settings: Settings, *, kept: bool = False) -> Iterator[str]:
    """The DSN of the configured database, or of the embedded one, which is started if needed.

    One that is ``kept`` is started again when it ends meanwhile.
    """
    if settings.database_url is not None:
        yield settings.database_url
        return
    with ExitStack() as ending:
        embedded = ending.enter_context(start_embedded_postgres(settings.data_dir))
        if kept:
            ending.enter_context(EmbeddedKeeper(embedded))
        yield embedded.dsn


@contextmanager
def ready(settings: Settings, *, kept: bool = False) -> Iterator[tuple[str, MasterKey]]:
    """The DSN of a database that is up to date, and the master key that is its own."""
    with database(settings, kept=kept) as dsn:
        migrations.migrate(dsn)
        master = master_key(settings)
        startup_checks.require_master_key(dsn, master)
        yield dsn, master


def asked(dsn: str, ask: Callable[[Database], Awaitable[Answer]]) -> Answer:
    """What the question to the database comes to."""

    async def asking() -> Answer:
        its = Database(dsn, pool_size=2, patience=PATIENT)
        await its.open()
        try:
            return await ask(its)
        finally:
            await its.close()

    return asyncio.run(asking())


@contextmanager
def progress_bar(what: str, *, hidden: bool) -> Iterator[engine.Progress]:
    """A bar on standard error, if that is a terminal."""
    columns = (TextColumn(what), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    console = Console(stderr=True)
    with Progress(*columns, console=console, disable=hidden or not console.is_terminal) as bar:
        task = bar.add_task(what, total=None)
        yield lambda at, of: bar.update(task, completed=at, total=of)


def print_json(value: object) -> None:
    """One line for a program."""
    click.echo(orjson.dumps(value))


def asked_of_current(settings: Settings, ask: Callable[[Database], Awaitable[Answer]]) -> Answer:
    """The same of the configured database, whose schema is brought up to date first."""
    with database(settings) as dsn:
        migrations.migrate(dsn)
        return asked(dsn, ask)


def video_of(_ctx: click.Context, _its: click.Parameter, given: str | None) -> str | None:
    """The id that an option for a video gives, as the log has it."""
    try:
        return None if given is None else logged_id(given)
    except ValueError as error:
        raise click.BadParameter(str(error)) from error
