"""A transcript that a person brought is theirs alone, until all may share it."""

import hashlib
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from secrets import token_hex
from typing import Any

import pytest

from tests.adapters.fake_gemini import Answer, FakeModel, fake_gemini
from tests.support import Api, Person, eventually, new_video_id, running_api
from tests.wiz_support import ask, gemini_at, guest, open_video, system_text
from tests.workers import claimed, drain, failure, poll, report, submit, success
from vidwiz.adapters.object_store import personal_transcripts_folder, transcript_key
from vidwiz.http.videos.transcript_store import digest_of_words

CANARY = "zyzzyva"
OWN = [{"text": f"my secret word is {CANARY}", "offset": 3.0, "duration": 2.0}]
SHARED = [{"text": "what everybody hears", "offset": 1.0, "duration": 2.0}]


@pytest.fixture(scope="module")
async def model() -> AsyncIterator[FakeModel]:
    async with fake_gemini(Answer()) as its:
        yield its


@pytest.fixture(scope="module")
async def api(
    module_dsn: str, tmp_path_factory: pytest.TempPathFactory, model: FakeModel
) -> AsyncIterator[Api]:
    folder = tmp_path_factory.mktemp("data")
    async with running_api(module_dsn, folder, **gemini_at(model)) as its:
        yield its


@pytest.fixture
async def video_id(api: Api, ann: Person, bob: Person) -> str:
    """A video on which Ann and Bob have notes, and whose transcript nobody has."""
    await drain(api.client)
    its = new_video_id()
    for person in (ann, bob):
        await api.add_note(person, its)
    return its


async def bring(api: Api, who: Person, video_id: str, items: Any = OWN, query: str = "") -> Any:
    path = f"/api/videos/{video_id}/transcript{query}"
    answer = await api.client.post(path, content=json.dumps(items), headers=who.headers)
    return answer.raise_for_status().json()


async def bring_for_all(api: Api, video_id: str, items: Any = SHARED) -> None:
    path = f"/api/videos/{video_id}/transcript"
    answer = await api.client.post(path, content=json.dumps(items), headers=api.admin)
    answer.raise_for_status()


async def read(api: Api, headers: dict[str, str], video_id: str) -> Any:
    answer = await api.client.get(f"/api/videos/{video_id}/transcript", headers=headers)
    return answer.json() if answer.status_code == 200 else answer.status_code


async def choose(api: Api, who: Person, video_id: str, use: str) -> int:
    path = f"/api/videos/{video_id}/transcript"
    answer = await api.client.patch(path, json={"use": use}, headers=who.headers)
    return answer.status_code


async def drop(api: Api, who: Person, video_id: str) -> int:
    path = f"/api/videos/{video_id}/transcript"
    return (await api.client.delete(path, headers=who.headers)).status_code


async def listed(api: Api, headers: dict[str, str], video_id: str) -> Any:
    answer = await api.client.get(f"/api/videos/{video_id}/transcripts", headers=headers)
    return answer.raise_for_status().json()


async def is_found(api: Api, who: Person, word: str) -> bool:
    answer = await api.client.get("/api/search/all", params={"q": word}, headers=who.headers)
    return bool(answer.raise_for_status().json()["total"])


async def found(api: Api, who: Person, word: str) -> None:
    async def there() -> bool:
        return await is_found(api, who, word)

    await eventually(there)


async def test_what_a_person_brings_serves_them(
    api: Api, ann: Person, video_id: str, model: FakeModel
) -> None:
    await bring(api, ann, video_id)
    assert await read(api, ann.headers, video_id) == OWN
    video = (await api.client.get(f"/api/videos/{video_id}", headers=ann.headers)).json()
    wiz = (await api.client.get(f"/api/wiz/video/{video_id}", headers=ann.headers)).json()
    assert video["transcript_available"] is wiz["transcript_available"] is True
    progress = await api.client.get(f"/api/videos/{video_id}/progress", headers=ann.headers)
    assert progress.json()["transcript"]["state"] == "ready"
    await found(api, ann, CANARY)
    assert (await ask(api.client, ann.headers, video_id)).status_code == 200
    assert CANARY in system_text(model.requests[-1])
    assert await listed(api, ann.headers, video_id) == {
        "video_id": video_id,
        "reads": "own",
        "own": {"segments": 1, "source": "upload"},
        "shared": None,
        "brought": [],
    }


Read = Callable[[Api, dict[str, str], str], Awaitable[str]]


async def _of(api: Api, headers: dict[str, str], path: str) -> str:
    answer = await api.client.get(path, headers=headers)
    return answer.content.decode(errors="replace") + str(answer.headers)


