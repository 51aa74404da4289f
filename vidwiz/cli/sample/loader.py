"""Loads a sample: a made-up talk with its transcript, notes on it, and an account."""

import asyncio
import base64
import hashlib
import hmac
from contextlib import suppress
from importlib.resources import files
from typing import Any

import orjson

from vidwiz.adapters.object_store import transcript_key
from vidwiz.commands.notes import AddNote
from vidwiz.commands.tasks import StoredTranscript
from vidwiz.commands.users import EmailTaken, SignUp
from vidwiz.commands.videos import BringVideo
from vidwiz.event_store.command_bus import Store
from vidwiz.event_store.open import open_store
from vidwiz.events.metadata_bounds import kept
from vidwiz.events.recorded import SYSTEM, Actor, EventMetadata
from vidwiz.http.access.passwords import Passwords
from vidwiz.postgres.pool import Database
from vidwiz.projections.queries import CREDENTIALS, NOTES_OF_VIDEO
from vidwiz.server.adapters import master_key, object_store
from vidwiz.settings import Settings

EMAIL = "demo@vidwiz.example"
ORIGIN = EventMetadata(SYSTEM, correlation_id="demo")


async def load(settings: Settings, dsn: str) -> str:
    """Load what is missing of the sample through the event log; returns what to tell the operator.

    Each step is left out where it was done before, so that a run that broke off is finished by
    the next one. Raises ``ObjectStoreError`` and what ``Store.execute`` raises.
    """
    talk = orjson.loads(files("vidwiz.cli.sample").joinpath("talk.json").read_bytes())
    password = _password(settings)
    pool_size, master = settings.pool_size, master_key(settings)
    async with open_store(dsn, pool_size, master) as (database, _, store):
        user_id = await _account(database, store, password)
        if user_id is None:
            return f"{EMAIL} has an account with another password already. Nothing was changed."
        loaded = []
        if not await store.past_of(f"video:{talk['video_id']}"):
            await _bring_video(store, user_id, talk, await _stored(settings, talk))
            segments = len(talk["transcript"])
            loaded.append(f"a transcript of {segments} segments, metadata, a summary")
        missing = await _missing_notes(database, user_id, talk)
        if missing:
            await _add_notes(store, user_id, talk, missing)
            loaded.append(f"{len(missing)} notes")
    return f"{_said(talk, loaded)}\n{_login(password, settings.base_path)}"


def _password(settings: Settings) -> str:
    """Always the same for the same secret, so that it cannot get lost before it is told."""
    digest = hmac.digest(settings.signing_key.encode(), b"password of the demo", "sha256")
    return base64.urlsafe_b64encode(digest[:12]).decode()


async def _account(database: Database, store: Store, password: str) -> int | None:
    """The id of the demo's account, made if need be; None for an account with other words."""
    passwords = Passwords()
    try:
        with suppress(EmailTaken):
            await store.execute(SignUp(EMAIL, "Demo", await passwords.hash(password)), ORIGIN)
        user_id, *_, password_hash = await database.one(CREDENTIALS, email=EMAIL) or (None, None)
        return user_id if await passwords.verify(password_hash, password) else None
    finally:
        passwords.close()


async def _stored(settings: Settings, talk: dict[str, Any]) -> StoredTranscript:
    content = orjson.dumps(talk["transcript"])
    key = transcript_key(talk["video_id"])
    objects = object_store(settings)
    try:
        await objects.put(key, content)
    finally:
        await objects.aclose()
    return StoredTranscript(key, hashlib.sha256(content).hexdigest(), len(talk["transcript"]))


async def _bring_video(
    store: Store, user_id: int, talk: dict[str, Any], transcript: StoredTranscript
) -> None:
    command = BringVideo(
        user_id=user_id,
        video_id=talk["video_id"],
        title=talk["title"],
        transcript=transcript,
        metadata=kept(talk["metadata"]),
        summary=talk["summary"],
    )
    await store.execute(command, ORIGIN)


async def _missing_notes(
    database: Database, user_id: int, talk: dict[str, Any]
) -> list[dict[str, str]]:
    row = await database.one(NOTES_OF_VIDEO, user_id=user_id, video_id=talk["video_id"])
    there = {(note["timestamp"], note["text"]) for note in orjson.loads(row[0] if row else "[]")}
    return [note for note in talk["notes"] if (note["timestamp"], note["text"]) not in there]


async def _add_notes(
    store: Store, user_id: int, talk: dict[str, Any], notes: list[dict[str, str]]
) -> None:
    origin = EventMetadata(Actor.user(user_id), correlation_id=ORIGIN.correlation_id)
    commands = [
        AddNote(user_id, talk["video_id"], talk["title"], note["timestamp"], note["text"])
        for note in notes
    ]
    await asyncio.gather(*(store.execute(command, origin) for command in commands))


def _said(talk: dict[str, Any], loaded: list[str]) -> str:
    if loaded:
        return f"Loaded {talk['title']!r} ({talk['video_id']}): {' and '.join(loaded)}."
    return (
        f"The sample is there already: {EMAIL} has notes on {talk['video_id']}."
        " Nothing was changed."
    )


def _login(password: str, base_path: str) -> str:
    return (
        f"  e-mail    {EMAIL}\n"
        f"  password  {password}\n"
        f"Start `vidwiz serve` and log in at http://127.0.0.1:8000{base_path}/ with them."
    )
