"""Accounts, and who might be somebody that signs in."""

from collections.abc import Sequence

from sqlalchemy import BigInteger, Text, and_, func, or_, select
from sqlalchemy.dialects.postgresql import ARRAY

from vidwiz.commands.users import (
    Account,
    Accounts,
    AccountsQuery,
    ErasureContext,
    ErasureContextQuery,
    FoundUser,
    GuestContext,
    GuestContextQuery,
    UserQuery,
    UserState,
)
from vidwiz.events import TaskType
from vidwiz.postgres.pool import Connection, fetch_all
from vidwiz.postgres.statement import Statement, parameter
from vidwiz.projections.tables import conversations, notes, open_task, tasks, user_ids, users

_users = Statement(
    select(
        users.c.id,
        users.c.name,
        users.c.ai_notes_enabled,
        users.c.long_term_token_id,
        users.c.disabled_at.is_not(None),
        users.c.version,
    ).where(users.c.id == func.any(parameter("ids", ARRAY(BigInteger))))
)


async def found_users(connection: Connection, lookups: Sequence[UserQuery]) -> list[FoundUser]:
    """The accounts' rows."""
    rows = await fetch_all(connection, _users, {"ids": [lookup.user_id for lookup in lookups]})
    found = {
        user_id: FoundUser(UserState(*its), versions={f"user:{user_id}": version})
        for user_id, *its, version in rows
    }
    return [found.get(lookup.user_id, FoundUser(None)) for lookup in lookups]


_accounts = Statement(
    select(
        users.c.id,
        users.c.google_id,
        users.c.profile_image_url,
        users.c.long_term_token_id,
        users.c.disabled_at.is_not(None),
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


async def accounts(connection: Connection, lookups: Sequence[AccountsQuery]) -> list[Accounts]:
    """Sign-ups are rare and slow by intent: one look-up at a time."""
    return [await _accounts_of(connection, lookup) for lookup in lookups]


async def _accounts_of(connection: Connection, lookup: AccountsQuery) -> Accounts:
    asked = {"email": lookup.email, "google_id": lookup.google_id}
    rows = await fetch_all(connection, _accounts, asked)
    ((next_id,),) = await fetch_all(connection, _next_user_id, {})
    by_email = by_google_id = None
    for *its, _, same_email, same_google_id in rows:
        account = Account(*its)
        by_email = account if same_email else by_email
        by_google_id = account if same_google_id else by_google_id
    return Accounts(
        next_id,
        by_email,
        by_google_id,
        versions={f"user:{row[0]}": row[5] for row in rows},
    )


_version = Statement(select(users.c.version).where(users.c.id == parameter("user_id", BigInteger)))
_open_tasks = Statement(
    select(tasks.c.id, tasks.c.version)
    .select_from(
        notes.join(
            tasks,
            and_(
                tasks.c.task_details["video_id"].astext == notes.c.video_id,
                tasks.c.task_details["note_id"].astext == notes.c.id.cast(Text),
            ),
        )
    )
    .where(
        notes.c.user_id == parameter("user_id", BigInteger),
        open_task,
        tasks.c.task_type == TaskType.AI_NOTE.value,
    )
    .order_by(tasks.c.id)
)


async def erasure_grounds(
    connection: Connection, lookups: Sequence[ErasureContextQuery]
) -> list[ErasureContext]:
    """Each is the only one of its transaction: one look-up at a time."""
    return [await _erasure_ground(connection, lookup) for lookup in lookups]


async def _erasure_ground(connection: Connection, lookup: ErasureContextQuery) -> ErasureContext:
    whose = {"user_id": lookup.user_id}
    versions = await fetch_all(connection, _version, whose)
    if not versions:
        return ErasureContext(user_exists=False)
    its_tasks = dict(await fetch_all(connection, _open_tasks, whose))
    return ErasureContext(
        user_exists=True,
        open_tasks=tuple(its_tasks),
        versions={
            f"user:{lookup.user_id}": versions[0][0],
            **{f"task:{task_id}": version for task_id, version in its_tasks.items()},
        },
    )


_guests = Statement(
    select(conversations.c.guest_id)
    .where(conversations.c.guest_id == func.any(parameter("guest_ids", ARRAY(Text))))
    .distinct()
)


async def guest_grounds(
    connection: Connection, lookups: Sequence[GuestContextQuery]
) -> list[GuestContext]:
    """Which of these guests have conversations."""
    asked = {"guest_ids": [lookup.guest_id for lookup in lookups]}
    there = {guest_id for (guest_id,) in await fetch_all(connection, _guests, asked)}
    return [GuestContext(lookup.guest_id in there) for lookup in lookups]