READS: dict[str, Read] = {
    "transcript": lambda api, who, v: _of(api, who, f"/api/videos/{v}/transcript"),
    "transcripts": lambda api, who, v: _of(api, who, f"/api/videos/{v}/transcripts"),
    "video": lambda api, who, v: _of(api, who, f"/api/videos/{v}"),
    "wiz video": lambda api, who, v: _of(api, who, f"/api/wiz/video/{v}"),
    "progress": lambda api, who, v: _of(api, who, f"/api/videos/{v}/progress"),
    "notes": lambda api, who, v: _of(api, who, f"/api/notes/{v}"),
    "search": lambda api, who, _: _of(api, who, f"/api/search?query={CANARY}"),
    "search all": lambda api, who, _: _of(api, who, f"/api/search/all?q={CANARY}"),
    "export": lambda api, who, _: _of(api, who, "/api/user/export"),
    "conversations": lambda api, who, _: _of(api, who, "/api/wiz/conversations"),
    "ai notes": lambda api, who, v: _of(api, who, f"/api/videos/{v}/notes/ai-note-task"),
}
"""Every way by which what a video says, or a word of it, can come to a reader."""


@pytest.mark.parametrize("shared", [False, True], ids=["alone", "beside the shared one"])
@pytest.mark.parametrize("way", READS)
async def test_nobody_else_reads_a_word_of_it(
    api: Api, ann: Person, bob: Person, video_id: str, way: str, shared: bool
) -> None:
    if shared:
        await bring_for_all(api, video_id)
    before = {
        name: await READS[way](api, who, video_id)
        for name, who in (("bob", bob.headers), ("guest", guest("g")), ("admin", api.admin))
    }
    await bring(api, ann, video_id)
    await found(api, ann, CANARY)
    for name, who in (("bob", bob.headers), ("guest", guest("g")), ("admin", api.admin)):
        text = await READS[way](api, who, video_id)
        assert CANARY not in text.replace(f'"query":"{CANARY}"', ""), name
        if way in ("video", "wiz video"):
            body = json.loads(before[name].partition("Headers(")[0])
            now = json.loads(text.partition("Headers(")[0])
            assert now == body, name


async def test_no_prompt_of_somebody_else_holds_a_word_of_it(
    api: Api, ann: Person, bob: Person, video_id: str, model: FakeModel
) -> None:
    await bring(api, ann, video_id)
    for who in (bob.headers, guest()):
        answer = await ask(api.client, who, video_id)
        assert answer.status_code == 202  # a transcript for all is on its way
    await bring_for_all(api, video_id)
    for who in (bob.headers, guest()):
        assert (await ask(api.client, who, video_id)).status_code == 200
        assert "what everybody hears" in system_text(model.requests[-1])
        assert CANARY not in str(model.requests[-1].body)
    assert (await ask(api.client, ann.headers, video_id)).status_code == 200
    assert CANARY in system_text(model.requests[-1])


async def test_workers_fetch_on_for_the_others_and_the_owner_keeps_theirs(
    api: Api, ann: Person, bob: Person, video_id: str
) -> None:
    await bring(api, ann, video_id)
    task = await claimed(api.client)
    assert task["task_details"] == {"video_id": video_id}
    answer = await submit(api.client, "transcript", {**success(task), "transcript": SHARED})
    assert answer.json()["status"] == "completed"
    assert await read(api, ann.headers, video_id) == OWN
    assert await read(api, bob.headers, video_id) == SHARED
    assert (await listed(api, bob.headers, video_id))["shared"] == {"origin": "workers"}


async def test_the_owner_replaces_chooses_and_drops(api: Api, video_id: str) -> None:
    ann = await api.sign_up()
    await api.add_note(ann, video_id)
    await bring_for_all(api, video_id)
    assert await choose(api, ann, video_id, "own") == await drop(api, ann, video_id) == 404
    await bring(api, ann, video_id)
    other = [{"text": "another word", "offset": 1.0, "duration": 1.0}]
    await bring(api, ann, video_id, other)
    assert await read(api, ann.headers, video_id) == other
    await found(api, ann, "another")
    for _ in range(2):
        assert await choose(api, ann, video_id, "shared") == 200
        assert await read(api, ann.headers, video_id) == SHARED
    await found(api, ann, "everybody")
    assert not await is_found(api, ann, "another")
    assert await choose(api, ann, video_id, "own") == 200
    assert await read(api, ann.headers, video_id) == other
    assert await drop(api, ann, video_id) == 200
    assert await read(api, ann.headers, video_id) == SHARED
    folder = personal_transcripts_folder(await user_id_of(api, ann))

    async def gone() -> bool:
        return [key async for key in api.services.objects.keys(folder)] == []

    await eventually(gone)


