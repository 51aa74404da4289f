"""Projectors of your own: classes whose methods handle events of some topics."""

from collections.abc import Awaitable, Callable, Mapping
from typing import Any, ClassVar, TypeVar

from vidwiz.client.events import LoggedEvent

Handler = Callable[[Any, LoggedEvent], Awaitable[None] | None]
HandlerT = TypeVar("HandlerT", bound=Handler)

_TOPICS = "handled_topics"


def on(*topics: str) -> Callable[[HandlerT], HandlerT]:
    """Let a projector's method handle the events of these topics, such as ``"NoteAdded"``."""

    def mark(handler: HandlerT) -> HandlerT:
        setattr(handler, _TOPICS, topics)
        return handler

    return mark


class Projector:
    """The base of a projector. Its methods under ``@on`` handle events, in the log's order.

    A method may be a coroutine function when ``AsyncEventLog.run`` runs the projector. A class
    whose methods handle the same topic twice is refused by a ``TypeError``.
    """

    _handlers: ClassVar[Mapping[str, Handler]] = {}

    def __init_subclass__(cls) -> None:
        """Collect the handlers, also those of the classes that this one extends."""
        super().__init_subclass__()
        own: dict[str, Handler] = {}
        for method in vars(cls).values():
            for topic in getattr(method, _TOPICS, ()):
                if topic in own:
                    raise TypeError(f"{cls.__name__} handles {topic} twice")
                own[topic] = method
        cls._handlers = {**cls._handlers, **own}

    @property
    def topics(self) -> tuple[str, ...]:
        """The topics that the projector handles, sorted."""
        return tuple(sorted(self._handlers))

    def handle(self, event: LoggedEvent) -> Awaitable[None] | None:
        """Call the method for the event's topic, if there is one.

        An awaitable is to be awaited by the caller. Raises what the method raises.
        """
        handler = self._handlers.get(event.topic)
        return None if handler is None else handler(self, event)

    def handle_now(self, event: LoggedEvent) -> None:
        """The same where nothing awaits: raises ``TypeError`` for a method that is a coroutine."""
        waiting: Any = self.handle(event)
        if waiting is not None:
            waiting.close()
            name = type(self).__name__
            raise TypeError(f"{name} handles {event.topic} in a coroutine; use AsyncEventLog")
