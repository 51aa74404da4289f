"""What is painted before the app is here, and how the app takes its place."""

import re
from typing import Any

import pytest
from playwright.async_api import Browser, Page, Response, Route, ViewportSize, expect

from tests.browser.conftest import OpenPage
from tests.browser.profiles import DESKTOP, PHONE, Theme
from tests.browser.site import Site
from tests.browser.talks import Talk
from tests.support import Person

HOME = "Notes pinned to the second you learned it."
WORTH_IT = 1000
"""Bytes; what is smaller may not become smaller still."""
APP = re.compile(r"/assets/.*\.js$")
LOOK = """() => {
  const look = ({ top, left, width, height }) => [top, left, width, height].map(Math.round);
  return ["header a span", "h1"].map((name) => {
    const its = document.querySelector(name);
    const { color, font } = getComputedStyle(its);
    return [its.innerText, look(its.getBoundingClientRect()), color, font];
  });
}"""
NEVER_BLANK = """() => {
  const check = () => {
    if (!document.querySelector("h1")?.innerText) window.blanks = (window.blanks ?? 0) + 1;
    requestAnimationFrame(check);
  };
  addEventListener("DOMContentLoaded", check);
}"""


async def abort(route: Route) -> None:
    await route.abort()


async def shell_of(page: Page, path: str) -> Any:
    """The page as it looks without any code of the app, and afterwards with it."""
    await page.route(APP, abort)
    await page.goto(path)
    await expect(page.get_by_role("heading", level=1)).to_be_visible()
    painted = await page.evaluate(LOOK)
    await page.unroute(APP)
    return painted


@pytest.mark.parametrize("viewport", [DESKTOP, PHONE], ids=["desktop", "phone"])
@pytest.mark.parametrize("theme", ["light", "dark"])
async def test_the_first_paint_has_the_heading_where_the_app_has_it(
    open_page: OpenPage, talk: Talk, viewport: ViewportSize, theme: Theme
) -> None:
    for path, heading in (("/", HOME), (f"/videos/{talk.video_id}", f"Video {talk.video_id}")):
        async with open_page(viewport=viewport, color_scheme=theme) as page:
            painted = await shell_of(page, path)
            assert painted[1][0] == heading
            # The video's answers are held back: the app's own page without them.
            await page.route("**/api/wiz/video/**", abort)
            await page.goto(path)
            await expect(page.get_by_role("button", name="Theme")).to_be_visible()
            assert await page.evaluate(LOOK) == painted


async def test_a_video_that_was_opened_here_has_its_title_at_once(
    open_page: OpenPage, talk: Talk
) -> None:
    async with open_page() as page:
        await page.goto(f"/videos/{talk.video_id}")
        await expect(page.get_by_role("heading", level=1)).to_have_text(talk.title)
        painted = await shell_of(page, f"/videos/{talk.video_id}")
        assert painted[1][0] == talk.title


async def test_the_heading_is_never_gone_while_the_app_takes_over(
    open_page: OpenPage, talk: Talk
) -> None:
    async with open_page() as page:
        await page.add_init_script(f"({NEVER_BLANK})()")
        for path in ("/", f"/videos/{talk.video_id}"):
            await page.goto(path)
            await expect(page.get_by_role("button", name="Theme")).to_be_visible()
            await expect(page.get_by_role("heading", level=1)).to_be_visible()
            assert await page.evaluate("window.blanks ?? 0") == 0


@pytest.mark.parametrize("path", ["/login", "/videos", "/videos/no-video", "/nowhere"])
async def test_other_pages_begin_with_the_header_alone(open_page: OpenPage, path: str) -> None:
    async with open_page() as page:
        await page.route(APP, abort)
        await page.goto(path)
        await expect(page.get_by_role("link", name="VidWiz, start")).to_be_visible()
        await expect(page.locator("h1")).to_have_count(0)


async def test_who_is_signed_in_is_not_shown_the_landing_page(
    open_page: OpenPage, person: Person
) -> None:
    async with open_page(person) as page:
        await page.route(APP, abort)
        await page.goto("/")
        await expect(page.get_by_role("link", name="VidWiz, start")).to_be_visible()
        await expect(page.locator("h1")).to_have_count(0)


async def test_a_browser_is_sent_every_text_of_the_build_compressed(
    chromium: Browser, site: Site, talk: Talk
) -> None:
    context = await chromium.new_context(base_url=site.url)
    page = await context.new_page()
    encodings: dict[str, str] = {}

    answers: list[Response] = []

    def heed(answer: Response) -> None:
        answers.append(answer)

    page.on("response", heed)
    await page.goto(f"/videos/{talk.video_id}")
    await expect(page.get_by_role("button", name="Theme")).to_be_visible()
    for answer in answers:
        path = answer.url.removeprefix(site.url)
        if path == answer.url or path.startswith("/api/"):
            continue
        encoding = await answer.header_value("content-encoding")
        length = int(await answer.header_value("content-length") or 0)
        if encoding or length > WORTH_IT:
            encodings[path] = encoding or "none"
    await context.close()
    assert [path for path in encodings if APP.search(path)]
    assert {path: its for path, its in encodings.items() if its != "br"} == {}