async def test_what_is_brought_is_not_swept_away_with_what_it_replaces(
    api: Api, ann: Person, video_id: str
) -> None:
    """The sweep after one transcript meets the next one between its object and its row."""
    for number in range(12):
        items = [{"text": f"version {number}", "offset": 1.0, "duration": 1.0}]
        await bring(api, ann, video_id, items)
        assert await read(api, ann.headers, video_id) == items


async def test_a_preview_keeps_nothing(api: Api, ann: Person, video_id: str) -> None:
    shown = await bring(api, ann, video_id, query="?preview=true")
    assert (shown["segments"], shown["beginning"]) == (1, OWN)
    assert shown["message"] == "Nothing was kept"
    assert await read(api, ann.headers, video_id) == 404
    past = await api.services.store.past_of(f"video:{video_id}")
    assert "TranscriptReady" not in {event.TOPIC for event in past}


async def test_two_persons_with_the_same_words_make_it_the_shared_one(
    api: Api, ann: Person, bob: Person, video_id: str
) -> None:
    words = "Said, twice - by two!"
    first = [{"text": words, "offset": 1.0, "duration": 1.0}]
    again = [{"text": "SAID twice", "offset": 1.1}, {"text": "by two", "offset": 2.0}]
    assert (await bring(api, ann, video_id, first))["shared"] is False
    assert (await bring(api, ann, video_id, first))["shared"] is False  # the same person twice
    assert await read(api, guest(), video_id) == 404
    assert (await bring(api, bob, video_id, again))["shared"] is True
    assert [item["text"] for item in await read(api, guest(), video_id)] == ["SAID twice", "by two"]
    assert (await listed(api, ann.headers, video_id))["shared"] == {"origin": "readers"}
    assert await read(api, ann.headers, video_id) == first
    task = await claimed(api.client)  # which the workers' replaces
    await submit(api.client, "transcript", {**success(task), "transcript": SHARED})
    assert await read(api, guest(), video_id) == SHARED


async def test_what_only_others_words_are_is_not_agreement(
    api: Api, ann: Person, bob: Person, video_id: str
) -> None:
    assert (await bring(api, ann, video_id))["shared"] is False
    other = [{"text": "not the same", "offset": 1.0, "duration": 1.0}]
    assert (await bring(api, bob, video_id, other))["shared"] is False
    elsewhere = new_video_id()
    await api.add_note(bob, elsewhere)
    assert (await bring(api, bob, elsewhere))["shared"] is False
    assert await read(api, guest(), video_id) == 404


async def test_an_admin_confirms_one(api: Api, ann: Person, bob: Person, video_id: str) -> None:
    await bring(api, ann, video_id)
    (brought,) = (await listed(api, api.admin, video_id))["brought"]
    assert brought["words_sha256"] == digest_of_words(OWN)
    path = f"/api/videos/{video_id}/transcript/share"
    for who, status in ((bob.headers, 403), (api.admin, 200)):
        body = {"user_id": brought["user_id"]}
        assert (await api.client.post(path, json=body, headers=who)).status_code == status
    assert await read(api, bob.headers, video_id) == OWN
    assert (await listed(api, bob.headers, video_id))["shared"] == {"origin": "admin"}
    unknown = await api.client.post(path, json={"user_id": 2**62}, headers=api.admin)
    assert unknown.status_code == 404


async def test_a_user_works_for_themselves(
    api: Api, ann: Person, bob: Person, video_id: str
) -> None:
    stranger = await api.sign_up()
    assert await poll(api.client, headers=stranger.headers) is None
    assert await poll(api.client, "metadata", headers=ann.headers) is None
    task = await claimed(api.client, headers=ann.headers)
    assert task["task_details"] == {"video_id": video_id}
    assert await poll(api.client, headers=ann.headers) is None
    others = await claimed(api.client)  # the workers' own task is untouched
    assert others["task_id"] != task["task_id"]
    taken = await submit(api.client, "transcript", success(task), headers=bob.headers)
    assert taken.status_code == 403
    body = {**success(task), "transcript": OWN}
    answer = await submit(api.client, "transcript", body, headers=ann.headers)
    assert answer.json()["status"] == "completed"
    assert await read(api, ann.headers, video_id) == OWN
    assert await read(api, bob.headers, video_id) == 404
    assert (await listed(api, ann.headers, video_id))["own"]["source"] == "worker"
    assert (await submit(api.client, "transcript", success(others))).status_code == 200


