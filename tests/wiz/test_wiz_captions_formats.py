"""Whatever people paste or upload becomes the contract's items, or a message that helps them."""

import html
import json
import re
import subprocess
import sys
import time
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.wiz.spoken import APOLLO, TRANSCRIPTS, unhurried
from vidwiz.wiz.captions_formats import (
    MAX_ITEMS,
    UnreadableTranscript,
    parse_transcript,
    read_transcript,
)

VTT = """WEBVTT - A title

STYLE
::cue { color: red }

NOTE 00:00:00.000 --> 00:00:09.000 is no cue

intro
00:01.000 --> 00:04.500 align:start position:0%
<v Fred>Hello <i>there</i> &amp; welcome
to {the} show

NOTE
a comment

01:00:05.000 --> 01:00:06.000
an hour later
"""

SRT = """1
00:00:01,000 --> 00:00:04,500
Hello <i>there</i>

2
00:00:05,000 --> 00:00:06,250
General
Kenobi
3
00:00:07,000 --> 00:00:08,000
42
"""

ROLLING = """WEBVTT
Kind: captions
Language: en

00:00:00.160 --> 00:00:02.230 align:start position:0%
\x20
hello<00:00:00.480><c> dear</c><00:00:00.900><c> everyone</c>

00:00:02.230 --> 00:00:02.240 align:start position:0%
hello dear everyone
\x20

00:00:02.240 --> 00:00:04.000 align:start position:0%
hello dear everyone
welcome<00:00:02.500><c> back</c>

00:00:04.000 --> 00:00:04.010 align:start position:0%
welcome back
\x20
"""

JSON3 = {
    "wireMagic": "pb3",
    "events": [
        {"tStartMs": 0, "dDurationMs": 9000, "id": 1},
        {"tStartMs": 160, "dDurationMs": 2000, "segs": [{"utf8": "hello"}, {"utf8": " there"}]},
        {"tStartMs": 2000, "aAppend": 1, "segs": [{"utf8": "\n"}]},
        {"tStartMs": 2200, "segs": [{"utf8": "welcome"}]},
    ],
}


def item(text: str, offset: float, duration: float) -> dict[str, object]:
    return {"text": text, "offset": offset, "duration": duration}


def refusal(content: bytes | str, hint: str | None = None) -> str:
    with pytest.raises(UnreadableTranscript) as refused:
        parse_transcript(content, hint)
    return str(refused.value)


def read_or_refused(content: bytes | str, hint: str | None = None) -> list[dict[str, Any]]:
    with suppress(UnreadableTranscript):
        return parse_transcript(content, hint)
    return []


def test_vtt_is_read_without_its_comments_names_and_markup() -> None:
    assert parse_transcript(VTT) == [
        item("Hello there & welcome to {the} show", 1.0, 3.5),
        item("an hour later", 3605.0, 1.0),
    ]


def test_srt_is_read() -> None:
    assert parse_transcript(SRT) == [
        item("Hello there", 1.0, 3.5),
        item("General Kenobi", 5.0, 1.25),
        item("42", 7.0, 1.0),
    ]


def test_the_lines_that_youtubes_captions_roll_are_said_once() -> None:
    assert parse_transcript(ROLLING) == [
        item("hello dear everyone", 0.16, 2.07),
        item("welcome back", 2.24, 1.76),
    ]


def test_words_that_are_said_twice_stay_twice() -> None:
    cue = "{0} --> {1}\nYes.\n\n"
    vtt = "WEBVTT\n\n" + cue.format("00:01.000", "00:02.000") + cue.format("00:02.000", "00:03.000")
    assert [it["text"] for it in parse_transcript(vtt)] == ["Yes.", "Yes."]


def test_the_contracts_items_are_read_as_they_are() -> None:
    path = TRANSCRIPTS / f"{APOLLO}.json"
    if not path.exists():
        pytest.skip("the shared data is absent")
    stored = json.loads(path.read_text())
    items = parse_transcript(path.read_bytes(), "application/json")
    assert [(it["text"], it["offset"]) for it in items] == [
        (" ".join(it["text"].split()), it["offset"]) for it in stored
    ]


