"""Words as the search has them, and where they stand in a text.

The database's function ``search_text`` (the newest migration that makes it) folds what is searched
and what is searched for; this module does the same and keeps the places, for what is shown. A test
holds the two equal. docs/search.md has the rules and where they come from.
"""

import re
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise
from typing import NamedTuple

_LEFT_OUT = re.compile(
    "[\u00ad\u0300-\u036f\u0483-\u0489\u0591-\u05bd\u05bf\u05c1\u05c2\u05c4\u05c5\u05c7"
    "\u0610-\u061a\u061c\u0640\u064b-\u0652\u0656-\u065f\u0670\u06d6-\u06dc\u06df-\u06e4"
    "\u06e7\u06e8\u06ea-\u06ed\u070f\u0711\u0730-\u074a\u0898-\u089f\u08ca-\u08e1\u08e3-\u08ff"
    "\u115f\u1160\u17b4\u17b5\u180b-\u180f\u1ab0-\u1aff\u1dc0-\u1dff\u200b-\u200f\u202a-\u202e"
    "\u2060-\u206f\u20d0-\u20ff\u3164\ufe00-\ufe0f\ufe20-\ufe2f\ufeff\uffa0\ufff0-\ufffb"
    "\U000e0000-\U000e0fff]+"
)
"""Default ignorable characters, the tatweel, and marks that are optional in writing."""
_HAMZA = re.compile("([\u0627\u0647\u06d5])[\u0653-\u0655]+")

_PLAIN = {
    "a": "ⱥ", "b": "ƀƃɓ", "c": "ƈȼ", "d": "đðɖɗƌȡ", "e": "ɇɛ", "f": "ƒ", "g": "ɠǥ", "h": "ħⱨ",
    "i": "ıɨ", "j": "ȷɉ", "k": "ƙⱪ", "l": "łƚɫⱡȴ", "m": "ɱ", "n": "ŋɲƞȵ", "o": "ø", "p": "ƥᵽ",
    "q": "ĸ", "r": "ɍɽ", "s": "ȿ", "t": "ŧƭʈƫȶⱦ", "u": "ʉ", "v": "\u028b", "w": "ⱳ", "y": "ƴɏ",
    "z": "ƶȥɀⱬ", "\u03c3": "ς", "ss": "ß", "ae": "æ", "oe": "œ", "th": "þ",
    "\u0627": "\u0671", "\u064a": "\u0649\u06cc", "\u0643": "\u06a9",
    "\u0647": "\u0629\u06c1\u06d5",
}  # fmt: skip
_ZEROS = "٠۰߀०০੦૦୦௦౦೦൦෦๐໐༠၀០᠐"
_LETTERS = {ord(one): plain for plain, ones in _PLAIN.items() for one in ones} | {
    ord(zero) + digit: str(digit) for zero in _ZEROS for digit in range(10)
}
_TRADE = str.maketrans("™℠", "  ")

