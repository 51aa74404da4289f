"""The command line. Every command finds the same database as ``serve``, running or not."""

import asyncio
import sys
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict
from datetime import UTC, datetime
from typing import TypeVar

import click
import orjson
import psycopg
from pydantic import ValidationError
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from vidwiz import demo as sample
from vidwiz import doctor as checks
from vidwiz import history, logs
from vidwiz import migrate as migrations
from vidwiz import serve as server
from vidwiz.adapters.embedded_postgres import EmbeddedPostgresError, start_embedded_postgres
from vidwiz.adapters.object_store import ObjectStoreError
from vidwiz.database import Database, DatabaseUnavailable
from vidwiz.events.chain import ChainBroken
from vidwiz.events.recorded import UnknownEvent
from vidwiz.parent import die_with_parent
from vidwiz.projections import replay
from vidwiz.projections.projector import ProjectionFailed
from vidwiz.projections.tables import PROJECTED
from vidwiz.reactions.health import NAMES as REACTIONS
from vidwiz.reactions.health import ReactionHealth, health
from vidwiz.reactions.health import retry as retry_parked
from vidwiz.reactions.indexing import refill as refill_passages
from vidwiz.settings import Settings, SettingsError
from vidwiz.wiring import worker_config
from vidwiz.workers.api import WorkerRefused
from vidwiz.workers.jobs import Kind
from vidwiz.workers.run import run

WORKERS = {
    "transcript": (Kind.TRANSCRIPT,),
    "metadata": (Kind.METADATA,),
    "ai-notes": (Kind.AI_NOTE,),
    "summaries": (Kind.SUMMARY,),
    "all": tuple(Kind),
}
TABLES = [table.name for table in PROJECTED]

REFUSALS = (
    ChainBroken,
    DatabaseUnavailable,
    EmbeddedPostgresError,
    ObjectStoreError,
    migrations.MigrationFailed,
    ProjectionFailed,
    SettingsError,
    UnknownEvent,
    WorkerRefused,
    psycopg.OperationalError,
    replay.MaintenanceUnderWay,
    replay.SwapFailed,
)

Answer = TypeVar("Answer")

as_json = click.option("--json", "as_json", is_flag=True, help="Print JSON for a program.")


class Commands(click.Group):
    """Turns what a command refuses into a line on standard error and exit code 1."""

    def invoke(self, ctx: click.Context) -> object:
        """Run a command."""
        try:
            return super().invoke(ctx)
        except ValidationError as error:
            raise click.ClickException(_bad_settings(error)) from error
        except REFUSALS as error:
            raise click.ClickException(" ".join(str(error).split())) from error


@click.group(cls=Commands)
@click.version_option(package_name="vidwiz")
@click.pass_context
def main(ctx: click.Context) -> None:
    """VidWiz turns watching YouTube into knowledge you keep."""
    settings = Settings()
    logs.configure(settings.log_format, settings.log_level)
    ctx.obj = settings


@main.command()
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
@click.option("--port", default=8000, show_default=True, type=click.IntRange(0, 65535))
@click.option("--processes", default=1, show_default=True, type=click.IntRange(1, 64))
@click.option("--no-workers", is_flag=True, help="Leave the built-in workers out.")
@click.pass_obj
def serve(settings: Settings, host: str, port: int, processes: int, no_workers: bool) -> None:
    """Run the service."""
    with database(settings) as dsn:
        migrations.migrate(dsn)
        _say_where_secrets_are(settings)
        code = server.serve(
            settings, dsn, host=host, port=port, processes=processes, workers=not no_workers
        )
    sys.exit(code)


@main.command()
@click.argument("kind", type=click.Choice([*WORKERS]))
@click.option("--api-url", help="Where the service is; by default as VIDWIZ_API_URL says.")
@click.option("--admin-token", help="By default ADMIN_TOKEN, which others cannot see in a list.")
@click.pass_obj
def worker(settings: Settings, kind: str, api_url: str | None, admin_token: str | None) -> None:
    """Do background jobs, here or anywhere, over HTTP and SQS."""
    die_with_parent()
    config = worker_config(
        settings, api_url or settings.api_url, admin_token or settings.admin_bearer
    )
    sys.exit(run(WORKERS[kind], config))


