"""Accounts, and who might be somebody that signs in."""

from collections.abc import Sequence

from sqlalchemy import BigInteger, Text, func, or_, select
from sqlalchemy.dialects.postgresql import ARRAY

from vidwiz.commands.users import Account, Accounts, AccountsOf, FoundUser, User, UserOf
from vidwiz.database import Connection, fetch_all
from vidwiz.projections.sql import Statement, parameter
from vidwiz.projections.tables import user_ids, users

_users = Statement(
    select(
        users.c.id,
        users.c.name,
        users.c.ai_notes_enabled,
        users.c.long_term_token_id,
        users.c.version,
    ).where(users.c.id == func.any(parameter("ids", ARRAY(BigInteger))))
)


async def found_users(connection: Connection, lookups: Sequence[UserOf]) -> list[FoundUser]:
    """The accounts' rows."""
    rows = await fetch_all(connection, _users, {"ids": [lookup.user_id for lookup in lookups]})
    found = {
        user_id: FoundUser(User(*its), versions={f"user:{user_id}": version})
        for user_id, *its, version in rows
    }
    return [found.get(lookup.user_id, FoundUser(None)) for lookup in lookups]


_accounts = Statement(
    select(
        users.c.id,
        users.c.google_id,
        users.c.profile_image_url,
        users.c.version,
        users.c.email == parameter("email", Text),
        users.c.google_id == parameter("google_id", Text),
    ).where(
        or_(
            users.c.email == parameter("email", Text),
            users.c.google_id == parameter("google_id", Text),
        )
    )
)
_next_user_id = Statement(select(user_ids.next_value()))


async def accounts(connection: Connection, lookups: Sequence[AccountsOf]) -> list[Accounts]:
    """Sign-ups are rare and slow by intent: one look-up at a time."""
    return [await _accounts_of(connection, lookup) for lookup in lookups]


async def _accounts_of(connection: Connection, lookup: AccountsOf) -> Accounts:
    asked = {"email": lookup.email, "google_id": lookup.google_id}
    rows = await fetch_all(connection, _accounts, asked)
    ((next_id,),) = await fetch_all(connection, _next_user_id, {})
    by_email = by_google_id = None
    for user_id, google_id, picture, _, same_email, same_google_id in rows:
        account = Account(user_id, google_id, picture)
        by_email = account if same_email else by_email
        by_google_id = account if same_google_id else by_google_id
    return Accounts(
        next_id,
        by_email,
        by_google_id,
        versions={f"user:{row[0]}": row[3] for row in rows},
    )