def test_items_with_start_in_place_of_offset_are_read() -> None:
    assert parse_transcript('[{"text": "a", "start": 1}, {"text": "b", "start": 3}]') == [
        item("a", 1, 2),
        item("b", 3, 5),
    ]


def test_youtubes_json3_is_read() -> None:
    assert parse_transcript(json.dumps(JSON3)) == [
        item("hello there", 0.16, 2.0),
        item("welcome", 2.2, 5.0),
    ]


def test_plain_text_has_times_at_the_beginning_of_lines() -> None:
    text = "Transcript\n\n0:00 first\n[0:02] second\ngoes on\n(1:02:03) - third\n75:00.5 fourth"
    assert [(it["offset"], it["text"]) for it in parse_transcript(text)] == [
        (0, "first"),
        (2, "second goes on"),
        (3723, "third"),
        (4500.5, "fourth"),
    ]


def test_what_youtube_lets_people_copy_has_times_and_words_on_alternate_lines() -> None:
    assert parse_transcript("0:00\r\nhello there\r\n0:04\r\nwelcome\r\n") == [
        item("hello there", 0, 4),
        item("welcome", 4, 5),
    ]


@pytest.mark.parametrize(
    ("content", "hint"),
    [
        (SRT, "captions.en.srt"),
        (SRT, "application/x-subrip; charset=utf-8"),
        (SRT, "talk.txt"),
        (SRT.replace("\n", "\r\n"), None),
        (SRT.replace("\n", "\r"), None),
        ("\ufeff" + SRT, None),
        (VTT, "text/vtt"),
        (VTT, "talk.srt"),
        (json.dumps(JSON3), "talk.json3"),
        ("[0:00] hello", None),
        ("[0:00] hello", "text/plain"),
        ("  {}".format('[{"text": "hello", "offset": 1}]'), None),
    ],
)
def test_the_content_or_a_hint_tells_the_format(content: str, hint: str | None) -> None:
    expected = parse_transcript(content, hint)
    assert expected[0]["text"].lower().startswith("hello")
    for encoding in ("utf-8", "utf-8-sig", "utf-16"):
        encoded = content.removeprefix("\ufeff").encode(encoding)
        assert parse_transcript(encoded, hint) == expected


@pytest.mark.parametrize(
    ("content", "hint", "message"),
    [
        ("", None, "empty"),
        (" \n", None, "empty"),
        ("only words", None, "No line begins with a time"),
        ("1:75 more", None, "Line 1 begins with 1:75"),
        ("WEBVTT\n\n00:01.000 --> soon\nwords", None, "Line 3 "),
        ("1\n00:00:01,000 --> soon\nwords", None, "Line 2 "),
        ("WEBVTT\n\nno cues", None, "No line has the times"),
        ("0:00\n0:05\n", None, "no words"),
        ('[\n{"text": "a"\n"b": 1}]', None, "Line 3 is no JSON"),
        ("words", "talk.json", "Line 1 is no JSON"),
        ("{}", None, "no list of transcript items"),
        ('[{"text": "", "offset": 1}, {"text": 1}]', None, "Item 2 has no text"),
        ('[{"text": "a", "offset": "1"}]', None, "Item 1 has no offset"),
        ('[{"text": "a", "offset": -1}]', None, "Item 1 has no offset"),
        ('{"events": [1]}', None, "Event 1 "),
        (b"0:00 words\n0:05 gar\xe7on \xe0 la carte", None, "Line 2 is no UTF-8"),
        ("[" * 100_000, "x.json", "Line 1 is no JSON"),
        ('[{"text": "\\ud800", "offset": 1}]', None, "Line 1 is no JSON"),
    ],
)
def test_what_cannot_be_read_is_refused_with_a_line_to_look_at(
    content: bytes | str, hint: str | None, message: str
) -> None:
    assert message in refusal(content, hint)


def test_a_transcript_has_at_most_so_many_items() -> None:
    assert str(MAX_ITEMS) in refusal("0:00 a\n" * (MAX_ITEMS + 1))
    assert len(parse_transcript("0:00 a\n" * MAX_ITEMS)) == MAX_ITEMS


