"""What the handlers work with; made by ``vidwiz.server.composition``, kept on the app."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from quart import current_app

if TYPE_CHECKING:
    from vidwiz.adapters.google_sign_in import GoogleSignIn
    from vidwiz.adapters.object_store import ObjectStore
    from vidwiz.audit.checkpoints.signer import Keeper
    from vidwiz.audit.desk import AuditServices
    from vidwiz.event_store.command_bus import Store
    from vidwiz.event_store.counts import Counts
    from vidwiz.event_store.erased_users import Erasures
    from vidwiz.event_store.notifications import Signals
    from vidwiz.event_store.person_storage import Room
    from vidwiz.event_store.quotas import Quotas
    from vidwiz.event_store.store_mark import StoreMark
    from vidwiz.events import TaskType
    from vidwiz.http.access.guards import Guard
    from vidwiz.http.access.guesses import Guesses
    from vidwiz.http.access.passwords import Passwords
    from vidwiz.http.access.scrapers import Scrapers
    from vidwiz.http.access.tokens import Tokens
    from vidwiz.http.audit.witness import WitnessDesk
    from vidwiz.http.config import PageConfig
    from vidwiz.http.limits.requests import Limits
    from vidwiz.http.shield import BackgroundWork
    from vidwiz.live.hub import Broadcaster
    from vidwiz.postgres.pool import Database
    from vidwiz.tasks.dispatcher import Dispatcher, Polls
    from vidwiz.wiz.elsewhere import RemoteTurns
    from vidwiz.wiz.library import Library
    from vidwiz.wiz.turns import Turns

EXTENSION = "vidwiz"


@dataclass(frozen=True)
class OwnWork:
    """Users who work on tasks work for themselves; a claim of theirs is stale after this long."""

    stale_after: timedelta


@dataclass(frozen=True)
class Services:
    """The parts of a running service.

    ``google`` is None where sign-in is not configured, ``own_work`` where users are trusted as
    workers.
    """

    database: Database
    signals: Signals
    store: Store
    erasures: Erasures
    objects: ObjectStore
    store_mark: StoreMark
    dispatchers: Mapping[TaskType, Dispatcher]
    polls: Polls
    guard: Guard
    tokens: Tokens
    passwords: Passwords
    counts: Counts
    quotas: Quotas
    room: Room
    limits: Limits
    scrapers: Scrapers
    guesses: Guesses
    shielded: BackgroundWork
    google: GoogleSignIn | None
    library: Library
    turns: Turns
    elsewhere: RemoteTurns
    desk: AuditServices
    keeper: Keeper
    hub: Broadcaster
    head_revision: str
    own_work: OwnWork | None
    page: PageConfig
    witness: WitnessDesk


def services() -> Services:
    """The services of the app that handles this request."""
    its: Services = current_app.extensions[EXTENSION]
    return its
