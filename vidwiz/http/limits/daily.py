"""What a day allows whoever asks: new videos, changes, and bytes; more is a 429."""

from dataclasses import replace
from typing import Any, TypeVar

from quart import g

from vidwiz.commands.notes import AddNote
from vidwiz.commands.tasks import NewWorkRefused
from vidwiz.commands.videos import OpenVideo
from vidwiz.event_store.counts import Charge
from vidwiz.events.recorded import EventMetadata
from vidwiz.http.limits.requests import network, too_many
from vidwiz.http.services import services

FREE_BYTES = 1024
"""Bytes of a body that are not counted: the number of changes bounds them."""
FULL = {
    "new_video": NewWorkRefused.message,
    "write": "Daily limit of changes reached",
    "byte": "Daily limit of bytes reached",
}

Asking = TypeVar("Asking", OpenVideo, AddNote)


async def asked_within_day(
    command: Asking, user_id: int | None, caller_origin: EventMetadata
) -> Any:
    """The command's result; it is counted if it asks workers for something."""
    store, quotas = services().store, services().quotas
    charges = quotas.of_person("new_video", user_id, network())
    if not charges:
        return await store.execute(command, caller_origin)
    try:
        return await store.execute(replace(command, may_ask=False), caller_origin)
    except NewWorkRefused:
        await _take(charges, "new_video")
    try:
        return await store.execute(command, caller_origin)
    except BaseException:
        await quotas.give_back(charges)
        raise


async def count_write(user_id: int | None) -> None:
    """Count one change of a user, or of a guest (None); its body is counted when it is read."""
    await _take(services().quotas.of_person("write", user_id, network()), "write")
    g.writer = (user_id,)


async def count_body(length: int) -> None:
    """Count the bytes of a body that was read for a change."""
    writer = g.get("writer")
    if writer is not None and length > FREE_BYTES:
        await _take(services().quotas.of_person("byte", writer[0], network(), length), "byte")


async def _take(charges: list[Charge], what: str) -> None:
    full = await services().quotas.take(charges)
    if full is not None:
        raise too_many(full.reset_in_seconds, FULL[what])
