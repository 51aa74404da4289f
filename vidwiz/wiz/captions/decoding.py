"""The text of a captions file, in whichever encoding people's programs save it."""

import codecs

from vidwiz.wiz.captions.cues import UnreadableTranscript

_MARKS = (
    (codecs.BOM_UTF32_LE, "utf-32-le"),  # begins with UTF-16's mark, so it comes first
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
_FEW, _MANY = 0.02, 0.1
_CODE_PAGES = ("cp1252", "cp1250")
_LONGEST_RUN = 2


def decoded(content: bytes) -> str:
    """The text, with LF for every line end and U+FFFD for NUL; raises ``UnreadableTranscript``.

    UTF-8, -16 or -32, by its mark or by where its zero bytes are. Else Windows' code page for
    Western Europe, as long as the one for Central Europe has the same characters.
    """
    mark, encoding = next(
        (one for one in _MARKS if content.startswith(one[0])), (b"", _by_zeros(content))
    )
    body = content[len(mark) :]
    try:
        text = body.decode(encoding)
    except UnicodeDecodeError as error:
        fallback = _code_page(content) if encoding == "utf-8" and not mark else None
        if fallback is None:
            raise _refusal(body, encoding, error) from None
        text = fallback
    return with_plain_line_ends(text)


def with_plain_line_ends(text: str) -> str:
    """The text without its mark, with LF for every line end and U+FFFD for NUL."""
    text = text.removeprefix("\ufeff").replace("\0", "\ufffd")
    return text.replace("\r\n", "\n").replace("\r", "\n")


def _by_zeros(content: bytes) -> str:
    """The encoding that puts zero bytes where they are: captions have digits and spaces."""
    shares = [content[at::4].count(0) / max(1, len(content) // 4) for at in range(4)]
    first, second, third, fourth = (share > _MANY for share in shares)
    if first and second and shares[3] <= _FEW:
        return "utf-32-be"
    if third and fourth and shares[0] <= _FEW:
        return "utf-32-le"
    if second and fourth and max(shares[0], shares[2]) <= _FEW:
        return "utf-16-le"
    if first and third and max(shares[1], shares[3]) <= _FEW:
        return "utf-16-be"
    return "utf-8"


def _code_page(content: bytes) -> str | None:
    """The text, if two code pages agree about it and it cannot be another alphabet's."""
    texts = []
    for code_page in _CODE_PAGES:
        try:
            texts.append(content.decode(code_page))
        except UnicodeDecodeError:
            return None
    if texts[0] != texts[1] or b"\0" in content:
        return None
    ascii_only = content.decode("ascii", "replace")
    return None if "\ufffd" * (_LONGEST_RUN + 1) in ascii_only or _half_utf8(content) else texts[0]


def _half_utf8(content: bytes) -> bool:
    """Whether some of it is UTF-8 of more than a byte, so that the rest is a damaged piece."""
    kept = content.decode("utf-8", "ignore")
    return not kept.isascii()


def _refusal(content: bytes, encoding: str, error: UnicodeDecodeError) -> UnreadableTranscript:
    name = encoding.upper().removesuffix("-LE").removesuffix("-BE")
    line = content[: error.start].decode(encoding, "replace").count("\n") + 1
    return UnreadableTranscript(f"Line {line} is no {name} text. Save the file as UTF-8.")
