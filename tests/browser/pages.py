"""What people do on the pages, by the roles and names that screen readers know them by."""

from dataclasses import dataclass

from playwright.async_api import Locator, Page, expect

from tests.browser.talks import Talk

PLAYER = "Stand-in of YouTube's player"


@dataclass(frozen=True)
class Visitor:
    """Somebody at the site, wherever they are."""

    page: Page

    async def sign_up(self, name: str, email: str, password: str) -> None:
        """Fill in the form that is open."""
        main = self.page.get_by_role("main")
        await main.get_by_label("Name").fill(name)
        await main.get_by_label("E-mail").fill(email)
        await main.get_by_label("Password").fill(password)
        await main.get_by_role("button", name="Sign up").click()

    async def log_in(self, email: str, password: str) -> None:
        """Fill in the form that is open."""
        main = self.page.get_by_role("main")
        await main.get_by_label("E-mail").fill(email)
        await main.get_by_label("Password").fill(password)
        await main.get_by_role("button", name="Log in").click()

    async def open_link(self, talk: Talk, action: str) -> "VideoPage":
        """Paste the talk's link and press the button of that name."""
        await self.page.get_by_label("Link to a YouTube video").fill(talk.link)
        await self.page.get_by_role("button", name=action).click()
        return VideoPage(self.page)

    async def go_to(self, talk: Talk, tab: str = "") -> "VideoPage":
        """The talk's page by its address."""
        await self.page.goto(f"/videos/{talk.video_id}" + (f"?tab={tab}" if tab else ""))
        video = VideoPage(self.page)
        await expect(video.player).to_be_visible()
        return video

    async def choose(self, item: str) -> None:
        """An item of the account's menu."""
        await self.page.get_by_role("button", name="Account of").click()
        await self.page.get_by_role("menuitem", name=item).click()

    async def is_told(self, text: str) -> None:
        """A toast, a status or an alert says so."""
        await expect(self.page.get_by_text(text)).to_be_visible()


@dataclass(frozen=True)
class VideoPage:
    """The page of a video."""

    page: Page

    @property
    def player(self) -> Locator:
        """The stand-in's frame."""
        return self.page.get_by_title(PLAYER)

    @property
    def composer(self) -> Locator:
        """The form of a new note, while one is written."""
        return self.page.get_by_role("region", name="New note")

    @property
    def panel(self) -> Locator:
        """The panel of the chosen tab."""
        return self.page.get_by_role("tabpanel")

    async def show(self, tab: str) -> None:
        """Choose one of the tabs."""
        await self.page.get_by_role("tab", name=tab).click()

    async def is_at(self, seconds: float) -> None:
        """The player was last sent there."""
        await expect(self.player).to_have_attribute("data-sought", str(seconds))

    async def is_playing(self) -> None:
        """The player plays."""
        await expect(self.player).to_have_attribute("data-state", "playing")

    async def is_paused(self) -> None:
        """The player waits."""
        await expect(self.player).to_have_attribute("data-state", "paused")

    async def play_line(self, words: str) -> None:
        """Play from the line of the transcript that has these words."""
        await self.panel.get_by_role("button", name=words).click()

    async def add_note(self, words: str) -> None:
        """Write a note by key alone; without words it keeps the time."""
        await self.page.keyboard.press("n")
        await expect(self.composer.get_by_label("Note text")).to_be_focused()
        await self.page.keyboard.type(words)
        await self.page.keyboard.press("Enter")
        await expect(self.composer).to_be_hidden()

    def note(self, words: str) -> Locator:
        """A note that is listed."""
        return self.panel.get_by_role("listitem").filter(has_text=words)

    async def edit_note(self, at: str, words: str) -> None:
        """Other words for the note at that time."""
        await self.page.get_by_role("button", name=f"Edit the note at {at}").click()
        await self.page.get_by_label(f"Note text at {at}").fill(words)
        await self.page.keyboard.press("Enter")

    async def delete_note(self, at: str) -> None:
        """The note at that time."""
        await self.page.get_by_role("button", name=f"Delete the note at {at}").click()

    async def undo(self) -> None:
        """Take the last change back, by its toast."""
        await self.page.get_by_role("button", name="Undo").last.click()

    @property
    def question(self) -> Locator:
        """The field in which Wiz is asked."""
        return self.page.get_by_label("Your question")

    async def ask(self, question: str) -> None:
        """Ask Wiz, whose panel is shown, once it has answered what was asked before."""
        await self.question.fill(question)
        await self.page.get_by_role("button", name="Ask", exact=True).click()

    @property
    def exchanges(self) -> Locator:
        """Questions with their answers."""
        return self.panel.get_by_role("list").last.get_by_role("listitem")
