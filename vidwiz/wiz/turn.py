"""One turn as it happens: the answer's pieces and citations, to be followed from any point."""

import asyncio
from collections.abc import AsyncGenerator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any, Literal, NamedTuple

import orjson

from vidwiz.commands.conversations import Identity
from vidwiz.wiz.citations import Citation

LONGEST_PIECE = 200
"""Characters of a piece: each reaches the client in one packet, whatever they are encoded to."""
HEARTBEAT_S = 15.0

Kind = Literal["delta", "citation", "completed", "stopped", "failed"]


class TurnOffset(NamedTuple):
    """How far somebody has followed an answer: characters and citations that they have seen."""

    characters: int = 0
    citations: int = 0


START = TurnOffset()


@dataclass(frozen=True, slots=True)
class StreamedTurnEvent:
    """Something that happened in a turn; ``place`` is where it leaves whoever has seen it."""

    kind: Kind
    data: bytes
    place: TurnOffset

    @property
    def is_last(self) -> bool:
        """Whether nothing comes after it."""
        return self.kind not in ("delta", "citation")


class Turn:
    """A turn that somebody answers and any number of others follow. It ends exactly once."""

    def __init__(self, turn_id: int, conversation_id: int, identity: Identity) -> None:
        self.turn_id = turn_id
        self.conversation_id = conversation_id
        self.identity = identity
        self.citations: list[dict[str, Any]] = []
        self.is_cut = False
        self._events: list[StreamedTurnEvent] = []
        self._pieces: list[str] = []
        self._characters = 0
        self._news = asyncio.Event()

    @property
    def content(self) -> str:
        """The answer so far."""
        return "".join(self._pieces)

    @property
    def place(self) -> TurnOffset:
        """How far the answer has come."""
        return TurnOffset(self._characters, len(self.citations))

    @property
    def events(self) -> Sequence[StreamedTurnEvent]:
        """What happened so far."""
        return self._events

    @property
    def ended(self) -> bool:
        """Whether the last event has happened."""
        return bool(self._events) and self._events[-1].is_last

    def add(self, piece: str) -> None:
        """More of the answer."""
        for start in range(0, len(piece), LONGEST_PIECE):
            part = piece[start : start + LONGEST_PIECE]
            self._pieces.append(part)
            self._characters += len(part)
            self._happened("delta", {"content": part})

    def cite(self, citation: Citation) -> None:
        """A time in the answer was found in the transcript."""
        self._cite(asdict(citation))

    def _cite(self, its: dict[str, Any]) -> None:
        self.citations.append(its)
        self._happened("citation", its)

    def end(self, kind: Literal["completed", "stopped", "failed"], data: Mapping[str, Any]) -> None:
        """Nothing comes after this; a second end is ignored."""
        if not self.ended:
            self._happened(kind, data)

    def _happened(self, kind: Kind, data: Mapping[str, Any]) -> None:
        self._events.append(StreamedTurnEvent(kind, orjson.dumps(data), self.place))
        news, self._news = self._news, asyncio.Event()
        news.set()

    def receive(self, event: StreamedTurnEvent) -> None:
        """What happened in this turn elsewhere; what is known, or leaves a gap, is ignored."""
        new = None if self.ended else behind(self.place, event)
        if new is None:
            return
        data = orjson.loads(new.data)
        if new.kind == "delta":
            if self._characters + len(data["content"]) == new.place.characters:
                self.add(data["content"])
        elif new.kind == "citation":
            if len(self.citations) + 1 == new.place.citations:
                self._cite(data)
        elif new.place == self.place:  # or short of it: who was killed said more than was stored
            self.end(new.kind, data)

    async def follow(
        self, after: TurnOffset = START, heartbeat_s: float | None = None
    ) -> AsyncGenerator[StreamedTurnEvent | None, None]:
        """What happens behind a place, to the last event; None says that nothing does for long."""
        index = 0
        while True:
            news = self._news
            while index < len(self._events):
                event = behind(after, self._events[index])
                index += 1
                if event is not None:
                    after = event.place
                    yield event
                    if event.is_last:
                        return
            try:
                async with asyncio.timeout(heartbeat_s or HEARTBEAT_S):
                    await news.wait()
            except TimeoutError:
                yield None


def behind(after: TurnOffset, event: StreamedTurnEvent) -> StreamedTurnEvent | None:
    """The event, or the rest of it, as far as it is new to somebody at a place.

    It leaves nobody behind where they were: a stored answer has its citations behind its words.
    """
    place = TurnOffset(*map(max, after, event.place))
    if event.is_last:
        return replace(event, place=place)
    if event.kind == "citation":
        new = event.place.citations > after.citations
        return replace(event, place=place) if new else None
    if event.place.characters <= after.characters:
        return None
    content: str = orjson.loads(event.data)["content"] if after.characters else ""
    seen = after.characters - (event.place.characters - len(content))
    if not content or seen <= 0:
        return replace(event, place=place)
    return StreamedTurnEvent("delta", orjson.dumps({"content": content[seen:]}), place)


def past_events(
    content: str,
    citations: Sequence[Mapping[str, Any]],
    kind: Literal["completed", "stopped", "failed"],
    data: Mapping[str, Any],
) -> list[StreamedTurnEvent]:
    """The events of a turn that has ended, as it was stored."""
    parts = [content[at : at + LONGEST_PIECE] for at in range(0, len(content), LONGEST_PIECE)]
    events = []
    characters = 0
    for part in parts:
        characters += len(part)
        data_of_part = orjson.dumps({"content": part})
        events.append(StreamedTurnEvent("delta", data_of_part, TurnOffset(characters, 0)))
    events += [
        StreamedTurnEvent("citation", orjson.dumps(dict(one)), TurnOffset(characters, number))
        for number, one in enumerate(citations, 1)
    ]
    events.append(
        StreamedTurnEvent(kind, orjson.dumps(data), TurnOffset(characters, len(citations)))
    )
    return events
