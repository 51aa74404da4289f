"""Erases a person from the command line, for those who cannot sign in any more."""

from dataclasses import dataclass

from sqlalchemy import BigInteger, Text, or_, select

from vidwiz.commands.users import EraseUser
from vidwiz.database import Database
from vidwiz.events.master_key import MasterKey
from vidwiz.events.recorded import ADMIN, Origin
from vidwiz.open_store import open_store
from vidwiz.projections.sql import Statement, parameter
from vidwiz.projections.tables import users

LARGEST_ID = 2**63 - 1

_account = Statement(
    select(users.c.id, users.c.email).where(
        or_(
            users.c.id == parameter("user_id", BigInteger),
            users.c.email == parameter("email", Text),
        )
    )
)


@dataclass(frozen=True, slots=True)
class Account:
    """Somebody who can be erased."""

    user_id: int
    email: str


async def find(database: Database, who: str) -> Account | None:
    """The account with this id or e-mail address."""
    user_id = int(who) if who.isascii() and who.isdigit() else 0
    email = who.strip().lower()
    row = await database.one(_account, user_id=min(user_id, LARGEST_ID), email=email)
    return None if row is None else Account(*row)


async def erase(dsn: str, master: MasterKey, account: Account) -> None:
    """Erase them, also while the service runs; raises what ``Store.execute`` raises."""
    async with open_store(dsn, 2, master) as (_, _, store):
        await store.execute(EraseUser(account.user_id), Origin(ADMIN, "erase"))