pieces = st.sampled_from(
    [
        "WEBVTT", "\n", "\n\n", "\r", "NOTE", "STYLE", "00:00:01.000", "00:01.000", " --> ", "<c>",
        "00:00:01,000 --> 00:00:02,000", "0:00", "[1:02:03]", "1:99", "<00:00:01.000>", "&lt;",
        "<",
        "{", "}", "[", "]", '"text"', '"events"', '"segs"', ":", ",", "1e999", "-1", "null", "\\N",
        "\x00", "\ud800", "\u2028", "\u0661", "99999:00", "words",
    ]
)  # fmt: skip
hints = st.none() | st.sampled_from(
    ["a.vtt", "a.srt", "a.json", "a.txt", "text/vtt", "", ";", "\n"]
)


@unhurried
@given(st.one_of(st.lists(pieces, max_size=30).map("".join), st.text(), st.binary()), hints)
def test_hostile_content_is_read_or_refused(content: bytes | str, hint: str | None) -> None:
    items = read_or_refused(content, hint)
    assert all(it["text"] and it["offset"] >= 0 and it["duration"] >= 0 for it in items)
    assert not items or parse_transcript(json.dumps(items)) == items


json_values = st.recursive(
    st.none() | st.booleans() | st.floats() | st.integers() | st.text(),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(
            st.sampled_from(
                ["text", "offset", "start", "duration", "events", "segs", "utf8", "tStartMs"]
            ),
            inner,
        )
    ),
)


@unhurried
@given(json_values)
def test_any_json_is_read_or_refused(value: object) -> None:
    read_or_refused(json.dumps(value), "a.json")


