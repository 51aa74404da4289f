"""Examines an installation: what is configured, what is missing, what that turns off."""

import asyncio
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from typing import Literal

import click
import psycopg
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from vidwiz.adapters.object_store import ObjectStoreError
from vidwiz.adapters.witness import WitnessRefuses, WitnessUnavailable
from vidwiz.audit.checkpoints.copies import key_of
from vidwiz.audit.checkpoints.keys import SigningKey
from vidwiz.audit.checkpoints.records import HEAD, NEWEST, UNPINNED_S, checkpoint_of
from vidwiz.audit.witnesses.reports import ask
from vidwiz.cli.support import as_json, database, print_json
from vidwiz.event_store import statements
from vidwiz.event_store.counts import Counts
from vidwiz.event_store.quotas import Quotas
from vidwiz.event_store.schema_check import what_is_missing
from vidwiz.event_store.startup_checks import REMEMBERED, require_known
from vidwiz.event_store.store_mark import known_store, mark_of
from vidwiz.events.master_key import WrongMasterKey
from vidwiz.postgres import migrate
from vidwiz.postgres.embedded import EmbeddedPostgresError
from vidwiz.postgres.pool import Connection, Database, DatabaseUnavailable, fetch_all, is_read_only
from vidwiz.projections.personal_keys import IN_THE_CLEAR
from vidwiz.reactions.health import ReactionHealth, health
from vidwiz.server.adapters import master_key, object_store
from vidwiz.settings import OPENAI_URL, Settings, environment, unknown_settings
from vidwiz.settings.environment import SettingsError
from vidwiz.verify_export import Checkpoint, checkpoint_line

