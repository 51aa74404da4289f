"""Transcripts that the tests of Wiz ask about: real ones, where they are, and any at all."""

import json

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st

from tests.support import SHARED_DATA
from vidwiz.wiz.transcripts import Segment, segments_of

TRANSCRIPTS = SHARED_DATA / "transcripts"
APOLLO = "W421vNri5hw"
PROBLEM_S = 28535.0

unhurried = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
"""The machine may be busy with other tests."""

texts = st.text(st.sampled_from("abc de\u00e9\n\r\u2028\u65e5\u672c<>[]():0123= "), max_size=60)
any_segments = st.lists(
    st.builds(
        lambda start, duration, text: Segment(start, start + duration, text),
        st.floats(0, 40_000).map(lambda it: round(it, 2)),
        st.floats(0.1, 60),
        texts,
    ),
    max_size=40,
).map(lambda segments: sorted(segments, key=lambda it: it.start))


def real(video_id: str = APOLLO) -> list[Segment]:
    """Mission audio of Apollo 13, 2 to 8 hours of it."""
    path = TRANSCRIPTS / f"{video_id}.json"
    if not path.exists():
        pytest.skip("the shared data is absent")
    return segments_of(json.loads(path.read_text()))


def said(*lines: str, every_s: float = 5.0) -> list[Segment]:
    """One line after the other."""
    return [Segment(i * every_s, (i + 1) * every_s, line) for i, line in enumerate(lines)]
