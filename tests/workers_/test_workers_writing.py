"""Summaries and AI notes, written by a stand-in Gemini, and as extracts without any model."""

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.adapters.fake_gemini import Answer, FakeModel, fake_gemini
from tests.support import Api, Server, eventually, new_video_id, running_api, serving
from tests.workers_.working import Service, Working, service_of, working
from vidwiz.adapters.gemini import Gemini
from vidwiz.commands.tasks import QueueTask
from vidwiz.events import TaskType
from vidwiz.events.recorded import SYSTEM, EventMetadata
from vidwiz.wiz.prompts import note_prompt
from vidwiz.workers.jobs import Job, Kind
from vidwiz.workers.writing import fitting, seconds_of_note, unwrapped

SPOKEN = [
    {"text": f"At step {n} the crew reads checklist number {n} aloud.", "offset": n * 5.0}
    for n in range(40)
]
LINE = "The crew reads checklist number sixteen aloud at step 16."


@dataclass
class Desk:
    """A service, and its store, which queues what is to be written."""

    service: Service
    api: Api

    async def queue(self, kind: TaskType, video_id: str, note_id: int | None = None) -> None:
        """Queue it, if the service has not done so by itself."""
        await self.api.services.store.execute(
            QueueTask(kind, video_id, note_id), EventMetadata(SYSTEM)
        )

    async def spoken_video(self, **note: Any) -> tuple[str, int]:
        """A video with a transcript, and a note on it that wants words."""
        video_id = new_video_id()
        note_id = (await self.service.note(video_id, **{"text": None, **note}))["id"]
        await self.service.bring(video_id, SPOKEN)
        await self.queue(TaskType.AI_NOTE, video_id, note_id)
        return video_id, note_id

    async def note(self, video_id: str) -> dict[str, Any]:
        """The note on a video."""
        (its,) = await self.service.get(f"notes/{video_id}")
        return dict(its)


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("served") / "data"


@pytest.fixture(scope="module")
def server(module_dsn: str, data: Path) -> Iterator[Server]:
    with serving(data, module_dsn) as its:
        yield its


@pytest.fixture(scope="module")
async def desk(server: Server, module_dsn: str, data: Path) -> AsyncIterator[Desk]:
    async with service_of(server) as service, running_api(module_dsn, data) as api:
        await service.enable_ai_notes()
        yield Desk(service, api)


@asynccontextmanager
async def writing(
    desk: Desk, kind: Kind, gemini: FakeModel | None = None
) -> AsyncIterator[Working]:
    def model() -> Gemini | None:
        return Gemini("key", base_url=gemini.url) if gemini is not None else None

    async with working(desk.service.url, kind, model=model) as workers:
        yield workers


async def test_a_summary_is_what_the_model_says(desk: Desk) -> None:
    video_id, _ = await desk.spoken_video()
    await desk.queue(TaskType.SUMMARY, video_id)
    async with (
        fake_gemini(Answer(("  A crew reads ", "its checklists.\n"))) as gemini,
        writing(desk, Kind.SUMMARY, gemini) as workers,
    ):
        line = await workers.job(video_id)
    assert (line["outcome"], line["tries"], line["kind"]) == ("done", 1, "summary")
    assert (await desk.service.get(f"videos/{video_id}"))["summary"] == (
        "A crew reads its checklists."
    )
    (request,) = [it for it in gemini.requests if "A title" in str(it.body)]
    assert "checklist number 39" in str(request.body)


async def test_a_summary_without_a_model_is_an_extract(desk: Desk) -> None:
    video_id, _ = await desk.spoken_video()
    await desk.queue(TaskType.SUMMARY, video_id)
    async with writing(desk, Kind.SUMMARY) as workers:
        line = await workers.job(video_id)
    assert (line["outcome"], line["tries"]) == ("done", 0)
    summary = (await desk.service.get(f"videos/{video_id}"))["summary"]
    assert "no language model is configured" in summary
    assert "[0:" in summary


OWN_WORDS = [
    {"text": f"Zyzzyva number {n} flies over the meadow.", "offset": n * 5.0} for n in range(40)
]