MARKS = {"ok": "[green]ok[/]", "off": "[yellow]off[/]", "broken": "[red]broken[/]"}
UPDATE = "update this VidWiz; until then it does not start"
PINS = "the service makes it, or: vidwiz audit checkpoint"
OTHER_STORE = "use that one; or, if it is gone for good: vidwiz adopt-objects"
STRONGER = "make one: openssl rand -base64 48"
LOST = "the database has one already: bring it back from its copy"
RATE_LIMITS_ARE_ON = "on: some count for all processes together, the rest for each process"
RESTORE = "somebody changed it: bring it back from a backup, or give the role its rights"
WRITABLE = "is its disk full, or is it an old primary?"
MIGRATE = "bring the schema up to date: vidwiz migrate"


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at; ``advice`` says what to do about it, if anything."""

    what: str
    state: Literal["ok", "off", "broken"]
    detail: str
    advice: str = ""


_NEW = Finding("database", "off", "not made yet", "the first `vidwiz serve` makes it")


async def examine(settings: Settings, dsn: str | None, problem: str | None) -> list[Finding]:
    """Look at everything that the settings configure; ``problem`` is why there is no ``dsn``."""
    database = _NEW if is_new(settings) else await _database(settings, dsn, problem)
    objects = await _objects(settings)
    return [
        database,
        *_environment(),
        *_secrets(settings),
        objects,
        *(await _if_readable(settings, dsn, objects) if dsn and database.state == "ok" else []),
        *_features(settings),
    ]


def show(findings: list[Finding], console: Console) -> None:
    """Print the findings as a table."""
    table = Table("", "", "", box=None, show_header=False, pad_edge=False)
    for finding in findings:
        detail = escape(finding.detail)
        if finding.advice:
            detail += f"\n[dim]{escape(finding.advice)}[/]"
        table.add_row(MARKS[finding.state], finding.what, detail)
    console.print(table)


def is_new(settings: Settings) -> bool:
    """Whether the embedded database has still to be made, by the first command that needs it."""
    folder = settings.data_dir
    return (
        settings.embedded
        and not (folder / "postgres").exists()
        and (folder.is_dir() or not folder.exists())
    )


async def _database(settings: Settings, dsn: str | None, problem: str | None) -> Finding:
    kind = f"embedded in {settings.data_dir}" if settings.embedded else "external"
    if dsn is None:
        return Finding("database", "broken", problem or "not there")
    try:
        connection = await Database(dsn, pool_size=2).connect("doctor")
    except DatabaseUnavailable as error:
        reason = " ".join(str(error).split())
        return Finding("database", "broken", f"{kind}: {reason}", "is DATABASE_URL right?")
    async with connection:
        kind = f"{kind}, PostgreSQL {connection.info.server_version // 10000}"
        try:
            return await _schema(kind, connection)
        except psycopg.Error as error:
            reason = " ".join(str(error).split())
            return Finding("database", "broken", f"{kind}: {reason}", MIGRATE)


async def _schema(kind: str, connection: Connection) -> Finding:
    revisions = await fetch_all(connection, migrate.REVISION, {}) or [("none",)]
    revision, newest = ", ".join(one for (one,) in revisions), migrate.head_revision()
    if revision != newest:
        detail = f"{kind}: schema {revision}, but this program needs {newest}"
        return Finding("database", "broken", detail, MIGRATE)
    if missing := await what_is_missing(connection):
        return Finding("database", "broken", f"{kind}: {'; '.join(missing)}", RESTORE)
    if await is_read_only(connection):
        return Finding("database", "broken", f"{kind}: it is read-only", WRITABLE)
    ((position,),) = await fetch_all(connection, statements.HEAD, {})
    return Finding("database", "ok", f"{kind}, {position} events, schema {revision}")


def _environment() -> Iterator[Finding]:
    found = environment()
    if found.env_file is not None:
        yield Finding("settings", "ok", f"the environment, and {found.env_file}")
    for sentence in unknown_settings(found):
        yield Finding("settings", "broken", sentence, "see docs/configuration.md")


def _secrets(settings: Settings) -> Iterator[Finding]:
    try:
        weaknesses = settings.weaknesses()
    except SettingsError as error:
        yield Finding("secrets", "broken", str(error))
        return
    for weakness in weaknesses:
        yield Finding("secrets", "broken", weakness, STRONGER)
    for given, name, file in (
        (settings.secret_key, "SECRET_KEY", "secret_key"),
        (settings.admin_token, "ADMIN_TOKEN", "admin_token"),
        (settings.audit_seed, "VIDWIZ_SIGNING_KEY", "audit_key"),
    ):
        yield _secret(name, given is not None, settings.secret_file(file))


def _secret(name: str, given: bool, file: Path, note: str = "") -> Finding:
    if given:
        return Finding(name, "ok", "from the environment")
    if file.exists():
        return Finding(name, "ok", f"in {file}{note}")
    if file.parent.exists() and not file.parent.is_dir():
        return Finding(name, "broken", f"cannot be kept in {file}: {file.parent} is no folder")
    return Finding(name, "off", f"made on first run, in {file}")


async def _objects(settings: Settings) -> Finding:
    store = object_store(settings)
    if settings.s3_bucket_name is None and is_new(settings):
        return Finding("object store", "off", f"{store.description}, made when first used")
    try:
        await store.check()
    except ObjectStoreError as error:
        return Finding("object store", "broken", str(error), "transcripts cannot be stored")
    finally:
        await store.aclose()
    return Finding("object store", "ok", store.description)


async def _transcripts(settings: Settings, database: Database, objects: Finding) -> Finding:
    """Whether the transcripts of this database lie in this object store."""
    if objects.state != "ok":
        return Finding("transcripts", "off", "the object store cannot be looked at")
    store = object_store(settings)
    try:
        mark, known = await mark_of(store), await known_store(database)
    finally:
        await store.aclose()
    if known is None:
        return Finding("transcripts", "ok", "none yet")
    if mark != known[0]:
        detail = f"lie in {known[1]}, not in {store.description}"
        return Finding("transcripts", "broken", detail, OTHER_STORE)
    return Finding("transcripts", "ok", f"lie in {store.description}")


async def _if_readable(settings: Settings, dsn: str, objects: Finding) -> list[Finding]:
    """What there is to say of the log; that it cannot be read, if somebody wrote past its guard."""
    try:
        return await _of_the_log(settings, dsn, objects)
    except (psycopg.Error, DatabaseUnavailable) as error:
        reason = " ".join(str(error).split())
        return [Finding("log", "broken", reason, "find out why: vidwiz audit verify")]


async def _of_the_log(settings: Settings, dsn: str, objects: Finding) -> list[Finding]:
    """Whether the log can be read, what of it is personal, what pins it and what follows it."""
    database = Database(dsn, pool_size=2)
    await database.open()
    try:
        return [
            await _topics(database),
            await _master_key(settings, database),
            await _personal_data(database),
            await _transcripts(settings, database, objects),
            await _checkpoint(settings, database, objects),
            *await _model_calls(settings, database),
            *[await _witness(settings, url) for url in settings.witness_urls],
            *(_reaction(one) for one in await health(database)),
        ]
    finally:
        await database.close()


async def _topics(database: Database) -> Finding:
    unknown = statements.unknown(topic for (topic,) in await database.all(statements.TOPICS))
    if not unknown:
        return Finding("event types", "ok", "every event in the log can be read")
    return Finding("event types", "broken", f"not known here: {', '.join(unknown)}", UPDATE)


async def _master_key(settings: Settings, database: Database) -> Finding:
    given, file = settings.master_key is not None, settings.secret_file("master_key")
    remembered = await database.one(REMEMBERED)
    if not given and not file.exists():
        if remembered is not None:
            return Finding("master key", "broken", f"not set, and not in {file}", LOST)
    else:
        try:
            if remembered is not None:
                require_known(master_key(settings), remembered)
        except (SettingsError, WrongMasterKey) as error:
            return Finding("master key", "broken", str(error))
    return _secret("master key", given, file, "; keep a copy of it")


async def _personal_data(database: Database) -> Finding:
    ((plain,),) = await database.all(IN_THE_CLEAR)
    if not plain:
        return Finding("personal data", "ok", "sealed in every event")
    detail = f"in the clear in {plain} events of an older version, which no erasure reaches"
    return Finding("personal data", "ok", detail)


async def _checkpoint(settings: Settings, database: Database, objects: Finding) -> Finding:
    newest, head = await database.one(NEWEST), await database.one(HEAD)
    if head is None:
        return Finding("checkpoint", "ok", "the log is empty")
    if newest is None:
        return Finding("checkpoint", "off", f"none of {head[0]} events is pinned", PINS)
    it, age = checkpoint_of(newest), (head[2] - newest[3]).total_seconds()
    where = f"at {it.position}, {age:.0f} s old, {head[0] - it.position} events behind"
    if objects.state == "broken":
        return Finding("checkpoint", "off", f"{where}, no copy", objects.detail)
    return await _copy(settings, it, where)


async def _copy(settings: Settings, it: Checkpoint, where: str) -> Finding:
    store = object_store(settings)
    try:
        copy = await store.get(key_of(it.position))
    finally:
        await store.aclose()
    if copy is None and _is_new(it):
        return Finding("checkpoint", "off", f"{where}, no copy yet in {store.description}", PINS)
    if copy is None:
        detail = f"{where}, and its copy in {store.description} is gone"
        return Finding("checkpoint", "broken", detail, "find out why: vidwiz audit verify")
    if copy != checkpoint_line(it):
        detail = f"{where}, but {store.description} has another copy"
        return Finding("checkpoint", "broken", detail, "find out why: vidwiz audit verify")
    return Finding("checkpoint", "ok", f"{where}, copied to {store.description}")


async def _model_calls(settings: Settings, database: Database) -> list[Finding]:
    """How much of today's ceiling is used; nothing where the secret of the counts is not made."""
    secret = settings.known_signing_key
    if secret is None:
        return []
    counts = Counts(database, secret.encode())
    used, most = await Quotas(counts, settings, of_persons=True, has_model=True).model_calls()
    detail = f"{used} of {most} today"
    if used >= most:
        return [Finding("model calls", "off", detail, "raise VIDWIZ_MODEL_CALLS_A_DAY, or wait")]
    return [Finding("model calls", "ok", detail)]