async def test_a_users_failures_are_their_own_and_permanent_is_an_admins_word(
    api: Api, ann: Person, video_id: str
) -> None:
    for status in ("pending", "pending", "failed"):
        task = await claimed(api.client, headers=ann.headers)
        its = failure(task, permanent=True)
        answer = await submit(api.client, "transcript", its, headers=ann.headers)
        assert answer.json()["status"] == status
    assert await poll(api.client, headers=ann.headers) is None
    task = await claimed(api.client)
    assert task["retry_count"] == 1
    await submit(api.client, "transcript", success(task))


@pytest.mark.parametrize("harm", ["gone", "changed"])
async def test_a_shared_transcript_that_is_lost_is_fetched_again(
    api: Api, ann: Person, video_id: str, harm: str
) -> None:
    await bring_for_all(api, video_id)
    key = transcript_key(video_id)
    if harm == "gone":
        await api.services.objects.delete(key)
    else:
        await api.services.objects.put(key, b'[{"text": "forged", "offset": 1}]')
    for status in (404, 202):
        answer = await ask(api.client, guest(), video_id)
        assert answer.status_code == status
        assert await read(api, ann.headers, video_id) == 404
    progress = (await api.client.get(f"/api/videos/{video_id}/progress")).json()
    assert progress["transcript"]["state"] == "pending"
    opened = await open_video(api.client, video_id)
    assert "transcript" not in (opened["tasks_queued"] or [])  # it is on its way
    past = await api.services.store.past_of(f"video:{video_id}")
    assert [event.TOPIC for event in past].count("TranscriptLost") == 1
    task = await claimed(api.client)
    await submit(api.client, "transcript", {**success(task), "transcript": SHARED})
    assert await read(api, ann.headers, video_id) == SHARED


async def test_a_lost_transcript_that_cannot_be_fetched_is_asked_for_again(
    api: Api, video_id: str
) -> None:
    task = await claimed(api.client)
    await submit(api.client, "transcript", success(task))
    await api.services.objects.delete(transcript_key(video_id))
    assert await read(api, guest(), video_id) == 404
    failed = failure(await claimed(api.client), permanent=True)
    await submit(api.client, "transcript", failed)
    assert "transcript" in (await open_video(api.client, video_id))["tasks_queued"]


async def test_an_own_transcript_that_is_changed_is_not_read(api: Api, video_id: str) -> None:
    ann = await api.sign_up()
    await bring_for_all(api, video_id)
    await bring(api, ann, video_id)
    folder = personal_transcripts_folder(await user_id_of(api, ann))
    (key,) = [key async for key in api.services.objects.keys(folder)]
    await api.services.objects.put(key, b'[{"text": "forged", "offset": 1}]')
    assert await read(api, ann.headers, video_id) == 404
    assert await read(api, ann.headers, video_id) == SHARED


async def test_an_erased_persons_transcript_goes_and_agrees_with_nobody(
    api: Api, bob: Person, video_id: str
) -> None:
    ann = await api.sign_up()
    await bring(api, ann, video_id)
    folder = personal_transcripts_folder(await user_id_of(api, ann))
    proof = {"password": ann.password}
    erased = await api.client.request("DELETE", "/api/user", json=proof, headers=ann.headers)
    erased.raise_for_status()

    async def gone() -> bool:
        return [key async for key in api.services.objects.keys(folder)] == []

    await eventually(gone)
    assert (await bring(api, bob, video_id))["shared"] is False


async def write_summary(api: Api, task: Any, summary: str) -> int:
    path = f"/api/videos/{task['task_details']['video_id']}?task_id={task['task_id']}"
    answer = await api.client.patch(path, json={"summary": summary}, headers=api.admin)
    return answer.status_code


async def summary_for(api: Api, headers: dict[str, str], video_id: str) -> Any:
    answer = await api.client.get(f"/api/wiz/video/{video_id}", headers=headers)
    return answer.raise_for_status().json()["summary"]


async def summary_task(api: Api, video_id: str) -> Any:
    """The task of the video's summary, as soon as a reaction queued it; others are given up."""
    while (task := await poll(api.client, "summary", timeout=10)) is not None:
        if task["task_details"]["video_id"] == video_id:
            return task
        await submit(api.client, "summary", failure(task, permanent=True))
    raise AssertionError("no summary is wanted")


