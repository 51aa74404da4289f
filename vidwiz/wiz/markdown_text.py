"""Text of others inside of Markdown: shown as it is, and never a link, an image or HTML."""

import re

_SPECIAL = re.compile(r"([\\`*_{}\[\]<>#|~&!])")
_BEGINS = re.compile(r"(^|\n)([ \t]*)([-+=:](?=[ \t\n=:-]|$)|[0-9]{1,9}(?=[.)]))", re.ASCII)
_ADDRESS = re.compile(r"(?<=:)(?=//)|(?<=@)(?=\w)|(?<=www)(?=\.)", re.IGNORECASE)
_LINK = re.compile(r"\](?=[(\[:])")

JOINER = "\u2060"
"""Has no width; an address with one is none, also to renderers that link what looks like one."""


def escaped(text: str) -> str:
    """The words of a person in Markdown; addresses stay whole."""
    safe = _SPECIAL.sub(r"\\\1", text)
    return _BEGINS.sub(_escaped_begin, safe)


def quoted(text: str) -> str:
    """The words of a transcript, a title or a channel in Markdown: no address is one either."""
    return _ADDRESS.sub(JOINER, escaped(text))


def without_links(markdown: str) -> str:
    """Markdown that was written from a transcript, with its links as text and without HTML."""
    return _LINK.sub(r"]\\", markdown.replace("<", "&lt;"))


def _escaped_begin(found: re.Match[str]) -> str:
    line, space, mark = found.groups()
    return f"{line}{space}{mark}\\" if mark.isdigit() else f"{line}{space}\\{mark}"
