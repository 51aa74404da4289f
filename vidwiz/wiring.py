"""The composition root: makes the parts of a service out of the settings."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime, timedelta

from quart import Quart

from vidwiz import migrate, records
from vidwiz.adapters.google_sign_in import GoogleSignIn
from vidwiz.adapters.language_model import LanguageModel
from vidwiz.adapters.object_store import FolderStore, ObjectStore
from vidwiz.adapters.queue import Queue
from vidwiz.commands import DECISIONS
from vidwiz.database import Database, DatabaseUnavailable
from vidwiz.erasures import Erasures
from vidwiz.events import TaskType
from vidwiz.events.master_key import MasterKey
from vidwiz.http.app import create_app
from vidwiz.http.guards import Guard
from vidwiz.http.limits import Limits
from vidwiz.http.long_poll import Dispatcher
from vidwiz.http.passwords import Passwords
from vidwiz.http.services import EXTENSION, Services
from vidwiz.http.shield import Shielded
from vidwiz.http.tokens import Tokens
from vidwiz.reactions.running import Reactions
from vidwiz.settings import OPENAI_URL, Settings
from vidwiz.signals import Signals
from vidwiz.store import Store
from vidwiz.wiz.answers import Answerer
from vidwiz.wiz.elsewhere import Elsewhere, Orphans
from vidwiz.wiz.library import Library
from vidwiz.wiz.model_answerer import ModelAnswerer
from vidwiz.wiz.reader import TranscriptReader
from vidwiz.wiz.turns import Turns
from vidwiz.workers.config import Pace, WorkerConfig

HOUSEKEEPING_S = 3600


def master_key(settings: Settings) -> MasterKey:
    """What wraps the keys of persons; raises ``SettingsError``."""
    return MasterKey(settings.master_key_bytes)


def object_store(settings: Settings) -> ObjectStore:
    """The bucket if there is one, else a folder of the data folder."""
    if settings.s3_bucket_name is None:
        return FolderStore(settings.data_dir / "objects")
    # The AWS libraries are slow to load and large, and a folder does not need them.
    from vidwiz.adapters.s3_store import S3Store  # noqa: PLC0415

    return S3Store(
        settings.s3_bucket_name,
        region=settings.aws_region,
        endpoint_url=settings.aws_endpoint_url,
    )


def language_model(settings: Settings) -> LanguageModel | None:
    """Gemini if there is a key, else an OpenAI-compatible model if one is named, else none."""
    # Their libraries are slow to load.
    if settings.gemini_api_key is not None:
        from vidwiz.adapters.gemini import Gemini  # noqa: PLC0415

        return Gemini(
            settings.gemini_api_key.get_secret_value(),
            settings.gemini_model_name,
            base_url=settings.google_gemini_base_url,
        )
    if settings.openai_model is not None:
        from vidwiz.adapters.openai_compatible import OpenAICompatible  # noqa: PLC0415

        key = settings.openai_api_key
        return OpenAICompatible(
            settings.openai_base_url or OPENAI_URL,
            None if key is None else key.get_secret_value(),
            settings.openai_model,
        )
    return None


def queue(settings: Settings, url: str | None) -> Queue | None:
    """The queue at this URL; None without one."""
    if url is None:
        return None
    from vidwiz.adapters.sqs import SqsQueue  # noqa: PLC0415  as for S3

    return SqsQueue(url, region=settings.aws_region, endpoint_url=settings.aws_endpoint_url)


def worker_config(settings: Settings, api_url: str, admin_token: str) -> WorkerConfig:
    """How the workers are to work."""
    proxy = settings.youtube_proxy
    languages = (one.strip() for one in settings.caption_languages.split(","))
    return WorkerConfig(
        api_url=api_url,
        admin_token=admin_token,
        languages=tuple(one for one in languages if one),
        youtube_proxy=None if proxy is None else proxy.get_secret_value(),
        youtube_url=settings.youtube_url,
        summary_queue_url=settings.sqs_summary_queue_url,
        ai_note_queue_url=settings.sqs_ai_note_queue_url,
        aws_region=settings.aws_region,
        aws_endpoint_url=settings.aws_endpoint_url,
        model=lambda: language_model(settings),
        prompt_tokens=settings.prompt_tokens,
        pace=Pace().within(settings.stale_claim_s),
    )


@asynccontextmanager
async def running_store(
    dsn: str, pool_size: int, master: MasterKey
) -> AsyncIterator[tuple[Database, Signals, Store]]:
    """A store that executes commands, and what it stands on."""
    database = Database(dsn, pool_size=pool_size)
    signals = Signals(database)
    store = Store(database, signals, master, DECISIONS)
    await database.open()
    try:
        await signals.start()
        await store.start()
        yield database, signals, store
    finally:
        await store.close()
        await signals.close()
        await database.close()


@asynccontextmanager
async def running_services(settings: Settings, dsn: str) -> AsyncIterator[Services]:
    """All parts, started, and in the end stopped after what is in flight."""
    tokens = Tokens(settings.signing_key, settings.jwt_expiry_hours)
    passwords = Passwords()
    shielded = Shielded()
    objects = object_store(settings)
    google = _google(settings)
    model = language_model(settings)
    master = master_key(settings)
    async with running_store(dsn, settings.pool_size, master) as (database, signals, store):
        dispatchers = _dispatchers(settings, store, signals)
        turns = Turns(store, database, _answerer(settings, model))
        erasures = Erasures(database, signals)
        await erasures.start()
        erasures.listen(turns.forget)
        elsewhere = Elsewhere(turns, database, signals)
        orphans = Orphans(turns, database, store, signals.server)
        orphans.start()
        summaries = queue(settings, settings.sqs_summary_queue_url)
        ai_notes = queue(settings, settings.sqs_ai_note_queue_url)
        reactions = Reactions(database, signals, store, summaries=summaries, ai_notes=ai_notes)
        reactions.start()
        housekeeping = asyncio.create_task(_keep_house(database))
        try:
            yield Services(
                database=database,
                signals=signals,
                store=store,
                erasures=erasures,
                objects=objects,
                dispatchers=dispatchers,
                guard=Guard(tokens, settings.admin_bearer, database, erasures),
                tokens=tokens,
                passwords=passwords,
                limits=Limits(enabled=settings.rate_limits),
                shielded=shielded,
                google=google,
                library=Library(objects),
                turns=turns,
                elsewhere=elsewhere,
                head_revision=migrate.head_revision(),
            )
        finally:
            housekeeping.cancel()
            for dispatcher in dispatchers.values():
                await dispatcher.close()
            await shielded.finish()
            await reactions.close()
            await orphans.close()
            await erasures.close()
            await turns.close()
            await elsewhere.close()
            passwords.close()
            await _closed(summaries, ai_notes, model, objects, google)


async def _closed(*outside: Queue | LanguageModel | ObjectStore | GoogleSignIn | None) -> None:
    for its in outside:
        if its is not None:
            await its.aclose()


def create_service(settings: Settings, dsn: str) -> Quart:
    """The app with its services, which live as long as the server serves it."""
    app = create_app(settings.static_dir)

    @app.while_serving
    async def lifespan() -> AsyncGenerator[None, None]:
        async with running_services(settings, dsn) as services:
            app.extensions[EXTENSION] = services
            yield

    return app


def _answerer(settings: Settings, model: LanguageModel | None) -> Answerer:
    return TranscriptReader() if model is None else ModelAnswerer(model, settings.prompt_tokens)


def _google(settings: Settings) -> GoogleSignIn | None:
    if settings.google_client_id is None:
        return None
    return GoogleSignIn(settings.google_client_id, certs_url=settings.google_certs_url)


def _dispatchers(settings: Settings, store: Store, signals: Signals) -> dict[TaskType, Dispatcher]:
    stale_after = timedelta(seconds=settings.stale_claim_s)
    dispatchers = {kind: Dispatcher(kind, store, stale_after) for kind in TaskType}
    for dispatcher in dispatchers.values():
        signals.listen(dispatcher.heard)
        dispatcher.start()
    return dispatchers


async def _keep_house(database: Database) -> None:
    while True:
        with suppress(DatabaseUnavailable):  # the next round is soon enough
            async with database.borrowed() as connection:
                await records.forget_old(connection, datetime.now(UTC))
        await asyncio.sleep(HOUSEKEEPING_S)
