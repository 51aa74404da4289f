"""Erases a person from the command line, for those who cannot sign in any more."""

import asyncio
import hashlib
from dataclasses import dataclass

import click
from sqlalchemy import BigInteger, Text, func, or_, select

from vidwiz.cli.support import asked, printable, ready
from vidwiz.commands.users import EraseGuest, EraseUser
from vidwiz.event_store.open import open_store
from vidwiz.events.master_key import MasterKey
from vidwiz.events.recorded import ADMIN, EventMetadata
from vidwiz.postgres.pool import Database
from vidwiz.postgres.statement import MAX_BIGINT, Statement, parameter
from vidwiz.projections.tables import conversations, users
from vidwiz.settings import Settings

GUEST = "guest:"

_account = Statement(
    select(users.c.id, users.c.email).where(
        or_(
            users.c.id == parameter("user_id", BigInteger),
            users.c.email == parameter("email", Text),
        )
    )
)
_guest = Statement(
    select(conversations.c.guest_id, func.count())
    .where(
        or_(
            conversations.c.guest_id == parameter("guest_id", Text),
            conversations.c.guest_id == parameter("digest", Text),
        )
    )
    .group_by(conversations.c.guest_id)
)


@dataclass(frozen=True, slots=True)
class ErasableAccount:
    """Somebody who can be erased."""

    user_id: int
    email: str

    def __str__(self) -> str:
        return f"user {self.user_id} ({self.email})"

    @property
    def name(self) -> str:
        """For the answer."""
        return f"User {self.user_id}"

    @property
    def command(self) -> EraseUser:
        """What erases them."""
        return EraseUser(self.user_id)


@dataclass(frozen=True, slots=True)
class GuestFound:
    """A guest who can be erased."""

    guest_id: str
    conversations: int

    def __str__(self) -> str:
        return f"guest {self.guest_id} ({self.conversations} conversations)"

    @property
    def name(self) -> str:
        """For the answer."""
        return f"Guest {self.guest_id}"

    @property
    def command(self) -> EraseGuest:
        """What erases them."""
        return EraseGuest(self.guest_id)


async def find(database: Database, who: str) -> ErasableAccount | GuestFound | None:
    """The account with this id or e-mail address, or the guest behind ``guest:``.

    A guest is named by the digest, as the log does, or by the session id itself.
    """
    if who.startswith(GUEST):
        session = who.removeprefix(GUEST).strip()
        digest = hashlib.sha256(session.encode("utf-8", "surrogateescape")).hexdigest()[:32]
        printable = session.encode("utf-8", "replace").decode().replace("\0", "")
        row = await database.one(_guest, guest_id=printable, digest=digest)
        return None if row is None else GuestFound(*row)
    return await find_account(database, who)


async def find_account(database: Database, who: str) -> ErasableAccount | None:
    """The account with this id or e-mail address."""
    user_id = int(who) if who.isascii() and who.isdigit() else 0
    email = who.strip().lower()
    row = await database.one(_account, user_id=min(user_id, MAX_BIGINT), email=email)
    return None if row is None else ErasableAccount(*row)


async def _erase(dsn: str, master: MasterKey, person: ErasableAccount | GuestFound) -> None:
    """Erase them, also while the service runs; raises what ``Store.execute`` raises."""
    async with open_store(dsn, 2, master) as (_, _, store):
        await store.execute(person.command, EventMetadata(ADMIN, "erase"))


@click.command()
@click.argument("user")
@click.option("--yes", is_flag=True, help="Do not ask.")
@click.pass_obj
def erase(settings: Settings, user: str, yes: bool) -> None:
    """Forget the USER with this id or e-mail address for ever; the service may run.

    A guest is guest:ID, by the digest that the log has or the session id of their browser.
    """
    with ready(settings) as (dsn, master):
        account = asked(dsn, lambda its: find(its, user))
        if account is None:
            raise click.ClickException("nobody has this id or e-mail address")
        if not yes:
            click.confirm(printable(f"Erase {account} for ever?"), abort=True)
        asyncio.run(_erase(dsn, master, account))
    click.echo(printable(f"{account.name} is erased."))
