"""What a model thinks aloud, kept out of its answer."""

import re

_TAG = re.compile(r"<(/?)(?:think|thinking|thought|reasoning)>", re.IGNORECASE)
_MAY_BECOME_TAG = re.compile(r"(?:`|`?</?[a-z]{0,9})$", re.IGNORECASE)


class Thoughts:
    """Takes thoughts out of a text that comes in pieces, wherever it is cut.

    A thought stands between ``<think>`` and ``</think>`` (or ``thinking``, ``thought``,
    ``reasoning``), may hold others, and goes on to the end where it is not closed. A tag behind a
    backtick is talked about, so it stays.
    """

    def __init__(self) -> None:
        self._pending = ""
        self._depth = 0

    def feed(self, piece: str) -> str:
        """The part of the answer that is known with this piece; it may be empty."""
        text = self._pending + piece
        held = _MAY_BECOME_TAG.search(text[-_LONGEST_TAG:])
        end = len(text) - len(held[0]) if held else len(text)
        self._pending = text[end:]
        return self._spoken(text[:end])

    def end(self) -> str:
        """What was held back, at the end of the text."""
        text, self._pending = self._pending, ""
        return self._spoken(text)

    def _spoken(self, text: str) -> str:
        spoken = []
        at = 0
        for tag in _TAG.finditer(text):
            if self._depth == 0 and text[max(0, tag.start() - 1)] == "`":
                continue
            spoken.append("" if self._depth else text[at : tag.start()])
            at = tag.end()
            self._depth = max(0, self._depth - 1) if tag[1] else self._depth + 1
        spoken.append("" if self._depth else text[at:])
        return "".join(spoken)


_LONGEST_TAG = len("`</reasoning>")