async def test_the_summary_of_ones_own_is_ones_own_and_goes_with_it(
    api: Api, ann: Person, bob: Person, video_id: str
) -> None:
    await bring(api, ann, video_id)
    task = await summary_task(api, video_id)
    assert task["task_details"] == {"video_id": video_id, "user_id": await user_id_of(api, ann)}
    assert await write_summary(api, task, f"All about {CANARY}") == 200
    await submit(api.client, "summary", report(task, success=True))
    assert await summary_for(api, ann.headers, video_id) == f"All about {CANARY}"
    for who in (bob.headers, guest("g"), api.admin):
        assert await summary_for(api, who, video_id) is None
    assert await write_summary(api, task, "late") == 400
    await choose(api, ann, video_id, "shared")
    assert await summary_for(api, ann.headers, video_id) is None
    await choose(api, ann, video_id, "own")
    await drop(api, ann, video_id)
    assert await summary_for(api, ann.headers, video_id) is None


async def test_a_summary_of_what_was_replaced_is_refused_and_another_one_asked_for(
    api: Api, ann: Person, video_id: str
) -> None:
    await bring(api, ann, video_id)
    old = await summary_task(api, video_id)
    await bring(api, ann, video_id, [{"text": "another word", "offset": 1.0, "duration": 1.0}])
    assert await write_summary(api, old, "of the old words") == 400
    new = await summary_task(api, video_id)
    assert await write_summary(api, new, "of the new words") == 200
    assert await summary_for(api, ann.headers, video_id) == "of the new words"
    await submit(api.client, "summary", report(new, success=True))


@pytest.mark.parametrize(
    ("title", "metadata", "shown"),
    [
        ("Mine", None, "Mine"),
        ("Mine", {"title": "Theirs"}, "Theirs"),
        (None, {"title": "Theirs"}, "Theirs"),
        ("Mine", {"title": " "}, "Mine"),
        ("Mine", {"title": 5}, "Mine"),
        ("Mine", {"title": {"a": "b"}}, "Mine"),
    ],
)
async def test_the_first_title_names_a_video_until_metadata_come(
    api: Api, ann: Person, title: str | None, metadata: Any, shown: str
) -> None:
    await drain(api.client)
    video_id = new_video_id()
    if title is None:
        await open_video(api.client, video_id)
    await api.add_note(ann, video_id, video_title=title or "ignored")
    if metadata is not None:
        task = await claimed(api.client, "metadata")
        await submit(api.client, "metadata", {**report(task, success=True), "metadata": metadata})
    (note,) = (await api.client.get(f"/api/notes/{video_id}", headers=ann.headers)).json()
    wiz = (await api.client.get(f"/api/wiz/video/{video_id}")).json()
    search = await api.client.get("/api/search", params={"query": shown}, headers=ann.headers)
    (one,) = [v for v in search.json()["videos"] if v["video_id"] == video_id]
    assert note["video"]["title"] == wiz["title"] == one["video_title"] == shown
    assert await is_found(api, ann, shown)


async def test_a_video_that_was_opened_gets_the_title_of_the_first_note(
    api: Api, ann: Person, bob: Person
) -> None:
    video_id, title = new_video_id(), f"Named {token_hex(3)}"
    await open_video(api.client, video_id)
    await api.add_note(ann, video_id, video_title=title)
    await api.add_note(bob, video_id, video_title="Renamed")
    assert (await api.client.get(f"/api/wiz/video/{video_id}")).json()["title"] == title
    assert await is_found(api, bob, title.rpartition(" ")[2])


async def user_id_of(api: Api, person: Person) -> int:
    answer = await api.client.get("/api/user/profile", headers=person.headers)
    return int(answer.raise_for_status().json()["id"])


def test_the_digest_of_words_knows_no_cuts_spelling_or_times() -> None:
    one = [{"text": "\uff28ello,", "offset": 1}, {"text": "  world ", "offset": 2}]
    other = [{"text": "hello World!", "offset": 9}]
    assert digest_of_words(one) == digest_of_words(other) != digest_of_words(OWN)
    assert digest_of_words([{"text": None}, 5]) == hashlib.sha256(b"").hexdigest()


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("कवि", "कावी"),  # vowel signs
        ("น้ำ", "นำ"),  # a tone mark
        ("كُتِبَ", "كَتَبَ"),
        ("cafe", "café"),
        ("q\u0307", "q"),  # a mark that no letter has composed
        ("♪ ♪", "☠ ☠"),
        ("♪", ""),
        ("1 2", "1 3"),
    ],
)
def test_other_words_have_another_digest(one: str, other: str) -> None:
    assert digest_of_words([{"text": one}]) != digest_of_words([{"text": other}])


def test_signs_alone_are_the_same_however_they_are_cut() -> None:
    cut = [{"text": "♪"}, {"text": "♪ ♪"}]
    assert digest_of_words(cut) == digest_of_words([{"text": "♪♪♪"}])
