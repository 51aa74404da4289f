"""What the handlers work with; made by ``vidwiz.wiring``, kept on the app."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from quart import current_app

if TYPE_CHECKING:
    from vidwiz.adapters.google_sign_in import GoogleSignIn
    from vidwiz.adapters.object_store import ObjectStore
    from vidwiz.audit.desk import Desk
    from vidwiz.audit.keeper import Keeper
    from vidwiz.counts import Counts
    from vidwiz.database import Database
    from vidwiz.erasures import Erasures
    from vidwiz.events import TaskType
    from vidwiz.http.config import PageConfig
    from vidwiz.http.guards import Guard
    from vidwiz.http.guesses import Guesses
    from vidwiz.http.limits import Limits
    from vidwiz.http.long_poll import Dispatcher, Polls
    from vidwiz.http.passwords import Passwords
    from vidwiz.http.scrapers import Scrapers
    from vidwiz.http.shield import Shielded
    from vidwiz.http.tokens import Tokens
    from vidwiz.http.witness import WitnessDesk
    from vidwiz.live.hub import Hub
    from vidwiz.quotas import Quotas
    from vidwiz.room import Room
    from vidwiz.signals import Signals
    from vidwiz.store import Store
    from vidwiz.store_mark import StoreMark
    from vidwiz.wiz.elsewhere import Elsewhere
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
    shielded: Shielded
    google: GoogleSignIn | None
    library: Library
    turns: Turns
    elsewhere: Elsewhere
    desk: Desk
    keeper: Keeper
    hub: Hub
    head_revision: str
    own_work: OwnWork | None
    page: PageConfig
    witness: WitnessDesk


def services() -> Services:
    """The services of the app that handles this request."""
    its: Services = current_app.extensions[EXTENSION]
    return its
