"""``given(projector, past).when(event).then(...)``: a projector's story, without a service."""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any, Generic, Self, TypeVar

from vidwiz.client.events import LoggedEvent
from vidwiz.client.projectors import Projector

ProjectorT = TypeVar("ProjectorT", bound=Projector)


def an_event(
    topic: str,
    data: Mapping[str, Any] | None = None,
    *,
    position: int = 1,
    stream: str = "note:1",
    version: int = 1,
    actor: str = "user:1",
    recorded_at: datetime = datetime(2026, 1, 31, tzinfo=UTC),
) -> LoggedEvent:
    """Make an event up; ``data`` holds its fields as the log shows them."""
    return LoggedEvent(
        position=position,
        stream=stream,
        version=version,
        topic=topic,
        data=data or {},
        recorded_at=recorded_at,
        actor=actor,
    )


class Given(Generic[ProjectorT]):
    """A projector that has handled a past."""

    def __init__(self, projector: ProjectorT) -> None:
        self.projector = projector

    def when(self, *events: LoggedEvent) -> Self:
        """Let the projector handle these events; a coroutine is refused by a ``TypeError``."""
        for event in events:
            self.projector.handle_now(event)
        return self

    def then(self, shown: Callable[[ProjectorT], object], expected: object) -> Self:
        """Assert what the projector shows now."""
        actual = shown(self.projector)
        assert actual == expected, f"expected {expected!r}, not {actual!r}"  # noqa: S101
        return self


def given(projector: ProjectorT, *past: LoggedEvent) -> Given[ProjectorT]:
    """Let a new projector handle what happened before."""
    return Given(projector).when(*past)
