"""Loads a sample: a made-up talk with its transcript, notes on it, and an account."""

import asyncio
import hashlib
import secrets
from importlib.resources import files
from typing import Any

import orjson

from vidwiz.commands.notes import AddNote
from vidwiz.commands.tasks import StoredTranscript
from vidwiz.commands.users import EmailTaken, SignUp
from vidwiz.commands.videos import BringVideo
from vidwiz.events.log import SYSTEM, Actor, Origin
from vidwiz.http.passwords import Passwords
from vidwiz.settings import Settings
from vidwiz.store import Store
from vidwiz.wiring import object_store, running_store

EMAIL = "demo@vidwiz.example"
ORIGIN = Origin(SYSTEM, correlation_id="demo")


async def load(settings: Settings, dsn: str) -> str:
    """Load the sample through the event log, once; returns what to tell the operator.

    A second run changes nothing. Raises ``ObjectStoreError`` and what ``Store.execute`` raises.
    """
    talk = orjson.loads(files("vidwiz").joinpath("sample", "talk.json").read_bytes())
    async with running_store(dsn, settings.pool_size) as (_, _, store):
        if await store.past_of(f"video:{talk['video_id']}"):
            return _there_already(talk)
        transcript = await _stored(settings, talk)
        password = secrets.token_urlsafe(12)
        try:
            user_id = await _sign_up(store, password)
        except EmailTaken:
            return _there_already(talk)
        await _bring_video(store, user_id, talk, transcript)
        await _add_notes(store, user_id, talk)
    return _loaded(talk, password)


async def _stored(settings: Settings, talk: dict[str, Any]) -> StoredTranscript:
    content = orjson.dumps(talk["transcript"])
    key = f"transcripts/{talk['video_id']}.json"
    objects = object_store(settings)
    try:
        await objects.put(key, content)
    finally:
        await objects.aclose()
    return StoredTranscript(key, hashlib.sha256(content).hexdigest(), len(talk["transcript"]))


async def _sign_up(store: Store, password: str) -> int:
    passwords = Passwords()
    try:
        password_hash = await passwords.hash(password)
    finally:
        passwords.close()
    user_id: int = await store.execute(SignUp(EMAIL, "Demo", password_hash), ORIGIN)
    return user_id


async def _bring_video(
    store: Store, user_id: int, talk: dict[str, Any], transcript: StoredTranscript
) -> None:
    command = BringVideo(
        user_id=user_id,
        video_id=talk["video_id"],
        title=talk["title"],
        transcript=transcript,
        metadata=talk["metadata"],
        summary=talk["summary"],
    )
    await store.execute(command, ORIGIN)


async def _add_notes(store: Store, user_id: int, talk: dict[str, Any]) -> None:
    origin = Origin(Actor.user(user_id), correlation_id=ORIGIN.correlation_id)
    commands = [
        AddNote(user_id, talk["video_id"], talk["title"], note["timestamp"], note["text"])
        for note in talk["notes"]
    ]
    await asyncio.gather(*(store.execute(command, origin) for command in commands))


def _there_already(talk: dict[str, Any]) -> str:
    return (
        f"The sample is there already: {EMAIL} has notes on {talk['video_id']}.\n"
        "Nothing was changed. The password was shown when it was loaded; it is not kept."
    )


def _loaded(talk: dict[str, Any], password: str) -> str:
    segments, notes = len(talk["transcript"]), len(talk["notes"])
    return (
        f"Loaded {talk['title']!r} ({talk['video_id']}): a transcript of {segments} segments,"
        f" metadata, a summary and {notes} notes.\n"
        f"  e-mail    {EMAIL}\n"
        f"  password  {password}\n"
        "Start `vidwiz serve` and log in at http://127.0.0.1:8000/ with them;"
        " the password is not shown again.\n"
        f"The video: http://127.0.0.1:8000/api/wiz/video/{talk['video_id']}"
    )
