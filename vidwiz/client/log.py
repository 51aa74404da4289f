"""The event log of a service, for programs without an event loop; see ``async_log`` for others."""

import time
from collections.abc import Generator
from typing import Self, Unpack

import httpx
from httpx_sse import connect_sse

from vidwiz.client.checkpoints import ConsumerCheckpoint
from vidwiz.client.events import LoggedEvent
from vidwiz.client.projectors import Projector
from vidwiz.client.protocol import (
    EVENTS,
    NDJSON,
    STREAM,
    EventFilter,
    LogReset,
    RetryPolicy,
    new_timeout,
    next_position,
    parameters,
    refusal,
    stream_headers,
    stream_parameters,
    streamed,
)


class EventLog:
    """Reads and follows the log of the service at ``url`` with an admin's token.

    Every method goes on by itself after a broken connection or an outage of the service, behind
    the last event that it gave out; it raises ``EventLogError`` when the service refuses the
    request, or nothing arrived for ``give_up_after_s`` seconds of tries. Use it
    in a ``with`` block, or ``close`` it.
    """

    def __init__(self, url: str, token: str, *, give_up_after_s: float = 300.0) -> None:
        self._give_up_after_s = give_up_after_s
        headers = {"Authorization": f"Bearer {token}"}
        self._http = httpx.Client(base_url=url, headers=headers, timeout=new_timeout())

    def __enter__(self) -> Self:
        """Return the log itself."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close the connections."""
        self.close()

    def close(self) -> None:
        """Close the connections."""
        self._http.close()

    def head(self) -> int:
        """Return the position of the newest event; 0 for an empty log."""
        patience = RetryPolicy(self._give_up_after_s)
        while True:
            answer, error = None, None
            try:
                answer = self._http.get(EVENTS, params={"order": "desc", "limit": 1})
                if answer.status_code == httpx.codes.OK:
                    events = answer.json()["events"]
                    return int(events[0]["position"]) if events else 0
            except httpx.TransportError as failure:
                error = failure
            time.sleep(patience.wait_s(error, answer))

    def read(
        self, after: int = 0, before: int | None = None, **limits: Unpack[EventFilter]
    ) -> Generator[LoggedEvent, None, None]:
        """Give out the events between two positions, both left out, up to the head of the log."""
        patience = RetryPolicy(self._give_up_after_s)
        position = after
        while True:
            answer, error, arrived = None, None, False
            query, headers = parameters(limits, position, before), {"Accept": NDJSON}
            try:
                with self._http.stream("GET", EVENTS, params=query, headers=headers) as answer:
                    if answer.status_code != httpx.codes.OK:
                        answer.read()
                    else:
                        end: int | None = None
                        for line in answer.iter_lines():
                            if (end := next_position(line)) is None:
                                event = LoggedEvent.from_json(line)
                                yield event
                                position, arrived = event.position, True
                        if end is None:
                            return
                        position = end
            except httpx.TransportError as failure:
                error = failure
            if arrived:
                patience.succeeded()
            else:
                time.sleep(patience.wait_s(error, refusal(answer)))

    def follow(
        self, after: int = 0, **limits: Unpack[EventFilter]
    ) -> Generator[LoggedEvent, None, None]:
        """Give out the events behind a position, and then those to come, without end.

        Raises ``LogReset`` when the log ends before ``after``.
        """
        patience = RetryPolicy(self._give_up_after_s)
        position = after
        while True:
            answer, error = None, None
            query, headers = stream_parameters(limits, position), stream_headers(position)
            try:
                with connect_sse(
                    self._http, "GET", STREAM, params=query, headers=headers
                ) as source:
                    answer = source.response
                    if answer.status_code != httpx.codes.OK:
                        answer.read()
                    else:
                        patience.succeeded()
                        for message in source.iter_sse():
                            event = streamed(message.event, message.data)
                            yield event
                            position = event.position
            except httpx.TransportError as failure:
                error = failure
            time.sleep(patience.wait_s(error, refusal(answer)))

    def run(self, projector: Projector, checkpoint: ConsumerCheckpoint) -> None:
        """Let a projector handle every event behind its checkpoint, without end.

        Raises ``LogReset``, and what the projector and the checkpoint raise.
        """
        for event in self.follow(checkpoint.load(), type=projector.topics):
            projector.handle_now(event)
            checkpoint.save(event.position)

    def catch_up(self, projector: Projector, checkpoint: ConsumerCheckpoint) -> int:
        """Let a projector handle the events up to the head of the log; return that position.

        Raises like ``run``.
        """
        head, after = self.head(), checkpoint.load()
        if after > head:
            raise LogReset(head)
        for event in self.read(after, head + 1, type=projector.topics):
            projector.handle_now(event)
            checkpoint.save(event.position)
        checkpoint.save(head)
        return head
