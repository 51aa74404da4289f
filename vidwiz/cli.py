"""The command line. Every command finds the same database as ``serve``, running or not.

What only one command needs, and is slow to load, that command imports itself.
"""

import asyncio
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from datetime import datetime
from ipaddress import ip_address

import click
from rich.console import Console

from vidwiz import (
    accounts,
    audit_commands,
    history,
    history_commands,
    logs,
    object_commands,
    past,
    preflight,
    replay_commands,
)
from vidwiz import doctor as checks
from vidwiz import erase as erasure
from vidwiz import migrate as migrations
from vidwiz.adapters.embedded_postgres import EmbeddedPostgresError
from vidwiz.adapters.youtube_links import logged_id
from vidwiz.audit.filters import Filter
from vidwiz.audit.times import instant_of
from vidwiz.command_line import (
    as_json,
    asked,
    asked_of_current,
    database,
    print_json,
    printable,
    progress_bar,
    ready,
)
from vidwiz.environment import Environment, SettingsError, hand_on_to_aws
from vidwiz.events import event_types
from vidwiz.outside import worker_config
from vidwiz.parent import PARENT_VARIABLE, die_with_parent
from vidwiz.projections.time_travel import TimeMachine
from vidwiz.reactions.health import NAMES as REACTIONS
from vidwiz.reactions.health import ReactionHealth, health
from vidwiz.reactions.health import retry as retry_parked
from vidwiz.reactions.indexing import refill as refill_passages
from vidwiz.refusals import Commands
from vidwiz.settings import Settings, environment, unknown_settings
from vidwiz.workers.jobs import Kind

WORKERS = {
    "transcript": (Kind.TRANSCRIPT,),
    "metadata": (Kind.METADATA,),
    "ai-notes": (Kind.AI_NOTE,),
    "summaries": (Kind.SUMMARY,),
    "all": tuple(Kind),
}

LARGEST = 2**63 - 1
"""No id is beyond it."""


@click.group(cls=Commands)
@click.version_option(package_name="vidwiz")
@click.pass_context
def main(ctx: click.Context) -> None:
    """VidWiz turns watching YouTube into knowledge you keep."""
    found = environment()
    _say_what_was_read(found)
    hand_on_to_aws(found)
    settings = Settings()
    logs.configure(settings.log_format, settings.log_level)
    ctx.obj = settings


main.add_command(accounts.user)
main.add_command(object_commands.adopt_objects)
main.add_command(audit_commands.audit)
main.add_command(audit_commands.export)
main.add_command(audit_commands.import_command)
main.add_command(audit_commands.rekey)
main.add_command(history_commands.history)
main.add_command(replay_commands.rebuild)
main.add_command(replay_commands.verify)


@main.command()
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
@click.option("--port", default=8000, show_default=True, type=click.IntRange(0, 65535))
@click.option("--processes", default=1, show_default=True, type=click.IntRange(1, 64))
@click.option("--no-workers", is_flag=True, help="Leave the built-in workers out.")
@click.pass_obj
def serve(settings: Settings, host: str, port: int, processes: int, no_workers: bool) -> None:
    """Run the service."""
    from vidwiz import serve as server  # noqa: PLC0415

    _require_strong_secrets(settings, host)
    with ready(settings, kept=True) as (dsn, _):
        preflight.require_known_topics(dsn)
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
    from vidwiz.workers.api import WorkerRefused  # noqa: PLC0415
    from vidwiz.workers.run import run  # noqa: PLC0415

    die_with_parent()
    config = worker_config(
        settings, api_url or settings.api_url, admin_token or settings.admin_bearer
    )
    try:
        sys.exit(run(WORKERS[kind], config))
    except WorkerRefused as error:
        raise click.ClickException(str(error)) from error


@main.group(invoke_without_command=True)
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


@main.command()
@click.pass_obj
def migrate(settings: Settings) -> None:
    """Bring the database's schema up to date."""
    with database(settings) as dsn:
        click.echo(f"The schema is at revision {migrations.migrate(dsn)}.")


def _known_types(
    _ctx: click.Context, _its: click.Parameter, names: tuple[str, ...]
) -> tuple[str, ...]:
    unknown = set(names) - event_types().keys()
    if unknown:
        raise click.BadParameter(f"no such event type: {', '.join(sorted(unknown))}")
    return names


def _video(_ctx: click.Context, _its: click.Parameter, given: str | None) -> str | None:
    try:
        return None if given is None else logged_id(given)
    except ValueError as error:
        raise click.BadParameter(str(error)) from error


def _instant(_ctx: click.Context, _its: click.Parameter, given: str | None) -> datetime | None:
    try:
        return None if given is None else instant_of(given)
    except ValueError as error:
        raise click.BadParameter(str(error)) from error


@main.command()
@click.option(
    "--type",
    "topics",
    multiple=True,
    callback=_known_types,
    help="Only this type, such as NoteAdded.",
)
@click.option(
    "--correlation",
    "--request",
    "correlation",
    help="Only what followed from the request with this id.",
)
@click.option("--video", callback=_video, help="Only about this video, and what is on it.")
@click.option("--user", type=click.IntRange(1, LARGEST), help="Only by or about this user.")
@click.option("--stream", help="Only this stream, such as note:17 or video:W421vNri5hw.")
@click.option("--actor", help="Only what this actor did, such as user:5 or admin.")
@click.option("--since", callback=_instant, help="From this time on, in ISO 8601 (UTC).")
@click.option("--until", callback=_instant, help="Up to this time.")
@click.option("--after", default=0, help="Only behind this position.")
@click.option("--follow", is_flag=True, help="Go on with what happens from now on.")
@as_json
@click.pass_obj
def events(
    settings: Settings,
    topics: tuple[str, ...],
    correlation: str | None,
    video: str | None,
    user: int | None,
    stream: str | None,
    actor: str | None,
    since: datetime | None,
    until: datetime | None,
    after: int,
    follow: bool,
    as_json: bool,
) -> None:
    """Print the history, oldest first."""
    wanted = Filter(
        topics=topics,
        correlation_id=correlation,
        video_id=video,
        user_id=user,
        stream=stream,
        actor=actor,
        since=since,
        until=until,
    )
    with ready(settings) as (dsn, master):
        printing = history.print_events(
            dsn, master, wanted, after=after, follow=follow, as_json=as_json
        )
        try:
            asyncio.run(printing)
        except KeyboardInterrupt:
            return


