"""The composition root: makes the parts of a service out of the settings."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager, closing
from datetime import UTC, datetime, timedelta

import structlog
from quart import Quart

from vidwiz.adapters.google_sign_in import GoogleSignIn
from vidwiz.adapters.language_model import LanguageModel
from vidwiz.adapters.object_store import ObjectStore, ObjectStoreError
from vidwiz.audit.checkpoints.keys import SigningKey
from vidwiz.audit.checkpoints.signer import Keeper
from vidwiz.audit.desk import AuditServices, open_desk
from vidwiz.event_store import side_writes
from vidwiz.event_store.command_bus import Store
from vidwiz.event_store.counts import Counts
from vidwiz.event_store.erased_users import Erasures
from vidwiz.event_store.notifications import Signals
from vidwiz.event_store.open import open_store
from vidwiz.event_store.person_storage import Room
from vidwiz.event_store.quotas import Quotas
from vidwiz.event_store.store_mark import StoreMark
from vidwiz.events import TaskType
from vidwiz.events.master_key import MasterKey
from vidwiz.http.access.guards import Guard
from vidwiz.http.access.guesses import Guesses
from vidwiz.http.access.passwords import Passwords
from vidwiz.http.access.scrapers import Scrapers
from vidwiz.http.access.tokens import Tokens
from vidwiz.http.app import create_app
from vidwiz.http.audit.witness import WitnessDesk
from vidwiz.http.config import PageConfig
from vidwiz.http.limits.requests import Limits
from vidwiz.http.responses.security import app_policy
from vidwiz.http.services import EXTENSION, OwnWork, Services
from vidwiz.http.shield import BackgroundWork
from vidwiz.live.hub import Broadcaster
from vidwiz.postgres import migrate
from vidwiz.postgres.pool import Database, Patience
from vidwiz.reactions.running import Reactions
from vidwiz.server.adapters import google_sign_in, language_model, master_key, object_store, queue
from vidwiz.settings import Settings
from vidwiz.supervision import Loop
from vidwiz.tasks.dispatcher import Dispatcher, Polls
from vidwiz.wiz.answers import Answerer
from vidwiz.wiz.elsewhere import OrphanedTurnReaper, RemoteTurns
from vidwiz.wiz.library import Library
from vidwiz.wiz.model_answerer import ModelAnswerer
from vidwiz.wiz.reader import ExtractiveAnswerer
from vidwiz.wiz.turns import Turns

HOUSEKEEPING_S = 3600

log = structlog.get_logger(__name__)


@asynccontextmanager
async def running_services(settings: Settings, dsn: str) -> AsyncIterator[Services]:
    """All parts, started, and in the end stopped after what is in flight, in the other order."""
    async with AsyncExitStack() as ending:
        master = master_key(settings)
        patience = Patience(settings.lock_timeout_s, settings.statement_timeout_s)
        database, signals, store = await ending.enter_async_context(
            open_store(dsn, settings.pool_size, master, patience)
        )
        desk = await ending.enter_async_context(_desk(settings, dsn, database, master))
        google, objects, model = _outside(settings, ending)
        passwords = ending.enter_context(closing(Passwords()))
        turns = Turns(store, database, _answerer(settings, model))
        elsewhere = await ending.enter_async_context(_answering(turns, database, signals, store))
        erasures = await ending.enter_async_context(
            _erasing(database, signals, turns.forget, desk.forget)
        )
        counts, quotas = _counting(settings, database, model)
        parts = (database, signals, store, objects, quotas)
        await ending.enter_async_context(_reacting(settings, *parts))
        shielded = BackgroundWork()
        ending.push_async_callback(shielded.finish)
        dispatchers = _dispatchers(settings, store, signals, ending)
        hub = _live(database, signals, erasures, ending)
        mark = StoreMark(database, objects)
        keeper = await ending.enter_async_context(_keeping(settings, database, signals, mark))
        tokens = Tokens(settings.signing_key, settings.jwt_expiry_hours)
        guesses = Guesses(database, counts, enabled=settings.rate_limits)
        ending.callback(database.hurry)
        yield Services(
            database=database,
            signals=signals,
            store=store,
            erasures=erasures,
            objects=objects,
            store_mark=mark,
            dispatchers=dispatchers,
            polls=_polls(erasures),
            guard=Guard(tokens, settings.admin_bearer, database, erasures, guesses),
            tokens=tokens,
            passwords=passwords,
            counts=counts,
            quotas=quotas,
            scrapers=_scrapers(settings),
            room=Room(database, settings.bytes_a_person),
            limits=Limits(counts, enabled=settings.rate_limits),
            guesses=guesses,
            shielded=shielded,
            google=google,
            library=Library(objects),
            turns=turns,
            elsewhere=elsewhere,
            desk=desk,
            keeper=keeper,
            hub=hub,
            head_revision=migrate.head_revision(),
            own_work=_own_work(settings),
            page=_page(settings, model),
            witness=WitnessDesk(settings.witnessed_keys, SigningKey(settings.audit_key)),
        )


def _outside(
    settings: Settings, ending: AsyncExitStack
) -> tuple[GoogleSignIn | None, ObjectStore, LanguageModel | None]:
    """What is asked beyond this machine, or in a folder of it."""
    google, objects, model = (
        google_sign_in(settings),
        object_store(settings),
        language_model(settings),
    )
    for its in (google, objects, model):
        if its is not None:
            ending.push_async_callback(its.aclose)
    return google, objects, model


@asynccontextmanager
async def _answering(
    turns: Turns, database: Database, signals: Signals, store: Store
) -> AsyncIterator[RemoteTurns]:
    """Turns here and elsewhere; those that no process answers any more are ended."""
    elsewhere = RemoteTurns(turns, database, signals)
    orphans = OrphanedTurnReaper(turns, database, store, signals.server)
    orphans.start()
    try:
        yield elsewhere
    finally:
        await orphans.close()
        await turns.close()
        await elsewhere.close()


def _desk(
    settings: Settings, dsn: str, database: Database, master: MasterKey
) -> AbstractAsyncContextManager[AuditServices]:
    return open_desk(dsn, database, master, store_history=settings.row_history)


@asynccontextmanager
async def _erasing(
    database: Database, signals: Signals, *listeners: Callable[[str], None]
) -> AsyncIterator[Erasures]:
    """Who was erased; the listeners are told of each from now on."""
    erasures = Erasures(database, signals)
    await erasures.start()
    for listener in listeners:
        erasures.listen(listener)
    try:
        yield erasures
    finally:
        await erasures.close()


@asynccontextmanager
async def _keeping(
    settings: Settings, database: Database, signals: Signals, mark: StoreMark
) -> AsyncIterator[Keeper]:
    """Checkpoints are signed and shown, what is old forgotten, the object store looked at."""
    key, witnesses = SigningKey(settings.audit_key), settings.witness_urls
    keeper = Keeper(database, signals, mark.objects, key, witnesses)
    keeper.start()
    housekeeping = Loop("housekeeping", lambda: _keep_house(database, mark))
    housekeeping.start()
    try:
        yield keeper
    finally:
        await housekeeping.stop()
        await keeper.close()


@asynccontextmanager
async def _reacting(
    settings: Settings,
    database: Database,
    signals: Signals,
    store: Store,
    objects: ObjectStore,
    quotas: Quotas,
) -> AsyncIterator[None]:
    """The reactions at work, and the queues that they send to."""
    async with AsyncExitStack() as ending:
        summaries = queue(settings, settings.sqs_summary_queue_url)
        ai_notes = queue(settings, settings.sqs_ai_note_queue_url)
        for its in (summaries, ai_notes):
            if its is not None:
                ending.push_async_callback(its.aclose)
        reactions = Reactions(
            database, signals, store, objects, quotas, summaries=summaries, ai_notes=ai_notes
        )
        ending.push_async_callback(reactions.close)
        reactions.start()
        yield


def create_service(settings: Settings, dsn: str) -> Quart:
    """The app with its services, which live as long as the server serves it."""
    policy = app_policy(settings.player_api_url, google=settings.google_client_id is not None)
    app = create_app(settings.static_dir, policy, settings.base_path)

    @app.while_serving
    async def lifespan() -> AsyncGenerator[None, None]:
        async with running_services(settings, dsn) as services:
            app.extensions[EXTENSION] = services
            yield

    return app


def _live(
    database: Database, signals: Signals, erasures: Erasures, ending: AsyncExitStack
) -> Broadcaster:
    """Open pages are told no more once the trust in who reads them has ended."""
    hub = Broadcaster(database, signals)
    erasures.listen_to_doubts(hub.doubt)
    ending.push_async_callback(hub.close)
    return hub


def _polls(erasures: Erasures) -> Polls:
    """Long polls end with the trust in who waits."""
    polls = Polls()
    erasures.listen(polls.doubt)
    erasures.listen_to_doubts(lambda user_id: polls.doubt(f"user:{user_id}"))
    return polls


def _counting(
    settings: Settings, database: Database, model: LanguageModel | None
) -> tuple[Counts, Quotas]:
    """Workers elsewhere, which read a queue, may have a model of their own."""
    counts = Counts(database, settings.signing_key.encode())
    elsewhere = settings.sqs_summary_queue_url or settings.sqs_ai_note_queue_url
    has_model = model is not None or elsewhere is not None
    quotas = Quotas(counts, settings, of_persons=settings.rate_limits, has_model=has_model)
    return counts, quotas


def _scrapers(settings: Settings) -> Scrapers:
    bearers = [settings.admin_bearer, settings.metrics_bearer]
    return Scrapers(bearers, everybody=settings.metrics == "open")


def _own_work(settings: Settings) -> OwnWork | None:
    if settings.user_workers == "any":
        return None
    return OwnWork(timedelta(seconds=settings.stale_claim_s))


def _page(settings: Settings, model: LanguageModel | None) -> PageConfig:
    return PageConfig(
        settings.google_client_id,
        settings.player_api_url,
        sign_up_open=settings.sign_up == "open",
        language_model=model is not None,
    )


def _answerer(settings: Settings, model: LanguageModel | None) -> Answerer:
    return ExtractiveAnswerer() if model is None else ModelAnswerer(model, settings.prompt_tokens)


def _dispatchers(
    settings: Settings, store: Store, signals: Signals, ending: AsyncExitStack
) -> dict[TaskType, Dispatcher]:
    """One for each kind of task, at work until the end."""
    stale_after = timedelta(seconds=settings.stale_claim_s)
    dispatchers = {kind: Dispatcher(kind, store, stale_after) for kind in TaskType}
    for dispatcher in dispatchers.values():
        signals.listen(dispatcher.heard)
        dispatcher.start()
        ending.push_async_callback(dispatcher.close)
    return dispatchers


async def _keep_house(database: Database, mark: StoreMark) -> None:
    while True:
        try:
            await mark.is_ours()
        except ObjectStoreError as error:
            log.warning("the object store cannot be looked at", reason=str(error))
        async with database.borrowed() as connection:
            await side_writes.forget_old(connection, datetime.now(UTC))
        await asyncio.sleep(HOUSEKEEPING_S)
