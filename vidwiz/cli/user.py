"""`vidwiz user`: the accounts, for the operator, beside a running service."""

import asyncio
import sys
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import click
from pydantic import ValidationError
from sqlalchemy import select

from vidwiz.cli import erase as erasure
from vidwiz.cli.support import as_json, asked, asked_of_current, print_json, printable, ready
from vidwiz.commands.base import Command, DomainError
from vidwiz.commands.users import ChangePassword, DisableUser, EnableUser, SignUp
from vidwiz.event_store.open import open_store
from vidwiz.events.recorded import ADMIN, EventMetadata
from vidwiz.postgres.pool import Database
from vidwiz.postgres.statement import Statement
from vidwiz.projections.tables import credentials, users
from vidwiz.settings import Settings

_COLUMNS = ("id", "email", "name", "created_at", "has_password", "has_google", "disabled_at")
_ACCOUNTS = Statement(
    select(
        users.c.id,
        users.c.email,
        users.c.name,
        users.c.created_at,
        credentials.c.user_id.is_not(None),
        users.c.google_id.is_not(None),
        users.c.disabled_at,
    )
    .select_from(users.outerjoin(credentials, credentials.c.user_id == users.c.id))
    .order_by(users.c.id)
)


@click.group("user")
def user() -> None:
    """List, add, disable and enable accounts, and set passwords; the service may run."""


@user.command("list")
@as_json
@click.pass_obj
def list_users(settings: Settings, as_json: bool) -> None:
    """Who has an account."""
    found = asked_of_current(settings, _accounts)
    if as_json:
        print_json(found)
        return
    for its in found:
        ways = [way for way in ("password", "google") if its[f"has_{way}"]]
        state = "disabled" if its["disabled_at"] else ", ".join(ways) or "no way in"
        click.echo(printable(f"{its['id']:>6}  {its['email']}  {its['name']}  ({state})"))


@user.command("add")
@click.argument("email")
@click.option("--name", help="What the person is called; without it, the address's first part.")
@click.pass_obj
def add(settings: Settings, email: str, name: str | None) -> None:
    """Open an account with this EMAIL; the password is asked for, or read from standard input."""
    name = name or email.partition("@")[0]
    command = SignUp(*_checked(email, name, _password()))
    click.echo(f"User {_executed(settings, command)} has an account.")


@user.command("reset-password")
@click.argument("who")
@click.pass_obj
def reset_password(settings: Settings, who: str) -> None:
    """Give the account WHO (an id or e-mail address) another password; its sessions end."""
    user_id = _found(settings, who)
    *_, password_hash = _checked("anybody@example.org", "Anybody", _password())
    _executed(settings, ChangePassword(user_id, password_hash, datetime.now(UTC)))
    click.echo(f"User {user_id} has another password; all sessions and the API key are ended.")


@user.command("disable")
@click.argument("who")
@click.pass_obj
def disable(settings: Settings, who: str) -> None:
    """Shut the account WHO (an id or e-mail address): no token and no password opens it."""
    user_id = _found(settings, who)
    _executed(settings, DisableUser(user_id, datetime.now(UTC)))
    click.echo(f"User {user_id} is disabled.")


@user.command("enable")
@click.argument("who")
@click.pass_obj
def enable(settings: Settings, who: str) -> None:
    """Open the account WHO (an id or e-mail address) again."""
    user_id = _found(settings, who)
    _executed(settings, EnableUser(user_id))
    click.echo(f"User {user_id} is enabled.")


async def _accounts(database: Database) -> Sequence[Mapping[str, Any]]:
    rows = await database.all(_ACCOUNTS)
    return [dict(zip(_COLUMNS, row, strict=True)) for row in rows]


def _found(settings: Settings, who: str) -> int:
    with ready(settings) as (dsn, _):
        account = asked(dsn, lambda its: erasure.find_account(its, who))
    if account is None:
        raise click.ClickException("nobody has this id or e-mail address")
    return account.user_id


def _password() -> str:
    """The new password: typed twice at a terminal, else the first line of standard input."""
    if sys.stdin.isatty():
        return str(click.prompt("Password", hide_input=True, confirmation_prompt=True))
    return sys.stdin.readline().rstrip("\r\n")


def _checked(email: str, name: str, password: str) -> tuple[str, str, str]:
    """Address, name and the password's hash, by the rules of sign-up."""
    from vidwiz.http.access.passwords import hasher  # noqa: PLC0415
    from vidwiz.http.users import NewUser  # noqa: PLC0415

    try:
        given = NewUser(email=email, name=name, password=password)
        return given.email, given.name, hasher().hash(given.password.encode())
    except ValidationError as error:
        message = error.errors()[0]["msg"].removeprefix("Value error, ")
        raise click.ClickException(message) from None


def _executed(settings: Settings, command: Command) -> Any:
    async def executing(dsn: str) -> Any:
        async with open_store(dsn, 2, master) as (_, _, store):
            return await store.execute(command, EventMetadata(ADMIN, "user"))

    with ready(settings) as (dsn, master):
        try:
            return asyncio.run(executing(dsn))
        except DomainError as refusal:
            raise click.ClickException(refusal.message) from None
