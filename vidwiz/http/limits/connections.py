"""The connections of a process: how many there may be, and which of them have to make room.

A connection waits for a head until one has come, and again after each answer. Those that wait make
room for new ones, the longest waiting first: silence shuts nobody out.
"""

import time
from collections import Counter
from dataclasses import dataclass, field
from ipaddress import IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from typing import Protocol

import structlog

from vidwiz.metrics import CONNECTIONS_CLOSED

HEAD_S = 10.0
"""Seconds that a head may take, from the connection's beginning or the head's first byte."""
BODY_S = 20.0
"""Seconds that a body may take, and one more for every ``SLOWEST_BODY`` bytes of it."""
SLOWEST_BODY = 500
MOST = 10_000
MOST_OF_ONE = 256
LOGGED_EVERY_S = 60.0

FULL = "full"
FULL_FOR_ONE = "full_for_one"
MADE_ROOM = "made_room"
HEAD_LATE = "head_late"
BODY_LATE = "body_late"

log = structlog.get_logger(__name__)

Network = IPv4Network | IPv6Network


@dataclass(frozen=True)
class Bounds:
    """What the connections of a process may take; ``proxies`` speak for many."""

    head_s: float = HEAD_S
    body_s: float = BODY_S
    most: int = MOST
    most_of_one: int = MOST_OF_ONE
    proxies: str = ""


class ClientConnection(Protocol):
    """What is closed for others."""

    def make_room(self) -> None:
        """Close, without an answer."""


@dataclass
class Connections:
    """Those that are open, by the network of their other end; and those that wait for a head."""

    bounds: Bounds = field(default_factory=Bounds)

    def __post_init__(self) -> None:
        self._networks: dict[ClientConnection, str] = {}
        self._of_one: Counter[str] = Counter()
        self._waiting: dict[ClientConnection, None] = {}
        self._closed: Counter[str] = Counter()
        self._logged_at: dict[str, float] = {}
        self._proxies = proxies_of(self.bounds.proxies)

    def opened(self, connection: ClientConnection, address: str | None) -> str | None:
        """Count it; why it has to go again, if it has to."""
        network = network_of(address)
        self._networks[connection] = network
        self._of_one[network] += 1
        if self._of_one[network] > self.bounds.most_of_one and not self._speaks_for_many(address):
            return FULL_FOR_ONE
        if len(self._networks) > self.bounds.most and not self._room_was_made():
            return FULL
        return None

    def waits(self, connection: ClientConnection) -> None:
        """It waits for a head from now on."""
        if connection in self._networks:
            self._waiting[connection] = None

    def is_busy(self, connection: ClientConnection) -> None:
        """A head has come."""
        self._waiting.pop(connection, None)

    def ended(self, connection: ClientConnection) -> None:
        """Forget it."""
        self._waiting.pop(connection, None)
        network = self._networks.pop(connection, None)
        if network is not None:
            self._of_one[network] -= 1
            if not self._of_one[network]:
                del self._of_one[network]

    def closing(self, connection: ClientConnection, reason: str) -> None:
        """Tell that this one is closed, in the metrics, and in the log once a minute."""
        CONNECTIONS_CLOSED.labels(reason).inc()
        self._closed[reason] += 1
        now = time.monotonic()
        if now - self._logged_at.get(reason, -LOGGED_EVERY_S) >= LOGGED_EVERY_S:
            self._logged_at[reason] = now
            network = self._networks.get(connection)
            log.warning(
                "connections closed", reason=reason, count=self._closed.pop(reason), last_of=network
            )

    def _room_was_made(self) -> bool:
        for longest in self._waiting:
            self.closing(longest, MADE_ROOM)
            self.ended(longest)
            longest.make_room()
            return True
        return False

    def _speaks_for_many(self, address: str | None) -> bool:
        if self._proxies is None:
            return True
        try:
            ip = ip_address(address or "")
        except ValueError:
            return True  # a socket of this host
        return any(ip in network for network in self._proxies)


def network_of(address: str | None) -> str:
    """The address, or the /64 around an IPv6 one, which a single client has to itself."""
    try:
        ip = ip_address(address or "")
    except ValueError:
        return "local"
    if isinstance(ip, IPv6Address):
        return str(ip.ipv4_mapped or ip_network((int(ip), 64), strict=False))
    return str(ip)


def proxies_of(text: str) -> list[Network] | None:
    """Addresses and networks of ``VIDWIZ_TRUSTED_PROXIES``; None for ``*``, which is all."""
    names = [name.strip() for name in text.split(",")]
    if "*" in names:
        return None
    found = []
    for name in names:
        try:
            found.append(ip_network(name, strict=False))
        except ValueError:
            continue  # a socket's path, which has no address
    return found
