"""Every page in every state that looks different, made over HTTP, for axe and for screenshots."""

import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Literal

import httpx
from playwright.async_api import Page, expect

from tests.adapters.fake_gemini import Answer
from tests.browser.pages import VideoPage
from tests.browser.profiles import as_auditor
from tests.browser.site import Site
from tests.browser.talks import apollo, coffee, silent
from tests.support import ADMIN_TOKEN, Person, add_note, bearer, sign_up
from tests.wiz_support import ask

Prepare = Callable[[Page], Awaitable[object]]
NOTES = {
    "1:04": "Sour: grind finer. Bitter: grind coarser.",
    "1:21": "60 g of coffee for 1 l of water, so 15 g for a mug of 250 ml",
    "2:20": "The bloom: wet the grounds and wait half a minute until the gas is out",
    "3:13": "Change one thing at a time, and write it down",
}
QUESTION = "Why does my coffee taste sour?"
ANSWER = Answer(
    (
        "A sour, thin cup means that **the water did not get enough out** [1:04]. ",
        "Two ways out:\n\n",
        "- Grind finer [1:04]; a bitter cup wants the opposite.\n",
        "- Weigh: sixty grams of coffee for a litre of water [1:21].\n",
    )
)
UPLOADED = (
    "0:03 Warm the cup first.",
    "0:09 Then weigh the beans, and grind them just before you brew.",
    "0:21 Pour slowly, in circles, and wait.",
)
UNDER_WAY = re.compile("loading|searching", re.IGNORECASE)
REQUEST = "a-request-to-follow"


@dataclass(frozen=True)
class State:
    """A page as somebody sees it, after what is done on it; ``path`` names parts of the world."""

    name: str
    path: str
    who: Literal["guest", "ada", "newcomer", "auditor"] = "guest"
    prepare: Prepare | None = None


@dataclass(frozen=True)
class World:
    """Who and what there is; ``note`` is the position of the event that added one."""

    ada: Person
    newcomer: Person
    talk: str
    mute: str
    note: int

    def person(self, state: State) -> Person | None:
        """Who is signed in."""
        return {"ada": self.ada, "newcomer": self.newcomer}.get(state.who)


async def furnished(site: Site) -> World:
    """A person with notes, a talk and an answer, somebody new, and a video without captions."""
    talk, mute = coffee(), silent("no_captions")
    for its in (mute, apollo(), talk):
        await site.has(its)
    async with site.http() as client:
        ada, newcomer = await sign_up(client, "Ada Lovelace"), await sign_up(client, "Newcomer")
        await upload_captions(client, await sign_up(client, "Grace Hopper"), mute.video_id)
        await add_note(client, ada, apollo().video_id, timestamp="7:55:35", text="The bang.")
        client.headers["X-Request-ID"] = REQUEST
        for timestamp, text in NOTES.items():
            await add_note(client, ada, talk.video_id, timestamp=timestamp, text=text)
        site.model.will(ANSWER)
        await ask(client, ada.headers, talk.video_id, QUESTION)
        return World(ada, newcomer, talk.video_id, mute.video_id, await _newest_note(client))


async def upload_captions(client: httpx.AsyncClient, who: Person, video_id: str) -> None:
    """Somebody has written down what is said in a video without captions."""
    path, content = f"/api/videos/{video_id}/transcript", "\n".join(UPLOADED)
    (await client.post(path, content=content, headers=who.headers)).raise_for_status()


async def _newest_note(client: httpx.AsyncClient) -> int:
    """The position of its event."""
    admin = bearer(ADMIN_TOKEN)
    found = await client.get("/api/audit/events?type=NoteAdded&order=desc&limit=1", headers=admin)
    return int(found.raise_for_status().json()["events"][0]["position"])


async def show(page: Page, state: State, world: World) -> None:
    """Go there, and wait until all of it is drawn."""
    if state.who == "auditor":
        await as_auditor(page)
    await page.goto(state.path.format(talk=world.talk, mute=world.mute, note=world.note))
    await expect(page.get_by_role("button", name="Theme")).to_be_visible()  # the app is here
    await expect(page.get_by_role("heading", level=1)).to_be_attached()
    await expect(page.get_by_role("status").filter(has_text=UNDER_WAY)).to_have_count(0)
    if state.prepare:
        await state.prepare(page)


def _key(keys: str) -> Prepare:
    async def press(page: Page) -> None:
        await page.keyboard.press(keys)
        await expect(page.get_by_role("dialog")).to_be_visible()

    return press


async def _begin_a_note(page: Page) -> None:
    await page.keyboard.press("n")
    await expect(VideoPage(page).composer).to_be_visible()


async def _lines(page: Page) -> None:
    await expect(VideoPage(page).panel.get_by_role("listitem").first).to_be_visible()


async def _answer(page: Page) -> None:
    await expect(VideoPage(page).panel.get_by_role("button", name="Play from 1:21")).to_be_visible()


async def _preview(page: Page) -> None:
    await page.get_by_role("button", name="Preview the captions").click()
    await expect(page.get_by_role("dialog").get_by_text("Warm the cup first.")).to_be_visible()


async def _suggestions(page: Page) -> None:
    await expect(page.get_by_role("heading", name="Ask the video")).to_be_visible()


STATES = (
    State("landing", "/"),
    State("login", "/login"),
    State("signup", "/signup"),
    State("help", "/help"),
    State("not-found", "/nowhere"),
    State("share-refused", "/share?text=nothing"),
    State("library", "/videos", "ada"),
    State("library-empty", "/videos", "newcomer"),
    State("library-search", "/videos?q=coffee", "ada"),
    State("library-nothing-found", "/videos?q=zeppelin", "ada"),
    State("video-notes", "/videos/{talk}", "ada"),
    State("video-new-note", "/videos/{talk}", "ada", _begin_a_note),
    State("video-transcript", "/videos/{talk}?tab=transcript&t=64", "ada", _lines),
    State("video-wiz", "/videos/{talk}?tab=wiz", "ada", _answer),
    State("video-guest", "/videos/{talk}?tab=wiz", "guest", _suggestions),
    State("video-summary", "/videos/{talk}?tab=about", "ada"),
    State("video-no-captions", "/videos/{mute}?tab=transcript"),
    State("profile", "/profile", "ada"),
    State("palette", "/videos", "ada", _key("Control+k")),
    State("keys", "/videos", "ada", _key("?")),
    State("admin-door", "/admin"),
    State("admin-events", "/admin", "auditor"),
    State("admin-event", "/admin/events/{note}", "auditor"),
    State("admin-request", f"/admin/correlations/{REQUEST}", "auditor"),
    State("admin-captions", "/admin/captions", "auditor"),
    State("admin-captions-preview", "/admin/captions", "auditor", _preview),
    State("admin-health", "/admin/health", "auditor"),
)
"""All of them."""
