"""Wrong passwords and tokens, counted in the database for all processes; right ones cost nothing.

A guess is charged before it is looked at and given back when it was right, so that many at once
are not more than many in a row. An address that has no account is charged like one that has.
A network from which the account was signed in to before is charged for itself alone: its owner
gets in while others' guesses have used up the account's.
"""

import time
from collections import OrderedDict
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from sqlalchemy import BigInteger, Text, select
from sqlalchemy.dialects.postgresql import insert

from vidwiz.adapters.google_sign_in import InvalidCredential
from vidwiz.event_store.counts import DAY, HOUR, Charge, Counts, Full, Limit
from vidwiz.http.errors import ApiError
from vidwiz.http.limits.requests import network, too_many
from vidwiz.postgres.pool import Database
from vidwiz.postgres.statement import Statement, parameter
from vidwiz.projections.tables import Instant, known_networks

OF_ACCOUNT = Limit("guess_account", 50, DAY, strangers=True)
"""From all networks that the account does not know: 100 at most in any 24 hours."""
OF_KNOWN = Limit("guess_known", 50, HOUR)
"""From one network that the account knows."""
OF_NETWORK = Limit("guess_network", 100, HOUR, strangers=True)
"""From one network, whatever is guessed."""
IN_ALL = Limit("guess_all", 5000, HOUR)
"""From all networks that do not know the account they guess at."""
OF_PROOF = Limit("guess_proof", 20, DAY)
"""By somebody with a token of the account, for its password or Google account."""
OF_TOKEN = Limit("guess_token", 300, HOUR, strangers=True)
"""Admin tokens and ids of guests' talks from one network."""
SEEN_AGAIN = timedelta(days=1)
MOST_REMEMBERED = 10_000
TOO_MANY = "Too many wrong attempts; please try again later"

_KNOWN = Statement(
    select(known_networks.c.user_id).where(
        known_networks.c.user_id == parameter("user_id", BigInteger),
        known_networks.c.network == parameter("network", Text),
    )
)


def _remember() -> Statement:
    seen = insert(known_networks).values(
        user_id=parameter("user_id", BigInteger),
        network=parameter("network", Text),
        seen_at=parameter("now", Instant),
    )
    return Statement(
        seen.on_conflict_do_update(
            index_elements=[known_networks.c.user_id, known_networks.c.network],
            set_={"seen_at": seen.excluded.seen_at},
            where=known_networks.c.seen_at < parameter("before", Instant),
        )
    )


_REMEMBER = _remember()


@dataclass(slots=True)
class Guess:
    """A guess under way; whoever finds it right says so."""

    right: bool = False


class Guesses:
    """Counts what was wrong; ``enabled`` false lets everything through."""

    def __init__(self, database: Database, counts: Counts, *, enabled: bool) -> None:
        self._database = database
        self._counts = counts
        self._enabled = enabled
        self._full: OrderedDict[str, float] = OrderedDict()
        self._right: OrderedDict[str, None] = OrderedDict()

    @asynccontextmanager
    async def at_account(self, email: str, user_id: int | None) -> AsyncIterator[Guess]:
        """One guess at the password of an account, which may not exist; raises a 429."""
        known = await self._knows(user_id or 0)
        if known:
            charges = [Charge(OF_KNOWN, f"{user_id} {network()}")]
        else:
            charges = [Charge(OF_ACCOUNT, email), Charge(OF_NETWORK, network()), _EVERYBODY]
        async with self._charged(*charges) as guess:
            yield guess

    @asynccontextmanager
    async def at_proof(self, user_id: int) -> AsyncIterator[Guess]:
        """One guess at what proves a signed-in person anew; raises a 429."""
        async with self._charged(Charge(OF_PROOF, str(user_id))) as guess:
            yield guess

    @asynccontextmanager
    async def at_google(self) -> AsyncIterator[Guess]:
        """One credential that Google may not have given; raises a 429."""
        async with self._charged(Charge(OF_NETWORK, network())) as guess:
            yield guess

    async def remember(self, user_id: int) -> None:
        """The account was signed in to from the client's network."""
        now = datetime.now(UTC)
        async with self._database.borrowed() as connection:
            await connection.execute(
                _REMEMBER.sql,
                {
                    "user_id": user_id,
                    "network": self._network_of(user_id),
                    "now": now,
                    "before": now - SEEN_AGAIN,
                },
            )

    async def wrong_token(self) -> None:
        """Count a token or an id that was none; raises a 429 when there were too many.

        A network that had too many is remembered here, so that it costs no more queries.
        """
        if not self._enabled:
            return
        seconds = self._refused_for()
        if seconds <= 0:
            full = await self._counts.take(Charge(OF_TOKEN, network()))
            if full is None:
                return
            self._remember_full(full)
            seconds = full.reset_in_seconds
        raise too_many(max(1, round(seconds)), TOO_MANY)

    def may_be_right(self) -> bool:
        """Whether the network may still have its tokens compared.

        One that was right before may: a wrong token on a worker locks out no other worker there.
        """
        place = network()
        if place not in self._right and self._refused_for() > 0:
            return False
        self._right[place] = None
        if len(self._right) > MOST_REMEMBERED:
            self._right.popitem(last=False)
        return True

    def _refused_for(self) -> float:
        """Seconds, as far as this process knows."""
        return self._full.get(network(), 0.0) - time.monotonic()

    def _remember_full(self, full: Full) -> None:
        self._full[network()] = time.monotonic() + full.reset_in_seconds
        if len(self._full) > MOST_REMEMBERED:
            self._full.popitem(last=False)

    @asynccontextmanager
    async def _charged(self, *charges: Charge) -> AsyncIterator[Guess]:
        guess = Guess()
        if not self._enabled:
            yield guess
            return
        full = await self._counts.take(*charges)
        if full is not None:
            raise _refused(full)
        try:
            yield guess
        except (ApiError, InvalidCredential):
            raise  # it was looked at, and wrong
        except BaseException:
            await self._counts.give_back(*charges)
            raise
        if guess.right:
            await self._counts.give_back(*charges)

    async def _knows(self, user_id: int) -> bool:
        """Asked also when nobody has the address, so that it takes as long."""
        if not self._enabled:
            return False
        row = await self._database.one(_KNOWN, user_id=user_id, network=self._network_of(user_id))
        return row is not None

    def _network_of(self, user_id: int) -> str:
        return self._counts.digest("network", str(user_id), network()).hex()


_EVERYBODY = Charge(IN_ALL, "all")


def _refused(full: Full) -> ApiError:
    return too_many(full.reset_in_seconds, TOO_MANY)