_UNSPACED = (
    "\u0e01-\u0e3e\u0e40-\u0e4e\u0e5c-\u0eff\u1000-\u103f\u1050-\u109d\u1780-\u17d3\u17d7"
    "\u17dc\u17dd\u3041-\u309f\u30a1-\u30fa\u30fc-\u30ff\u3400-\u4dbf\u4e00-\u9fff"
    "\uac00-\ud7af\uf900-\ufaff\U00020000-\U0003ffff"
)
_UNSPACED_MARKS = (
    "\u0e31\u0e34-\u0e3a\u0e47-\u0e4e\u0eb1\u0eb4-\u0ebc\u0ec8-\u0ece\u102b-\u103e\u1056-\u1059"
    "\u105e-\u1060\u1062-\u1064\u1067-\u106d\u1071-\u1074\u1082-\u108d\u108f\u109a-\u109d"
    "\u17b6-\u17d3\u17dd\u3099\u309a"
)
_SIGNS = (
    "\\0-/:-@\\[-`{-\u00a9\u00ab-\u00b4\u00b6-\u00b9\u00bb-\u00bf\u00d7\u00f7\u02b9-\u02bf"
    "\u02c2-\u02cf\u02d2-\u02df\u02e5-\u02ff\u0375\u037e\u0387\u03f6\u0482\u055a-\u055f"
    "\u0589-\u058f\u05be\u05c0\u05c3\u05c6\u05f3\u05f4\u0600-\u060f\u061b\u061d-\u061f\u066a-\u066d"
    "\u06d4\u06dd\u06de\u06e9\u06fd\u06fe\u0700-\u070d\u07f6-\u07f9\u07fe\u07ff\u0964\u0965\u0970\u09f2\u09f3"
    "\u09fa\u09fb\u09fd\u0a76\u0af0\u0af1\u0b70\u0bf3-\u0bfa\u0c77\u0c7f\u0c84\u0d4f\u0d79\u0df4"
    "\u0e3f\u0e4f\u0e5a\u0e5b\u0f01-\u0f17\u0f1a-\u0f1f\u0f34\u0f36\u0f38\u0f3a-\u0f3d\u0f85"
    "\u0fbe-\u0fc5\u0fc7-\u0fda\u104a-\u104f\u109e\u109f\u10fb\u1360-\u1368\u1390-\u1399\u1400"
    "\u166d\u166e\u1680\u169b\u169c\u16eb-\u16ed\u1735\u1736\u17d4-\u17d6\u17d8-\u17db\u1800-\u180a"
    "\u1940-\u1945\u19de-\u19ff\u1a1e\u1a1f\u2000-\u200a\u2010-\u2029\u202f-\u205f\u2070"
    "\u207a-\u207e\u208a-\u208e\u20a0-\u20c0\u2104\u2108\u2114\u2117\u211e-\u2123\u2125\u2127\u2129"
    "\u212e\u213a\u213b\u2140-\u2144\u214a-\u214d\u214f\u2190-\u245f\u2500-\u2bff\u2e00-\u2e2e"
    "\u2e30-\u3004\u3008-\u3020\u3030\u3037\u303d-\u3040\u30a0\u30fb\u3190\u3191\u31c0-\u31e3"
    "\u4dc0-\u4dff\ua490-\ua4c6\ua4fe\ua4ff\ua60d-\ua60f\ua673\ua67e\ua6f2-\ua6f7\ua700-\ua716"
    "\ua720\ua721\ua789\ua78a\ua828-\ua82b\ua836-\ua839\ua874-\ua877\ua8f8-\ua8fa\ua8fc\ua92e\ua92f"
    "\ua95f\ua9c1-\ua9cd\ua9de\ua9df\uaa5c-\uaa5f\uaaf0\uaaf1\uabeb\ufd3e-\ufd4f\ufdcf\ufdfd-\ufdff"
    "\ufe45\ufe46\ufffc\ufffd\U0001f000-\U0001fbca"
)
_NAMED = (
    rf"[a-z](?=[+#])(?<![^{_SIGNS}{_UNSPACED}].)(?:\+\+(?![a-z+])|\+(?![a-z0-9+])|#(?![a-z#]))"
    r"|\.net(?![a-z])"
)
_NAMES = {"++": "plusplus", "+": "plus", "#": "sharp", ".net": "dotnet"}
_NUMBER = r"[0-9]+(?:,(?=(?:[0-9]{2,3},)*[0-9]{3}(?![0-9]))[0-9]+)*"
_OTHERS = rf"({_NAMED})|({_NUMBER})|[^0-9{_SIGNS}{_UNSPACED}]+"
_WORD = re.compile(rf"[{_UNSPACED}][{_UNSPACED_MARKS}]*|{_OTHERS}")
_RUN = re.compile(rf"{_OTHERS}|([{_UNSPACED}{_UNSPACED_MARKS}]+)")
_UNSPACED_LETTER = re.compile(rf"[{_UNSPACED}][{_UNSPACED_MARKS}]*")
_PLAIN_WORD = re.compile(r"[a-z]+|[0-9]+")
_SIGN_OF_NAMES = re.compile(r"[+#]|\.net|[0-9],[0-9]")
_NAME = re.compile(r"([a-z]?)(\+\+|\+|#|\.net)")

