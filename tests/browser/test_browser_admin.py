"""An admin's way through the web app."""

from playwright.async_api import expect

from tests.browser.conftest import OpenPage
from tests.browser.pages import Visitor
from tests.browser.profiles import as_auditor
from tests.browser.site import Site
from tests.browser.states import upload_captions
from tests.browser.talks import silent
from tests.support import Person


async def test_captions_that_a_user_uploaded_are_read_and_shared_with_everyone(
    site: Site, open_page: OpenPage, person: Person
) -> None:
    talk = silent("shared_0001")
    await site.has(talk)
    async with site.http() as client:
        await upload_captions(client, person, talk.video_id)
    async with open_page() as guests_page, open_page() as page:
        guest = await Visitor(guests_page).go_to(talk, "transcript")
        await expect(guest.panel).to_contain_text("No transcript yet")
        await as_auditor(page)
        await page.goto("/admin")
        await page.get_by_role("link", name="Uploaded captions").click()
        await page.get_by_role("button", name=f"Preview the captions of {talk.title}").click()
        dialog = page.get_by_role("dialog")
        await expect(dialog.get_by_text("Warm the cup first.")).to_be_visible()
        await dialog.get_by_role("button", name="Share with everyone").click()
        await Visitor(page).is_told("Everyone sees these captions now.")
        await expect(page.get_by_role("button", name="Preview the captions")).to_have_count(0)
        await guests_page.reload()
        await expect(guest.panel).to_contain_text("Warm the cup first.")