async def bring_own(desk: Desk, video_id: str) -> None:
    path = f"/api/videos/{video_id}/transcript"
    answer = await desk.service.client.post(path, json=OWN_WORDS, headers=desk.service.user)
    answer.raise_for_status()


@pytest.mark.parametrize("shared", [False, True], ids=["alone", "beside the shared one"])
async def test_who_brought_a_transcript_gets_a_summary_of_it_for_themselves(
    desk: Desk, shared: bool
) -> None:
    video_id = await desk.service.new_video()
    if shared:
        await desk.service.bring(video_id, SPOKEN)
    async with (
        fake_gemini(Answer(("A summary of theirs.",))) as gemini,
        writing(desk, Kind.SUMMARY, gemini) as workers,
    ):
        if shared:
            await workers.job(video_id)
        await bring_own(desk, video_id)

        async def written() -> bool:
            return any("Zyzzyva" in str(it.body) for it in gemini.requests)

        await eventually(written, 20)
        await workers.jobs_done(video_id, 2 if shared else 1)
    assert (await desk.service.get(f"videos/{video_id}"))["summary"] == "A summary of theirs."
    everybody = (await desk.service.client.get(f"/api/wiz/video/{video_id}")).json()
    assert everybody["summary"] == ("A summary of theirs." if shared else None)
    prompts = [str(it.body) for it in gemini.requests if "A title" in str(it.body)]
    assert [("Zyzzyva" in it, "checklist" in it) for it in prompts] == (
        [(False, True), (True, False)] if shared else [(True, False)]
    )


@pytest.mark.parametrize("first", ["note", "transcript"])
async def test_ai_notes_are_written_from_what_their_owner_reads(desk: Desk, first: str) -> None:
    video_id = new_video_id()
    words = {"text": None, "timestamp": "1:20"}
    if first == "transcript":
        await desk.service.note(video_id, text="so that the video is there")
        await bring_own(desk, video_id)
    noted = await desk.service.note(video_id, **words)
    async with writing(desk, Kind.AI_NOTE) as workers:
        if first == "note":
            await bring_own(desk, video_id)
        line = await workers.job(video_id)
    assert (line["outcome"], line["note_id"]) == ("done", noted["id"])
    notes = await desk.service.get(f"notes/{video_id}")
    (text,) = [its["text"] for its in notes if its["id"] == noted["id"]]
    assert "Zyzzyva number 16" in text


async def test_an_endless_summary_is_cut_to_what_the_service_takes(desk: Desk) -> None:
    video_id, _ = await desk.spoken_video()
    await desk.queue(TaskType.SUMMARY, video_id)
    async with (
        fake_gemini(Answer(("word " * 5000,))) as gemini,
        writing(desk, Kind.SUMMARY, gemini) as workers,
    ):
        assert (await workers.job(video_id))["outcome"] == "done"
    summary = (await desk.service.get(f"videos/{video_id}"))["summary"]
    assert 9_000 < len(summary) <= 10_000


async def test_a_note_gets_one_line_from_its_moment(desk: Desk) -> None:
    video_id, note_id = await desk.spoken_video(timestamp="1:20")
    async with (
        fake_gemini(Answer((f'"{LINE}"\n',))) as gemini,
        writing(desk, Kind.AI_NOTE, gemini) as workers,
    ):
        line = await workers.job(video_id)
    assert (line["outcome"], line["note_id"], line["tries"]) == ("done", note_id, 1)
    note = await desk.note(video_id)
    assert (note["text"], note["generated_by_ai"]) == (LINE, True)
    bodies = [str(request.body) for request in gemini.requests]  # and those of other notes
    (asked,) = [body for body in bodies if "The moment is 1:20" in body]
    assert "checklist number 16" in asked
    assert "checklist number 39" not in asked


async def test_a_note_without_a_model_is_what_is_said_then(desk: Desk) -> None:
    video_id, _ = await desk.spoken_video(timestamp="0:01:20")
    async with writing(desk, Kind.AI_NOTE) as workers:
        assert (await workers.job(video_id))["outcome"] == "done"
    note = await desk.note(video_id)
    assert note["text"] == SPOKEN[16]["text"]
    assert note["generated_by_ai"]


