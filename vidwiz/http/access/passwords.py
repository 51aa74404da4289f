"""Password hashes: argon2id, in a few threads, at the same cost whether or not there is one."""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from argon2 import PasswordHasher, Type
from argon2.exceptions import InvalidHashError, VerificationError

Result = TypeVar("Result")

THREADS = 2
"""Each hash takes 19 MiB and a core; more at once would only take longer, all of them."""
MOST_WAITING = 64
"""Hashes under way and waiting: about a second of work for two cores."""
SALT = 4
"""Which part of a hash is the salt: before it are the kind, the version and the parameters."""
LONGEST_PASSWORD = 1024
"""Bytes of UTF-8; a longer one is no password, and is never hashed."""


class TooManyPasswords(Exception):
    """So many passwords wait to be hashed that another would wait for too long."""


def hasher() -> PasswordHasher:
    """OWASP's first choice for argon2id (Password Storage Cheat Sheet): 19 MiB, 2 passes, 1 lane.

    https://cheatsheetseries.owasp.org/cheatsheets/Password_Storage_Cheat_Sheet.html
    """
    return PasswordHasher(time_cost=2, memory_cost=19 * 1024, parallelism=1, type=Type.ID)


class Passwords:
    """Hashes and checks, off the event loop; each raises ``TooManyPasswords``."""

    def __init__(self) -> None:
        self._hasher = hasher()
        self._threads = ThreadPoolExecutor(THREADS, thread_name_prefix="argon2")
        self._waiting = 0
        self._nobody = self._hasher.hash("the password of an account that is not there")

    async def hash(self, password: str) -> str:
        """The argon2id hash of a new password."""
        return await self._run(self._hasher.hash, _bytes(password))

    async def verify(
        self, password_hash: str | None, password: str, alike: str | None = None
    ) -> bool:
        """Whether the password is the one hashed; None takes as long and is always false.

        It takes as long as ``alike``, the hash of another account, would: see ``stand_in``.
        """
        given = _bytes(password)
        too_long = len(given) > LONGEST_PASSWORD
        known = password_hash or self.stand_in(alike)
        matches = await self._run(self._matches, known, b"" if too_long else given)
        return matches and password_hash is not None and not too_long

    def stand_in(self, alike: str | None) -> str:
        """The hash of nobody's password, with the parameters of another hash, or today's."""
        if alike is None:
            return self._nobody
        return "$".join((*alike.split("$")[:SALT], *self._nobody.split("$")[SALT:]))

    def is_outdated(self, password_hash: str) -> bool:
        """Whether the hash was made with other parameters than today's."""
        return self._hasher.check_needs_rehash(password_hash)

    def close(self) -> None:
        """End the threads."""
        self._threads.shutdown(wait=False, cancel_futures=True)

    def _matches(self, password_hash: str, password: bytes) -> bool:
        try:
            return self._hasher.verify(password_hash, password)
        except (VerificationError, InvalidHashError):
            return False

    async def _run(self, work: Callable[..., Result], *arguments: str | bytes) -> Result:
        if self._waiting >= MOST_WAITING:
            raise TooManyPasswords
        future = self._threads.submit(work, *arguments)
        self._waiting += 1
        loop = asyncio.get_running_loop()
        future.add_done_callback(lambda _: loop.call_soon_threadsafe(self._done))
        return await asyncio.wrap_future(future)

    def _done(self) -> None:
        self._waiting -= 1


def _bytes(password: str) -> bytes:
    return password.encode("utf-8", "surrogatepass")
