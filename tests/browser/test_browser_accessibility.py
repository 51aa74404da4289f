"""Everybody can use it: axe finds nothing, nothing overflows a small phone, and keys are enough."""

from collections.abc import Sequence
from typing import cast

import pytest
from playwright.async_api import Page, expect

from tests.browser.chromium import AXE
from tests.browser.conftest import OpenPage
from tests.browser.pages import VideoPage
from tests.browser.profiles import DESKTOP, PHONE, paint
from tests.browser.site import Site
from tests.browser.states import STATES, State, World, furnished, show
from tests.browser.talks import coffee

RUN_AXE = """async (runOnly) => {
  const options = { iframes: false, resultTypes: ["violations"], ...(runOnly && { runOnly }) };
  const { violations } = await axe.run(document, options);
  return violations.map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html).join(" ")}`);
}"""
OF_COLOURS = ("color-contrast", "link-in-text-block")
"""The rules that another theme can break: nothing but colours changes with it."""
OVERFLOW = "document.documentElement.scrollWidth - document.documentElement.clientWidth"


@pytest.fixture(scope="module")
async def world(site: Site) -> World:
    return await furnished(site)


@pytest.mark.parametrize("state", STATES, ids=[state.name for state in STATES])
async def test_axe_finds_nothing_and_nothing_overflows(
    open_page: OpenPage, world: World, state: State
) -> None:
    found = {}
    async with open_page(world.person(state)) as page:
        await show(page, state, world)
        await page.evaluate(AXE.read_text("utf-8"))
        for size in (DESKTOP, PHONE):
            await page.set_viewport_size(size)
            await paint(page, "light")
            found[size["width"], "light"] = await _problems(page)
            await paint(page, "dark")
            found[size["width"], "dark"] = await _problems(page, only=OF_COLOURS)
            assert await page.evaluate(OVERFLOW) <= 0
    assert {where: problems for where, problems in found.items() if problems} == {}


async def test_keys_alone_lead_from_the_landing_page_to_a_saved_note(
    site: Site, open_page: OpenPage, world: World
) -> None:
    async with open_page() as page:
        await page.goto("/")
        await _tab_to(page, "Sign up")
        await page.keyboard.press("Enter")
        await expect(page.get_by_role("heading", name="Make it yours")).to_be_visible()
        for field, text in (
            ("Name", "Key Board"),
            ("E-mail", "keys@example.org"),
            ("Password", "correct horse"),
        ):
            await _tab_to(page, field)
            await page.keyboard.type(text)
        await page.keyboard.press("Enter")
        await expect(page.get_by_role("heading", name="Your videos")).to_be_visible()
        await _tab_to(page, "Link to a YouTube video")
        await page.keyboard.type(coffee(world.talk).link)
        await page.keyboard.press("Enter")
        video = VideoPage(page)
        await expect(video.player).to_be_visible()
        await video.add_note("By keys alone")
        await expect(video.note("By keys alone")).to_be_visible()


async def _problems(page: Page, only: Sequence[str] | None = None) -> list[str]:
    """What axe finds by these rules, or by all."""
    return cast("list[str]", await page.evaluate(RUN_AXE, only))


NAME_OF_FOCUSED = """() => {
  const { ariaLabel, labels, textContent } = document.activeElement;
  return (ariaLabel || labels?.[0]?.textContent || textContent || "").trim();
}"""
MOST_TABS = 40


async def _tab_to(page: Page, name: str) -> None:
    """Press Tab until what has that name has the focus."""
    for _ in range(MOST_TABS):
        await page.keyboard.press("Tab")
        if await page.evaluate(NAME_OF_FOCUSED) == name:
            return
    raise AssertionError(f"{name} cannot be reached by Tab")
