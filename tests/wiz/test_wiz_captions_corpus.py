"""Every rule of docs/captions.md, by small files whose segments are written down beside them."""

import json
import re
from pathlib import Path

import pytest

from vidwiz.wiz.captions_formats import UnreadableTranscript, read_transcript

CORPUS = Path(__file__).parent / "captions"
FILES = sorted(path for path in CORPUS.glob("*/*") if path.suffix != ".expected")
DOCUMENT = (Path(__file__).parents[2] / "docs" / "captions.md").read_text()
RULES = re.findall(r"^\| `([a-z0-9-]+)` \|", DOCUMENT, re.MULTILINE)


@pytest.mark.parametrize("path", FILES, ids=lambda path: f"{path.parent.name}-{path.name}")
def test_a_file_has_the_segments_that_its_rule_says(path: Path) -> None:
    expected = json.loads(path.with_suffix(".expected").read_text())
    if "refused" in expected:
        with pytest.raises(UnreadableTranscript) as refused:
            read_transcript(path.read_bytes())
        assert expected["refused"] in str(refused.value)
        return
    read = read_transcript(path.read_bytes())
    found = [[it["offset"], it["offset"] + it["duration"], it["text"]] for it in read.items]
    assert found == [
        [pytest.approx(start), pytest.approx(end), text]
        for start, end, text in expected["segments"]
    ]
    assert read.skipped == len(expected["skipped"])
    assert [one.line for one in read.reasons] == expected["skipped"][: len(read.reasons)]


def test_every_rule_has_several_files_and_every_file_a_rule() -> None:
    assert len(RULES) == len(set(RULES))
    assert {path.parent.name for path in FILES} == set(RULES)
    assert [rule for rule in RULES if len([*(CORPUS / rule).glob("*.expected")]) < 2] == []