@main.command()
@click.option("--at", required=True, help="A position of the log, or a time in ISO 8601 (UTC).")
@click.argument("table", required=False, type=click.Choice(replay_commands.TABLES))
@click.argument("row", metavar="[ID]", required=False, type=click.IntRange(0, LARGEST))
@click.option("--user", type=click.IntRange(0, LARGEST), help="Only rows of this user.")
@click.option("--video", callback=_video, help="Only rows on this video.")
@click.option("--conversation", type=click.IntRange(0, LARGEST), help="Only rows of this one.")
@as_json
@click.pass_obj
def state(
    settings: Settings,
    at: str,
    table: str | None,
    row: int | None,
    user: int | None,
    video: str | None,
    conversation: int | None,
    as_json: bool,
) -> None:
    """Show a TABLE, the row ID of it, or all tables' sizes as they were, from the row history.

    Where the history does not go so far yet it is filled. The service may go on running.
    """
    given = {"user_id": user, "video_id": video, "conversation_id": conversation}
    where = {name: value for name, value in given.items() if value is not None}
    with ready(settings) as (dsn, master), progress_bar("Replaying", hidden=as_json) as progress:
        machine = TimeMachine(dsn, master, store=settings.row_history)
        past.print_state(machine, dsn, at, table, row, where, progress, as_json=as_json)


@main.command()
@as_json
@click.pass_obj
def doctor(settings: Settings, as_json: bool) -> None:
    """Say what is configured, what is missing, and which feature that turns off."""
    with _database_if_possible(settings) as (dsn, problem):
        found = asyncio.run(checks.examine(settings, dsn, problem))
    if as_json:
        print_json([asdict(one) for one in found])
    else:
        checks.show(found, Console())
    sys.exit(1 if any(one.state == "broken" for one in found) else 0)


@main.command()
@click.pass_obj
def demo(settings: Settings) -> None:
    """Load a sample video with its transcript and notes, and an account to see them with."""
    from vidwiz import demo as sample  # noqa: PLC0415

    with ready(settings) as (dsn, _):
        click.echo(asyncio.run(sample.load(settings, dsn)))


@main.command()
@click.argument("user")
@click.option("--yes", is_flag=True, help="Do not ask.")
@click.pass_obj
def erase(settings: Settings, user: str, yes: bool) -> None:
    """Forget the USER with this id or e-mail address for ever; the service may run.

    A guest is guest:ID, by the digest that the log has or the session id of their browser.
    """
    with ready(settings) as (dsn, master):
        account = asked(dsn, lambda its: erasure.find(its, user))
        if account is None:
            raise click.ClickException("nobody has this id or e-mail address")
        if not yes:
            click.confirm(printable(f"Erase {account} for ever?"), abort=True)
        asyncio.run(erasure.erase(dsn, master, account))
    click.echo(printable(f"{account.name} is erased."))


def _stands(one: ReactionHealth) -> str:
    said = f"{one.reaction}: at {one.checkpoint}, {one.lag} events behind, {one.aside}"
    if one.oldest is not None:
        said += f"; {one.oldest.position} failed {one.oldest.attempts} times: {one.oldest.error}"
    if one.held is not None:
        said += f"; held: {one.held}"
    return said


@contextmanager
def _database_if_possible(settings: Settings) -> Iterator[tuple[str | None, str | None]]:
    if checks.is_new(settings):
        yield None, None
        return
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


def _say_what_was_read(found: Environment) -> None:
    """Name the .env file, and what is misspelt; the processes that a command starts need not."""
    if PARENT_VARIABLE in os.environ:
        return
    if found.env_file is not None:
        click.echo(f"Settings are read from {found.env_file} too", err=True)
    for sentence in unknown_settings(found):
        click.echo(f"Warning: {sentence}", err=True)


def _require_strong_secrets(settings: Settings, host: str) -> None:
    """Warn of secrets that can be guessed; with them, raise ``SettingsError`` beyond loopback."""
    weaknesses = settings.weaknesses()
    if weaknesses and not _is_loopback(host):
        raise SettingsError(
            f"{'; '.join(weaknesses)}; with this {host} is not listened on, only loopback is"
        )
    for weakness in weaknesses:
        click.echo(f"Warning: {weakness}; others could sign in as anybody", err=True)


def _is_loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _say_where_secrets_are(settings: Settings) -> None:
    """Also makes them, before several processes would.

    Nobody has to know the key of the checkpoints, so where it is would be noise.
    """
    for given, name, file, kept in (
        (settings.secret_key, "SECRET_KEY", "secret_key", settings.signing_key),
        (settings.admin_token, "ADMIN_TOKEN", "admin_token", settings.admin_bearer),
        (settings.master_key, "VIDWIZ_MASTER_KEY", "master_key", settings.master_key_bytes),
    ):
        if given is None and kept:
            path = settings.secret_file(file)
            click.echo(f"{name} is kept in {path} (mode 0600); to see it: cat '{path}'", err=True)
    _ = settings.audit_key
