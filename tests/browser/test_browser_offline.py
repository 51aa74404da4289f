"""Without a connection nothing that was typed is lost, and the page says how things stand."""

from playwright.async_api import expect

from tests.browser.conftest import OpenPage
from tests.browser.pages import Visitor
from tests.browser.site import Site
from tests.browser.talks import Talk
from tests.support import Person


async def test_a_note_that_was_written_offline_is_saved_once_the_connection_is_back(
    site: Site, open_page: OpenPage, person: Person, talk: Talk
) -> None:
    async with open_page(person) as page:
        video = await Visitor(page).go_to(talk)
        await expect(video.panel).to_contain_text("No notes on this video yet")
        await page.context.set_offline(True)
        await Visitor(page).is_told("You are offline. What you type is kept")
        await video.add_note("Written on the train")
        await expect(video.note("Written on the train")).to_contain_text("Saving…")

        await page.context.set_offline(False)
        await expect(video.note("Written on the train")).not_to_contain_text("Saving…")
        await expect(page.get_by_text("You are offline.")).to_be_hidden()
    async with site.http() as client:
        kept = await client.get(f"/api/notes/{talk.video_id}", headers=person.headers)
    assert [note["text"] for note in kept.json()] == ["Written on the train"]


async def test_a_note_that_a_reload_interrupted_offline_is_sent_once(
    open_page: OpenPage, person: Person, talk: Talk
) -> None:
    async with open_page(person) as page:
        video = await Visitor(page).go_to(talk)
        await expect(video.panel).to_contain_text("No notes on this video yet")
        await page.context.set_offline(True)
        await video.add_note("Before the reload")
        await page.context.set_offline(False)
        await page.reload()
        await expect(video.note("Before the reload")).to_have_count(1)
        await expect(video.note("Before the reload")).not_to_contain_text("Saving…")