@pytest.mark.parametrize(
    "unit",
    ["<", "\n", "a\n", "0:00\n", "1\n", "[", " ", "-->", "&", "1", ":", "00:00:01.000 --> ", " \n"],
)
def test_much_nonsense_takes_no_time(unit: str) -> None:
    nonsense = unit * (200_000 // len(unit))
    begin = time.perf_counter()
    for head in (
        "WEBVTT\n\n00:01.000 --> 00:02.000\nx",
        "00:00:01,000 --> 00:00:02,000\nx",
        "0:00 x",
    ):
        read_or_refused(f"{head}{nonsense}y")
    assert time.perf_counter() - begin < 10


@pytest.mark.parametrize("number", ["1" * 5000, "x" + "f" * 5000])
def test_a_reference_to_a_character_that_cannot_be_stands_for_a_question_mark(number: str) -> None:
    content = f"WEBVTT\n\n00:00:01.000 --> 00:00:02.000\nHouston &#{number};"
    (item,) = parse_transcript(content)
    assert item["text"] == "Houston \ufffd"


def test_a_cue_of_very_many_lines_is_read_in_the_time_of_its_length() -> None:
    lines = "\n".join(["a"] * 20_000)
    cue = "00:00:0{}.000 --> 00:00:0{}.500\n{}\n<00:00:01.500>"
    content = f"WEBVTT\n\n{cue.format(1, 1, lines)}\n\n{cue.format(2, 2, lines)}"
    assert len(parse_transcript(content)) == 2


letters = st.text(
    st.sampled_from("abcXYZ019 <>{}\\/&;:.,-=\"'[]()#\u00e9\u5b57\u05d0\u0648\u200f\U0001f680"),
    max_size=60,
)
TAGS = ("<i>", "</i>", "<b>", '<font color="#fff">', "</font>", "{\\an8}", "{\\i1}", "<br/>")


def is_markup(words: str) -> bool:
    """Whether SubRip could take a part of these words for its own."""
    known = r"</?(b|i|u|s|c|rt|br)\b|\{\s*\\|&[#A-Za-z]|-->|<[0-9]"
    return re.search(known, words, re.IGNORECASE) is not None


@unhurried
@given(
    st.lists(
        st.tuples(
            letters.filter(lambda it: it.strip() and not is_markup(it)), st.sampled_from(TAGS)
        ),
        min_size=1,
        max_size=5,
    )
)
def test_every_letter_of_a_subrip_cue_is_in_its_segment(pieces: list[tuple[str, str]]) -> None:
    words = " ".join(piece for piece, _ in pieces)
    marked = " ".join(f"{tag}{piece}" for piece, tag in pieces)
    if is_markup(words):
        return
    (read,) = parse_transcript(f"1\n00:00:01,000 --> 00:00:02,000\nx {marked} x\n", "a.srt")
    assert read["text"].replace(" ", "") == f"x{words}x".replace(" ", "")


@unhurried
@given(letters, st.sampled_from(["sbv", "text", "json"]))
def test_formats_without_markup_keep_every_letter(words: str, format_: str) -> None:
    if re.search(r"&[#A-Za-z]|\[br\]|[0-9]:[0-9]", words):
        return
    content = {
        "sbv": f"0:00:01.000,0:00:02.000\nx {words} x\n",
        "text": f"0:01 x {words} x\n",
        "json": json.dumps([{"text": f"x {words} x", "offset": 1}]),
    }[format_]
    (read,) = parse_transcript(content)
    assert read["text"].replace(" ", "") == f"x{words}x".replace(" ", "")


@unhurried
@given(letters)
def test_escaped_text_of_a_vtt_cue_is_whole(words: str) -> None:
    content = f"WEBVTT\n\n00:01.000 --> 00:02.000\n<v Fred>x {html.escape(words)} x</v>\n"
    (read,) = parse_transcript(content)
    assert read["text"].replace(" ", "") == f"x{words}x".replace(" ", "")


@unhurried
@given(
    st.integers(0, 200),
    st.integers(0, 99),
    st.integers(0, 99),
    st.integers(0, 999),
    st.sampled_from(["vtt", "srt", "sbv", "ttml"]),
)
def test_a_time_is_right_or_its_cue_is_left_out(
    hours: int, minutes: int, seconds: int, thousandths: int, format_: str
) -> None:
    mark = "," if format_ == "srt" else "."
    time_ = f"{hours:02}:{minutes:02}:{seconds:02}{mark}{thousandths:03}"
    good, head = {
        "vtt": ("00:00:00.000 --> 00:00:01.000\na\n\n", "WEBVTT\n\n"),
        "srt": ("00:00:00,000 --> 00:00:01,000\na\n\n", ""),
        "sbv": ("0:00:00.000,0:00:01.000\na\n\n", ""),
        "ttml": ('<p begin="0s">a</p>', "<tt><body>"),
    }[format_]
    cue = {
        "sbv": f"{time_},{time_}\nb\n",
        "ttml": f'<p begin="{time_}">b</p></body></tt>',
    }.get(format_, f"{time_} --> {time_}\nb\n")
    read = read_transcript(head + good + cue)
    if max(minutes, seconds) > 59:
        assert ([it["text"] for it in read.items], read.skipped) == (["a"], 1)
    else:
        at = (hours * 60 + minutes) * 60 + seconds + thousandths / 1000
        assert {it["text"]: it["offset"] for it in read.items}["b"] == pytest.approx(at)
        assert read.skipped == 0


HOSTILE = [
    "<", "{", "{\\b ", "{\\b  \\b", "<b ", '<b a="', "<b a=b ", "&#", "&a", "[br]", "[00:01.00]",
    "<00:", "0:0", "00:00:01.000,", "-->", "1 --> ", "\\N", "{\\t(", "\ufffd", "<p t='1'>",
    "<s>", "[",
]  # fmt: skip
HEADS = [
    "WEBVTT\n\n00:01.000 --> 00:02.000\n",
    "1\n00:00:01,000 --> 00:00:02,000\n",
    "0:00:01.000,0:00:02.000\n",
    "[00:01.00]",
    "0:01 ",
    "<timedtext><body>",
    "[Script Info]\n[Events]\nDialogue: 0,0:00:01.00,0:00:02.00,D,,0,0,0,,",
    "[",
]
HOSTILE_PROGRAM = """
import sys
from vidwiz.wiz.captions_formats import UnreadableTranscript, parse_transcript
units, heads = eval(sys.stdin.read())
for unit in units:
    for head in heads:
        try:
            parse_transcript(head + unit * (300_000 // len(unit)) + "x")
        except UnreadableTranscript:
            pass
"""


def test_hostile_long_lines_are_read_in_the_time_of_their_length() -> None:
    """Anything worse than linear takes hours, so the deadline is a generous one."""
    subprocess.run(
        [sys.executable, "-c", HOSTILE_PROGRAM],
        input=repr((HOSTILE, HEADS)),
        text=True,
        check=True,
        timeout=240,
    )