async def _witness(settings: Settings, url: str) -> Finding:
    key = SigningKey(settings.audit_key).public_key
    what = f"witness {url}"
    try:
        reports = await ask([url], [key])
    except (WitnessUnavailable, WitnessRefuses) as error:
        return Finding(what, "broken", str(error), f"is it there? vidwiz audit witness {url}")
    if reports.problems:
        return Finding(what, "broken", reports.problems[0].what, "vidwiz audit verify --witness")
    return Finding(what, "ok", f"keeps checkpoints up to {max(reports.newest.values())}")


def _is_new(it: Checkpoint) -> bool:
    return time.time() - datetime.fromisoformat(it.made_at).timestamp() < UNPINNED_S


def _reaction(one: ReactionHealth) -> Finding:
    where = f"at {one.checkpoint}, {one.lag} events behind"
    if one.held is not None:
        advice = "update this VidWiz; until then nothing is skipped"
        return Finding(f"reaction {one.reaction}", "broken", f"{where}, held: {one.held}", advice)
    if not one.parked:
        detail = f"{where}, {one.aside}" if one.put_off else where
        return Finding(f"reaction {one.reaction}", "ok", detail)
    detail = f"{where}, {one.aside}"
    if one.oldest is not None:
        detail += f"; {one.oldest.position} failed: {one.oldest.error}"
    advice = f"mend the cause, then: vidwiz reactions retry {one.reaction}"
    return Finding(f"reaction {one.reaction}", "broken", detail, advice)


