"""Metadata are public and in many answers: they are small, wherever they enter or lie already."""

from collections.abc import AsyncIterator
from typing import Any

import orjson
import pytest

from tests.support import Api, new_video_id, running_api
from vidwiz.commands.tasks import SubmitResult
from vidwiz.events import TaskType
from vidwiz.events.metadata_bounds import LARGEST, MetadataTooLarge, kept
from vidwiz.events.recorded import ADMIN, EventMetadata


@pytest.fixture(scope="module")
async def api(module_dsn: str, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Api]:
    async with running_api(module_dsn, tmp_path_factory.mktemp("data")) as its:
        yield its


def of_size(size: int, letter: str = "x") -> dict[str, Any]:
    """Metadata of so many bytes as JSON."""
    frame = len(orjson.dumps({"title": "A talk", "other": ""}))
    return {"title": "A talk", "other": letter * ((size - frame) // len(letter.encode()))}


def nested(levels: int) -> dict[str, Any]:
    value: Any = "x"
    for _ in range(levels - 1):
        value = [value]
    return {"title": "A talk", "deep": value}


@pytest.mark.parametrize(
    ("given", "unchanged"),
    [
        (of_size(LARGEST - 1), True),
        (of_size(LARGEST), True),
        (of_size(LARGEST + 1), False),
        (of_size(900_000), False),
        (of_size(LARGEST + 3, "漢"), False),
        (nested(190), True),
        ({"anything": [1, {"at": None}], "n": 10**30}, True),
    ],
    ids=lambda value: None if isinstance(value, bool) else str(len(str(value))),
)
def test_metadata_within_the_bounds_stay_as_they_came(given: Any, unchanged: bool) -> None:
    assert kept(given) == (given if unchanged else {"title": "A talk"})


@pytest.mark.parametrize("letter", ["d", "漢", "\n", '"', "\x1b", "😀"])
def test_of_larger_ones_the_known_fields_stay_and_the_description_is_cut(letter: str) -> None:
    known = {"title": "T" * 2000, "channel": "C", "duration": 12.5, "view_count": 7}
    large = {**known, "formats": ["f" * 100] * 500, "like_count": "many", "uploader": None}
    its = kept({**large, "description": letter * 50_000})
    description = its.pop("description")
    assert its == {**known, "title": "T" * 1000}
    assert set(description) == {letter}
    size = len(orjson.dumps({**its, "description": description}))
    assert LARGEST - 8 <= size <= LARGEST


@pytest.mark.parametrize(
    "given",
    [{"x": "y" * LARGEST}, {"title": "", "x": "y" * LARGEST}, {"title": 5, "x": ["y"] * LARGEST}],
)
def test_larger_ones_that_say_nothing_are_refused(given: dict[str, Any]) -> None:
    with pytest.raises(MetadataTooLarge):
        kept(given)


async def submitted(api: Api, metadata: dict[str, Any]) -> tuple[str, Any]:
    video_id = new_video_id()
    await api.add_note(await api.sign_up(), video_id)
    task = (await api.client.get("/api/tasks/metadata?timeout=5", headers=api.admin)).json()
    result = {"task_id": task["task_id"], "success": True, "metadata": metadata}
    result["video_id"] = video_id = task["task_details"]["video_id"]
    return video_id, await api.client.post("/api/tasks/metadata", json=result, headers=api.admin)


async def test_a_workers_metadata_are_bounded(api: Api) -> None:
    whole = of_size(LARGEST)
    video_id, answer = await submitted(api, whole)
    assert answer.status_code == 200
    assert (await api.client.get(f"/api/wiz/video/{video_id}")).json()["metadata"] == whole
    video_id, answer = await submitted(api, {**of_size(900_000), "description": "d" * 90_000})
    assert answer.status_code == 200
    assert len((await api.client.get(f"/api/wiz/video/{video_id}")).content) < LARGEST + 1000
    video_id, answer = await submitted(api, {"x": "y" * LARGEST})
    assert answer.status_code == 422
    assert answer.json()["error"]["details"][0]["field"] == "metadata"


async def test_what_was_stored_without_a_bound_is_answered_within_it(api: Api) -> None:
    person, video_id = await api.sign_up(), new_video_id()
    for number in range(40):
        await api.add_note(person, video_id, timestamp=f"0:{number:02}")
    large = {
        **of_size(900_000), "title": {"no": "text" * 1000}, "duration": 10**3000,
        "view_count": 7, "description": "d" * 90_000, "channel": "C" * 9000,
    }  # fmt: skip
    task = (await api.client.get("/api/tasks/metadata?timeout=5", headers=api.admin)).json()
    stored = SubmitResult(
        task["task_id"], TaskType.METADATA, video_id, "admin", metadata=large
    )  # as it was taken before there was a bound
    await api.services.store.execute(stored, EventMetadata(ADMIN))
    summary = {"summary": "s" * 9000}
    path = f"/api/videos/{video_id}"
    (await api.client.patch(path, json=summary, headers=api.admin)).raise_for_status()
    for path, most in (
        (f"/api/wiz/video/{video_id}", 40_000),
        (f"/api/videos/{video_id}", 40_000),
        ("/api/search", 40_000),
        (f"/api/notes/{video_id}", 500_000),
    ):
        answer = await api.client.get(path, headers=person.headers)
        assert answer.status_code == 200, path
        assert len(answer.content) < most, path
    notes = answer.json()
    assert len(notes) == 40
    assert notes[0]["video"]["metadata"]["view_count"] == 7
    assert len(notes[0]["video"]["summary"]) == 9000
    assert len(notes[-1]["video"]["summary"]) == 500
    assert "description" not in notes[-1]["video"]["metadata"]


async def test_notes_to_be_written_come_a_hundred_at_a_time(api: Api) -> None:
    person, video_id = await api.sign_up(), new_video_id()
    wants = {"ai_notes_enabled": True}
    (
        await api.client.patch("/api/user/profile", json=wants, headers=person.headers)
    ).raise_for_status()
    for number in range(101):
        await api.add_note(person, video_id, text="", timestamp=f"{number // 60}:{number % 60:02}")
    path = f"/api/videos/{video_id}/notes/ai-note-task"
    notes = (await api.client.get(path, headers=api.admin)).json()["notes"]
    assert len(notes) == 100
    assert [note["timestamp"] for note in notes][::99] == ["0:00", "1:39"]