_COMBINING = "".join(
    character
    for character in map(chr, range(0x300, 0x1F000))
    if unicodedata.category(character) in {"Mn", "Mc", "Me", "Cf"}
)
_WITH_IT = f"{_COMBINING}\u00ad\u0640\u115f-\u11ff\u3131-\u318e\ufe70-\ufe7f\uff9e-\uffdc"
_STABLE = "\\0-\x7f\u3041-\u3096\u30a1-\u30fa\u30fc\u4e00-\u9fff\uac00-\ud7a3"
_PIECE = re.compile(rf"([{_STABLE}]+)(?![{_WITH_IT}])|.[{_WITH_IT}]*", re.DOTALL)
"""What is folded by itself: letters that change at most their case, or one with what goes with it:
marks, the voicing of half-width kana, and parts of Hangul's syllables."""


class Word(NamedTuple):
    """A word as the index has it, and where it stands: characters of the text."""

    text: str
    begin: int
    end: int


@dataclass(frozen=True, slots=True)
class Folded:
    """A folded text, and for each of its characters where its origin begins and ends."""

    text: str
    begins: Sequence[int]
    ends: Sequence[int]


def words_of(text: str) -> Iterator[Word]:
    """The words of a text, in its order."""
    its = folded(text)
    for found in _WORD.finditer(its.text):
        begin, end = found.span()
        word = _name(found) if found.lastindex else found[0]
        yield Word(word, its.begins[begin], its.ends[end - 1])


def terms_of(text: str) -> list[str]:
    """The words of a text without their places; of scripts without spaces, pairs of letters."""
    plain = letters(text)
    if plain.isascii() and not _SIGN_OF_NAMES.search(plain):
        return _PLAIN_WORD.findall(plain)
    return [term for found in _RUN.finditer(plain) for term in _terms(found)]


def letters(text: str) -> str:
    """In lower case, without what is optional in writing, with plain letters and digits."""
    if text.isascii():
        return text.lower()
    bare = _LEFT_OUT.sub("", unicodedata.normalize("NFKD", text.translate(_TRADE))).lower()
    plain = _HAMZA.sub(r"\1", bare).translate(_LETTERS)
    return unicodedata.normalize("NFC", plain).replace("♯", "#")


def folded(text: str) -> Folded:
    """The letters of a text, and where they stand."""
    if text.isascii():
        places = range(len(text) + 1)
        return Folded(text.lower(), places, places[1:])
    pieces: list[str] = []
    begins: list[int] = []
    ends: list[int] = []
    for found in _PIECE.finditer(text):
        begin, end = found.span()
        if found[1]:
            plain = found[1].lower()
            begins.extend(range(begin, end))
            ends.extend(range(begin + 1, end + 1))
        else:
            plain = _letters_of_piece(found[0])
            begins.extend([begin] * len(plain))
            ends.extend([end] * len(plain))
        pieces.append(plain)
    return Folded("".join(pieces), begins, ends)


@lru_cache(maxsize=8192)
def _letters_of_piece(piece: str) -> str:
    return letters(piece)


def _name(found: re.Match[str]) -> str:
    if found[1]:
        letter, sign = _NAME.fullmatch(found[1]).groups()  # type: ignore[union-attr]
        return f"{letter}{_NAMES[sign]}"
    return found[2].replace(",", "") if found[2] else found[0]


def _terms(found: re.Match[str]) -> list[str]:
    if not found[3]:
        return [_name(found)]
    ones = _UNSPACED_LETTER.findall(found[3])
    return [first + second for first, second in pairwise(ones)] or [found[3]]