def _features(settings: Settings) -> Iterator[Finding]:
    if settings.google_client_id is None:
        yield Finding("Google sign-in", "off", "GOOGLE_CLIENT_ID is not set")
    else:
        yield Finding("Google sign-in", "ok", f"certificates from {settings.google_certs_url}")
    yield _model(settings)
    for name, url in (
        ("AI-note queue", settings.sqs_ai_note_queue_url),
        ("summary queue", settings.sqs_summary_queue_url),
    ):
        yield _queue(name, url, settings.aws_region)
    if (settings.static_dir / "index.html").exists():
        yield Finding("web app", "ok", f"in {settings.static_dir}")
    else:
        yield Finding("web app", "off", f"not built in {settings.static_dir}")
    if settings.rate_limits:
        yield Finding("rate limits", "ok", RATE_LIMITS_ARE_ON)
    else:
        yield Finding("rate limits", "off", "VIDWIZ_RATE_LIMITS=off; quotas of cost still hold")


def _queue(name: str, url: str | None, region: str | None) -> Finding:
    if url is None:
        return Finding(name, "ok", "the database, for our own workers")
    if region is None:
        return Finding(name, "broken", f"SQS, {url}, but in which region?", "set AWS_REGION")
    return Finding(name, "ok", f"SQS, {url}")


def _model(settings: Settings) -> Finding:
    if settings.gemini_api_key is not None:
        where = settings.google_gemini_base_url or "Google"
        return Finding("language model", "ok", f"{settings.gemini_model_name} at {where}")
    if settings.openai_model is not None:
        where = settings.openai_base_url or OPENAI_URL
        return Finding("language model", "ok", f"{settings.openai_model} at {where}")
    advice = "set GEMINI_API_KEY, or OPENAI_BASE_URL and OPENAI_MODEL"
    return Finding("language model", "off", "Wiz answers with passages of the transcript", advice)


@click.command()
@as_json
@click.pass_obj
def doctor(settings: Settings, as_json: bool) -> None:
    """Say what is configured, what is missing, and which feature that turns off."""
    with _database_if_possible(settings) as (dsn, problem):
        found = asyncio.run(examine(settings, dsn, problem))
    if as_json:
        print_json([asdict(one) for one in found])
    else:
        show(found, Console())
    sys.exit(1 if any(one.state == "broken" for one in found) else 0)


@contextmanager
def _database_if_possible(settings: Settings) -> Iterator[tuple[str | None, str | None]]:
    if is_new(settings):
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