@main.group(invoke_without_command=True)
@as_json
@click.pass_context
def reactions(ctx: click.Context, as_json: bool) -> None:
    """Show what follows the log: how far it is, and which events are parked."""
    if ctx.invoked_subcommand is None:
        found = _asked(ctx.obj, health)
        if as_json:
            _print_json([asdict(one) for one in found])
        else:
            for one in found:
                click.echo(_stands(one))


@reactions.command()
@click.argument("reaction", required=False, type=click.Choice(REACTIONS))
@click.option("--position", type=click.IntRange(min=1), help="Only the event at this position.")
@click.pass_obj
def retry(settings: Settings, reaction: str | None, position: int | None) -> None:
    """Have parked events tried again at once, by the service."""
    count = _asked(settings, lambda its: retry_parked(its, reaction, position))
    click.echo(f"{count} parked events will be tried again.")


@reactions.command()
@click.pass_obj
def refill(settings: Settings) -> None:
    """Have every transcript read again, by the service, for those who search."""
    count = _asked(settings, refill_passages)
    click.echo(f"{count} transcripts will be read again.")


@main.command()
@click.pass_obj
def migrate(settings: Settings) -> None:
    """Bring the database's schema up to date."""
    with database(settings) as dsn:
        click.echo(f"The schema is at revision {migrations.migrate(dsn)}.")


@main.command()
@click.argument("tables", nargs=-1, type=click.Choice(TABLES))
@as_json
@click.pass_obj
def rebuild(settings: Settings, tables: tuple[str, ...], as_json: bool) -> None:
    """Replay the history into new TABLES (all by default) and swap them in.

    The service may go on running; it never sees a half-made table.
    """
    with database(settings) as dsn, _progress("Replaying", hidden=as_json) as progress:
        migrations.migrate(dsn)
        result = replay.rebuild(dsn, tables, progress)
    if as_json:
        _print_json(asdict(result))
    else:
        click.echo(f"Rebuilt from {_summary(result)}.")


@main.command()
@as_json
@click.pass_obj
def verify(settings: Settings, as_json: bool) -> None:
    """Check the log's hash chain, replay it and compare with the live tables, row by row.

    Exits with 1 and names the first changed position, or each row that differs.
    """
    with database(settings) as dsn, _progress("Replaying", hidden=as_json) as progress:
        migrations.migrate(dsn)
        result, differences = replay.verify(dsn, progress)
    found = list(differences)
    if as_json:
        _print_json({**asdict(result), "differences": [asdict(one) for one in found]})
    else:
        for one in found:
            click.echo(_described(one))
        verdict = f"{len(found)} rows differ" if found else "every table equals its replay"
        head = f"the log is whole, its head {result.position} is {result.head}"
        click.echo(f"Replayed {_summary(result)}: {verdict}; {head}.")
    sys.exit(1 if found else 0)


@main.command()
@click.option("--type", "topics", multiple=True, help="Only this type, such as NoteAdded.")
@click.option("--stream", help="Only this stream, such as note:17 or video:W421vNri5hw.")
@click.option("--actor", help="Only what this actor did, such as user:5 or admin.")
@click.option("--since", type=click.DateTime(), help="From this time on (UTC).")
@click.option("--until", type=click.DateTime(), help="Up to this time (UTC).")
@click.option("--after", default=0, help="Only behind this position.")
@click.option("--follow", is_flag=True, help="Go on with what happens from now on.")
@as_json
@click.pass_obj
def events(
    settings: Settings,
    topics: tuple[str, ...],
    stream: str | None,
    actor: str | None,
    since: datetime | None,
    until: datetime | None,
    after: int,
    follow: bool,
    as_json: bool,
) -> None:
    """Print the history, oldest first."""
    wanted = history.Filter(
        topics=topics,
        stream=stream,
        actor=actor,
        since=since and since.replace(tzinfo=UTC),
        until=until and until.replace(tzinfo=UTC),
    )
    with database(settings) as dsn:
        migrations.migrate(dsn)
        printing = history.print_events(dsn, wanted, after=after, follow=follow, as_json=as_json)
        try:
            asyncio.run(printing)
        except KeyboardInterrupt:
            return


