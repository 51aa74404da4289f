"""A person's way through the web app: capture, find, ask, take everything along, leave."""

import io
import zipfile
from pathlib import Path

from playwright.async_api import expect

from tests.adapters.fake_gemini import Answer
from tests.browser.conftest import OpenPage
from tests.browser.pages import Visitor
from tests.browser.site import Site
from tests.browser.talks import Talk, coffee
from tests.support import Person, add_note, bearer

SOUR = "If your cup is sour and thin"  # said at 64.61 s
ANSWER = ("Sour means too little came out: ", "grind finer ", "[1:04]", ", says the talk.")


async def test_a_newcomer_signs_up_adds_a_video_and_keeps_notes_by_key(
    site: Site, open_page: OpenPage
) -> None:
    talk = coffee("newcomer_01")
    site.gives(talk)
    site.youtube.gate.clear()
    async with open_page() as page:
        newcomer = Visitor(page)
        await page.goto("/")
        await page.get_by_role("banner").get_by_role("link", name="Sign up").click()
        await newcomer.sign_up("Ada Lovelace", "ada@example.org", "correct horse")
        video = await newcomer.open_link(talk, "Add video")

        await video.show("Transcript")
        await expect(video.panel).to_contain_text("No transcript yet")
        site.youtube.gate.set()
        await video.play_line(SOUR)
        await video.is_at(64.61)
        await expect(page.get_by_role("heading", level=1)).to_have_text(talk.title)

        await video.show("Notes")
        await page.keyboard.press("n")
        await video.is_paused()
        await expect(page.get_by_label("Time of the note")).to_have_value("0:59")
        await page.keyboard.type("Sour: grind finer")
        await page.keyboard.press("Enter")
        await video.is_playing()
        await expect(video.note("Sour: grind finer")).to_be_visible()
        await page.get_by_role("button", name="Play from 0:59").click()
        await video.is_at(59)


async def test_a_note_is_changed_and_deleted_and_both_are_taken_back(
    site: Site, open_page: OpenPage, person: Person, talk: Talk
) -> None:
    async with site.http() as client:
        await add_note(client, person, talk.video_id, timestamp="1:21", text="60 g for a litre")
    async with open_page(person) as page:
        video = await Visitor(page).go_to(talk)
        await video.edit_note("1:21", "Sixty grams")
        await expect(video.note("Sixty grams")).to_be_visible()
        await video.undo()
        await expect(video.note("60 g for a litre")).to_be_visible()

        await video.delete_note("1:21")
        await expect(video.note("60 g for a litre")).to_be_hidden()
        await video.undo()
        await expect(video.note("60 g for a litre")).to_be_visible()

        await page.get_by_role("button", name="History of the note at 1:21").click()
        history = page.get_by_role("dialog", name="History of the note at 1:21")
        await expect(history.get_by_role("listitem")).to_have_count(5)
        changed = history.get_by_role("listitem").filter(has_text="Sixty grams")
        await changed.get_by_role("button", name="Go back to it").click()
        await expect(video.note("Sixty grams")).to_be_visible()


async def test_an_answer_is_stopped_and_another_goes_on_over_a_reload(
    site: Site, open_page: OpenPage, person: Person, talk: Talk
) -> None:
    site.model.will(Answer(("Well, ",), end="hang"), Answer(ANSWER, interval_s=0.7))
    async with open_page(person) as page:
        video = await Visitor(page).go_to(talk, tab="wiz")
        await video.ask("Why is my coffee bad?")
        await expect(video.exchanges).to_contain_text(["Well,"])
        await page.get_by_role("button", name="Stop").click()
        await expect(video.exchanges).to_contain_text(["You stopped it here."])

        await video.ask("What if it is sour?")
        await expect(video.exchanges.last).to_contain_text("Sour means")
        await page.reload()
        citation = video.panel.get_by_role("button", name="Play from 1:04")
        await citation.click()
        await video.is_at(64.61)
        await expect(page.get_by_role("tooltip")).to_contain_text(SOUR)
        await expect(video.exchanges).to_have_count(2)
        words = "Sour means too little came out: grind finer 1:04, says the talk."
        await expect(video.panel.get_by_text(words)).to_have_count(1)


