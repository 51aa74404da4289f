"""Bodies take bounded room: an endless one is refused early, large ones are parsed one by one."""

import asyncio
from collections.abc import AsyncIterator
from threading import Barrier, BrokenBarrierError

import pytest
from pydantic import BaseModel, field_validator
from quart import Quart

from tests.http.wire import refused
from tests.support import Api, Person
from vidwiz.http.limits import bodies
from vidwiz.http.limits.bodies import LARGE, RESULT_BODY, SMALL_BODY

CHUNK = 64 * 1024
JSON = {"Content-Type": "application/json"}


@pytest.mark.parametrize(
    ("path", "most"),
    [
        ("/api/notes", SMALL_BODY),
        ("/api/tasks/metadata", SMALL_BODY),
        ("/api/tasks/transcript", RESULT_BODY),
    ],
)
async def test_a_body_is_refused_when_it_gets_too_large_not_when_it_ends(
    api: Api, ann: Person, path: str, most: int
) -> None:
    async def endless() -> AsyncIterator[bytes]:
        for _ in range(most // CHUNK + 1):
            yield b" " * CHUNK
        await asyncio.Event().wait()

    headers = {**JSON, **(api.admin if "tasks" in path else ann.headers)}
    async with asyncio.timeout(20):
        answer = await api.client.post(path, content=endless(), headers=headers)
    refused(answer, 413, f"Request body must be at most {most} bytes")


async def test_a_body_of_the_largest_size_is_read(api: Api, ann: Person) -> None:
    for path, most, headers in (
        ("/api/notes", SMALL_BODY, ann.headers),
        ("/api/tasks/transcript", RESULT_BODY, api.admin),
    ):
        content = b"{}".ljust(most)
        answer = await api.client.post(path, content=content, headers={**JSON, **headers})
        refused(answer, 400, "Request body must be JSON")  # it is empty


async def test_one_large_body_is_parsed_at_a_time() -> None:
    meeting = Barrier(2)
    met = []

    class Parsed(BaseModel):
        filler: str

        @field_validator("filler")
        @classmethod
        def meet(cls, value: str) -> str:
            try:
                meeting.wait(1)
                met.append(True)
            except BrokenBarrierError:
                met.append(False)
            return value

    app = Quart(__name__)

    async def read() -> None:
        data = b'{"filler":"%b"}' % (b"x" * LARGE)
        async with app.test_request_context("/", method="POST", data=data, headers=JSON):
            await bodies.read(Parsed)

    await asyncio.gather(read(), read())
    assert met == [False, False]
