"""A guest's way: a link, questions, the limit, an account; and the ways out of a failure."""

from playwright.async_api import expect

from tests.browser.conftest import OpenPage
from tests.browser.pages import Visitor
from tests.browser.site import Site
from tests.browser.talks import Talk, coffee, silent

SUBTITLES = "0:05 First the water.\n1:30 Then the coffee."


async def test_a_guest_asks_five_questions_and_the_sixth_waits_for_an_account(
    site: Site, open_page: OpenPage
) -> None:
    talk = coffee("guest_talk1")
    site.gives(talk)
    async with open_page() as page:
        guest = Visitor(page)
        await page.goto("/")
        video = await guest.open_link(talk, "Open the video")
        await video.show("Wiz")
        await page.get_by_role("button", name="What should I remember from it?").click()
        for left in (4, 3, 2, 1):
            await guest.is_told(f"{left} of 5 questions left today")
            await video.ask(f"Question with {left} left?")
        await guest.is_told("No questions left today.")
        await expect(video.exchanges).to_have_count(5)

        await video.question.fill("And the sixth?")
        await guest.is_told("Your question stays here.")
        await expect(page.get_by_role("button", name="Ask", exact=True)).to_be_disabled()
        await video.panel.get_by_role("link", name="Sign up").click()
        await guest.sign_up("Guest Once", "sixth@example.org", "correct horse")
        await expect(video.question).to_have_value("And the sixth?")
        await video.ask("And the sixth?")
        await expect(video.exchanges.first).to_contain_text("And the sixth?")


async def test_a_video_without_captions_says_so_and_takes_a_pasted_transcript(
    site: Site, open_page: OpenPage
) -> None:
    talk = silent("no_captions")
    await site.has(talk)
    async with open_page() as page:
        guest = Visitor(page)
        video = await guest.go_to(talk, tab="transcript")
        await guest.is_told("The transcript could not be fetched.")
        await expect(page.get_by_role("button", name="Try again")).to_be_visible()
        await page.get_by_role("button", name="Upload captions").click()
        await page.get_by_role("dialog").get_by_role("link", name="Sign up").click()
        await guest.sign_up("Bringer", "bringer@example.org", "correct horse")

        await page.get_by_role("button", name="Upload captions").click()
        await page.get_by_label("Transcript", exact=True).fill(SUBTITLES)
        await page.get_by_role("button", name="Preview").click()
        preview = page.get_by_role("region", name="Preview")
        await expect(preview).to_contain_text("Then the coffee.")
        await page.get_by_role("button", name="Save these captions").click()
        await guest.is_told("Captions saved: 2 lines. Only you see them.")
        await video.show("Transcript")
        await video.play_line("Then the coffee.")
        await video.is_at(90)


async def test_what_a_guest_wrote_is_there_after_signing_up(
    open_page: OpenPage, talk: Talk
) -> None:
    async with open_page() as page:
        guest = Visitor(page)
        video = await guest.go_to(talk)
        await page.keyboard.press("n")
        await page.keyboard.type("Before I had an account")
        await page.keyboard.press("Enter")
        await guest.is_told("Notes need an account. What you wrote stays here.")
        await video.composer.get_by_role("link", name="Sign up").click()
        await guest.sign_up("Late Comer", "late@example.org", "correct horse")
        await page.get_by_role("button", name="Save note").click()
        await expect(video.note("Before I had an account")).to_be_visible()