async def test_a_note_on_silence_stays_empty_for_a_reason(desk: Desk) -> None:
    video_id, _ = await desk.spoken_video(timestamp="99:59:59")
    async with writing(desk, Kind.AI_NOTE) as workers:
        line = await workers.job(video_id)
    assert (line["outcome"], line["error_code"]) == ("failed", "nothing_said")
    assert not (await desk.note(video_id))["text"]


async def test_words_that_a_person_wrote_meanwhile_stay(desk: Desk) -> None:
    video_id, note_id = await desk.spoken_video()
    answer = await desk.service.client.patch(
        f"/api/notes/{note_id}", json={"text": "my own"}, headers=desk.service.user
    )
    answer.raise_for_status()
    async with writing(desk, Kind.AI_NOTE) as workers:
        assert (await workers.job(video_id))["outcome"] == "skipped"
    note = await desk.note(video_id)
    assert (note["text"], note["generated_by_ai"]) == ("my own", False)


@pytest.mark.parametrize(
    ("answer", "code", "attempts"),
    [
        (Answer(block_reason="SAFETY"), "model_refused", [1]),
        (Answer(status=403), "model_unavailable", [1, 2, 3]),
    ],
)
async def test_a_model_that_fails_is_told_to_the_service(
    desk: Desk, answer: Answer, code: str, attempts: list[int]
) -> None:
    video_id, _ = await desk.spoken_video()
    async with (
        fake_gemini(answer) as gemini,
        writing(desk, Kind.AI_NOTE, gemini) as workers,
    ):
        for attempt in attempts:
            line = await workers.job(video_id, attempts=attempt)
            assert (line["outcome"], line["error_code"]) == ("failed", code)
    assert not (await desk.note(video_id))["text"]


async def test_three_tries_until_a_line_fits() -> None:
    async with fake_gemini() as gemini:
        gemini.will(Answer(("Too short.",)), Answer(("long " * 100,)), Answer((LINE,)))
        assert await fitted(gemini) == LINE
    assert len(gemini.requests) == 3
    assert "That has 10 characters." in str(gemini.requests[1].body)


async def test_after_three_tries_the_best_line_is_cut_between_words() -> None:
    async with fake_gemini(Answer(("Too short.",))) as gemini:
        gemini.will(Answer(("Too short.",)), Answer(("longer " * 30,)), Answer(("long " * 100,)))
        line = await fitted(gemini)
    assert 40 <= len(line) <= 120
    assert set(line.removesuffix("…").split()) == {"longer"}


async def fitted(gemini: FakeModel) -> str:
    model = Gemini("key", base_url=gemini.url)
    try:
        return await fitting(model, note_prompt("A title", [], 80.0), Job(Kind.AI_NOTE, "x", 1))
    finally:
        await model.aclose()


@pytest.mark.parametrize(
    ("timestamp", "seconds"),
    [
        ("1:20", 80),
        ("01:02:03", 3723),
        ("75:00", 4500),
        ("0:75", 75),
        (" 7:55:35 ", 28535),
        ("[12:34]", 754),
        ("12:34 / 1:00:00", 754),
        ("12 : 34", 754),
        ("1:2:3:4", 93784),
        ("1:20.5", 80),
        ("\u0661:\u0662\u0660", 80),
        ("x: 80", 80),
        (":1x20", 80),
        ("99999999999:00", 10_000_000),
        ("ab:", 0),
    ],
)
def test_times_of_notes_are_read_as_people_write_them(timestamp: str, seconds: int) -> None:
    assert seconds_of_note(timestamp) == seconds


@pytest.mark.parametrize(
    "text", ['"A line."', "**A line.**", "- A line.", "A\n\nline.", "> `A line.`", "“A line.”"]
)
def test_a_line_is_taken_out_of_its_wrapping(text: str) -> None:
    assert unwrapped(text) == "A line."
