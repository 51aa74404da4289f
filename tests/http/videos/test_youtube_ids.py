"""Ids of YouTube videos, in every form in which people give them."""

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vidwiz.adapters.youtube_links import (
    EMPTY,
    LONGEST,
    NOT_ONE,
    PLAYLIST,
    logged_id,
    youtube_id,
)

ID = "W421vNri5hw"
CASES = json.loads(
    (Path(__file__).parents[2] / "cases" / "youtube_links.json").read_text(encoding="utf-8")
)
"""Shared with ``frontend/src/lib/youtube.test.ts``; ``server`` is what only the server says."""
REFUSALS = {"none": NOT_ONE, "playlist": PLAYLIST, "empty": EMPTY}


def refusal(given_: str) -> str | None:
    """Why it is refused; None if it is not."""
    try:
        youtube_id(given_)
    except ValueError as error:
        return str(error)
    return None


@pytest.mark.parametrize("case", CASES, ids=lambda case: repr(case["given"])[:60])
def test_links_are_read_as_the_table_says(case: dict[str, Any]) -> None:
    refused = case.get("server") or case.get("refused")
    if refused:
        assert refusal(case["given"]) == REFUSALS[refused]
    else:
        assert youtube_id(case["given"]) == case["id"]


@pytest.mark.parametrize("scheme", ["", "https://", "http://", "HTTPS://", "//"])
@pytest.mark.parametrize("host", ["youtube.com", "www.youtube.com", "m.youtube.com:443"])
@pytest.mark.parametrize("path", ["/watch?v=", "/shorts/", "/live/", "/embed/", "/v/", "/e/"])
@pytest.mark.parametrize("rest", ["", "&t=28535s", "?x=1", "#t=1", "/extra", "/"])
def test_links_to_a_video_hold_its_id(scheme: str, host: str, path: str, rest: str) -> None:
    assert youtube_id(f"{scheme}{host}{path}{ID}{rest}") == ID


@pytest.mark.parametrize("id_", ["-----------", "___________", "00000000000"])
def test_any_eleven_of_its_characters_are_an_id(id_: str) -> None:
    assert youtube_id(id_) == id_


@pytest.mark.parametrize(
    ("given_", "meant"),
    [(ID, ID), (f"https://youtu.be/{ID}", ID), ("a/b/c", "a/b/c"), ("x" * 64, "x" * 64)],
)
def test_a_reader_of_the_log_may_name_what_older_versions_took(given_: str, meant: str) -> None:
    assert logged_id(given_) == meant


@pytest.mark.parametrize("given_", ["", " ", "x" * 65, "a b", "\u00fc"])
def test_what_was_never_taken_is_refused(given_: str) -> None:
    with pytest.raises(ValueError, match="video_id"):
        logged_id(given_)


def test_nothing_is_looked_for_in_a_long_text() -> None:
    link = f"https://youtu.be/{ID} "
    assert youtube_id(link + "x" * (LONGEST - len(link))) == ID
    assert refusal(link + "x" * LONGEST) == NOT_ONE


links = st.text() | st.builds(
    "".join,
    st.lists(
        st.sampled_from([ID, "https://", "//", "youtube.com", "youtu.be", "/watch?v=", "/shorts/",
                         "[", "]", "@", ":", "%", "\u2100", "\uff0f", "#", "?", "&", " ", "list="]),
        max_size=8,
    ),
)  # fmt: skip


@given(link=links)
def test_whatever_is_given_it_is_an_id_or_one_of_three_refusals(link: str) -> None:
    refused = refusal(link)
    assert refused in (None, NOT_ONE, PLAYLIST, EMPTY)
    if refused is None:
        found = youtube_id(link)
        assert youtube_id(found) == found
        assert len(found) == 11
        assert found.isascii()


@given(before=st.text("abz09-.@:/\\\u0131\u0455\uff0e", min_size=1, max_size=8))
def test_no_other_host_passes_as_youtube(before: str) -> None:
    """Only whole labels stand before ``youtube.com``, and nothing else between it and ``//``."""
    labels = before.removesuffix(".").split(".")
    ours = before.endswith(".") and all(
        label.isascii() and label.replace("-", "a").isalnum() for label in labels
    )
    for link in (f"https://{before}youtube.com/watch?v={ID}", f"https://{before}youtu.be/{ID}"):
        assert (refusal(link) is None) == ours