@main.command()
@as_json
@click.pass_obj
def doctor(settings: Settings, as_json: bool) -> None:
    """Say what is configured, what is missing, and which feature that turns off."""
    with _database_if_possible(settings) as (dsn, problem):
        found = asyncio.run(checks.examine(settings, dsn, problem))
    if as_json:
        _print_json([asdict(one) for one in found])
    else:
        checks.show(found, Console())
    sys.exit(1 if any(one.state == "broken" for one in found) else 0)


@main.command()
@click.pass_obj
def demo(settings: Settings) -> None:
    """Load a sample video with its transcript and notes, and an account to see them with."""
    with database(settings) as dsn:
        migrations.migrate(dsn)
        click.echo(asyncio.run(sample.load(settings, dsn)))


def _asked(settings: Settings, ask: Callable[[Database], Awaitable[Answer]]) -> Answer:
    """What the question to the database comes to."""

    async def asking(dsn: str) -> Answer:
        its = Database(dsn, pool_size=2)
        await its.open()
        try:
            return await ask(its)
        finally:
            await its.close()

    with database(settings) as dsn:
        migrations.migrate(dsn)
        return asyncio.run(asking(dsn))


def _stands(one: ReactionHealth) -> str:
    said = f"{one.reaction}: at {one.checkpoint}, {one.lag} events behind, {one.parked} parked"
    if one.oldest is not None:
        said += f"; {one.oldest.position} failed {one.oldest.attempts} times: {one.oldest.error}"
    return said


@contextmanager
def database(settings: Settings) -> Iterator[str]:
    """The DSN of the configured database, or of the embedded one, which is started if needed."""
    if settings.database_url is not None:
        yield settings.database_url
        return
    with start_embedded_postgres(settings.data_dir) as embedded:
        yield embedded.dsn


@contextmanager
def _database_if_possible(settings: Settings) -> Iterator[tuple[str | None, str | None]]:
    try:
        context = database(settings)
        dsn = context.__enter__()
    except EmbeddedPostgresError as error:
        yield None, str(error)
        return
    try:
        yield dsn, None
    finally:
        context.__exit__(None, None, None)


@contextmanager
def _progress(what: str, *, hidden: bool) -> Iterator[replay.Progress]:
    columns = (TextColumn(what), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    console = Console(stderr=True)
    with Progress(*columns, console=console, disable=hidden or not console.is_terminal) as bar:
        task = bar.add_task(what, total=None)
        yield lambda at, of: bar.update(task, completed=at, total=of)


def _say_where_secrets_are(settings: Settings) -> None:
    """Also makes them, before several processes would."""
    for given, name, kept in (
        (settings.secret_key, "SECRET_KEY", settings.signing_key),
        (settings.admin_token, "ADMIN_TOKEN", settings.admin_bearer),
    ):
        if given is None and kept:
            path = settings.secret_file(name.lower())
            click.echo(f"{name} is kept in {path} (mode 0600); to see it: cat '{path}'", err=True)


def _summary(result: replay.Replayed) -> str:
    rows = ", ".join(f"{count:,} {table}" for table, count in result.rows.items())
    speed = result.events / result.seconds if result.seconds else 0
    return f"{result.events:,} events ({rows}) in {result.seconds:.1f} s, {speed:,.0f} events/s"


def _described(difference: replay.Difference) -> str:
    row = f"{difference.table} {difference.row}"
    if difference.what == "different":
        return f"{row}: differs in {', '.join(difference.columns)}"
    return f"{row}: {difference.what}"


def _print_json(value: object) -> None:
    click.echo(orjson.dumps(value))


def _bad_settings(error: ValidationError) -> str:
    problems = (f"{'.'.join(map(str, one['loc']))}: {one['msg']}" for one in error.errors())
    return "; ".join(problems)