async def test_a_note_sent_with_the_token_appears_in_the_open_page(
    site: Site, open_page: OpenPage, person: Person, talk: Talk
) -> None:
    clipboard = ["clipboard-read", "clipboard-write"]
    async with open_page(person, permissions=clipboard) as page, site.http() as client:
        await page.goto("/videos")
        await Visitor(page).choose("Profile")
        await page.get_by_role("button", name="Create an API key").click()
        await page.get_by_role("button", name="Copy API key").click()
        await expect(page.get_by_role("button", name="Copied")).to_be_visible()
        token = await page.evaluate("navigator.clipboard.readText()")

        video = await Visitor(page).go_to(talk)
        await expect(video.panel).to_contain_text("No notes on this video yet")
        phone = Person(person.email, "", bearer(token))
        await add_note(client, phone, talk.video_id, timestamp="2:20", text="From the phone")
        await expect(video.note("From the phone")).to_be_visible()


async def test_the_search_finds_title_note_and_transcript_with_their_seconds(
    site: Site, open_page: OpenPage, person: Person, talk: Talk
) -> None:
    async with site.http() as client:
        await add_note(client, person, talk.video_id, timestamp="1:21", text="A kettle of coffee")
    async with open_page(person) as page:
        await page.goto("/videos")
        search = page.get_by_role("searchbox", name="Search titles, notes and transcripts")
        await search.fill("coff")
        found = page.get_by_role("main").get_by_role("listitem").filter(has_text=talk.title)
        await expect(found.get_by_role("heading", name=talk.title)).to_be_visible()
        await expect(found.get_by_role("link", name="Note 1:21")).to_be_visible()
        await search.fill('"sour and thin"')
        await found.get_by_role("link", name="Transcript 1:04").click()
        await expect(page).to_have_url(f"{site.url}/videos/{talk.video_id}?t=64")


async def test_a_video_that_was_opened_without_a_note_is_in_the_library_of_another_browser(
    open_page: OpenPage, person: Person, talk: Talk
) -> None:
    """Also one that others opened before, and whose address is followed."""
    async with open_page(person) as here, open_page(person) as there:
        await there.goto("/videos")
        await expect(there.get_by_role("heading", name="No videos yet")).to_be_visible()
        await Visitor(here).go_to(talk)
        await expect(there.get_by_role("link", name=talk.title)).to_be_visible()
        await there.reload()
        await expect(there.get_by_role("link", name=talk.title)).to_have_count(1)


async def test_everything_is_taken_along_and_the_account_is_deleted(
    site: Site, open_page: OpenPage, person: Person, talk: Talk, tmp_path: Path
) -> None:
    async with site.http() as client:
        await add_note(client, person, talk.video_id, timestamp="2:20", text="The bloom")
    async with open_page(person) as page:
        await page.goto("/profile")
        async with page.expect_download() as download:
            await page.get_by_role("button", name="Download a ZIP").click()
        await (await download.value).save_as(tmp_path / "export.zip")
        assert "The bloom" in _texts(tmp_path / "export.zip")

        await page.get_by_role("button", name="Delete my account").click()
        await page.get_by_role("dialog").get_by_label("Password").fill(person.password)
        await page.get_by_role("button", name="Delete permanently").click()
        await Visitor(page).is_told("Your account is erased.")
        await page.get_by_role("link", name="Log in").click()
        await Visitor(page).log_in(person.email, person.password)
        await Visitor(page).is_told("Invalid email or password.")


def _texts(export: Path) -> str:
    with zipfile.ZipFile(io.BytesIO(export.read_bytes())) as files:
        return "".join(files.read(name).decode() for name in files.namelist())
