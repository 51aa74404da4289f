"""A browser, the site, and people with pages of their own."""

import os
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from playwright.async_api import Browser, ConsoleMessage, Page, ViewportSize

from tests.browser.chromium import chromium_path, running_chromium
from tests.browser.profiles import DESKTOP, new_profile
from tests.browser.site import Site, running_site
from tests.browser.talks import Talk, coffee
from tests.support import Person, sign_up

BUILT = Path(__file__).parents[2] / "frontend" / "dist" / "index.html"

OpenPage = Callable[..., AbstractAsyncContextManager[Page]]


@pytest.fixture(scope="session")
async def chromium() -> AsyncIterator[Browser]:
    """The browser; where there is none these tests are skipped, but not in CI."""
    path = chromium_path()
    missing = "Chromium" if path is None else None if BUILT.exists() else "the built web app"
    if missing and os.environ.get("CI"):
        pytest.fail(f"{missing} is not here")
    if path is None or missing:
        pytest.skip(f"{missing} is not here")
    async with running_chromium(path) as browser:
        yield browser


@pytest.fixture(scope="module")
async def site(module_dsn: str, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Site]:
    """The site that the tests of a module share."""
    async with running_site(module_dsn, tmp_path_factory.mktemp("site") / "data") as its:
        yield its


@pytest.fixture(scope="module")
async def talk(site: Site) -> Talk:
    """A talk that the site has, with its transcript."""
    its = coffee()
    await site.has(its)
    return its


@pytest.fixture
def open_page(chromium: Browser, site: Site) -> OpenPage:
    """Opens a page in a browser profile of its own; what goes wrong in it fails the test."""

    @asynccontextmanager
    async def opened(
        person: Person | None = None, viewport: ViewportSize = DESKTOP, **options: Any
    ) -> AsyncIterator[Page]:
        context = await new_profile(chromium, site.url, person, viewport, **options)
        problems: list[str] = []
        page = await context.new_page()
        page.set_default_timeout(20_000)
        page.on("console", lambda message: problems.extend(complaint(message)))
        page.on("pageerror", lambda error: problems.append(str(error)))
        try:
            yield page
        finally:
            await context.close()
        assert problems == []

    return opened


@pytest.fixture
async def person(site: Site) -> Person:
    """Somebody new, with an account."""
    async with site.http() as client:
        return await sign_up(client, "Ada Lovelace")


def complaint(message: ConsoleMessage) -> list[str]:
    """Errors and refusals of the Content-Security-Policy; not the statuses that a test asks for."""
    if message.type != "error" or message.text.startswith("Failed to load resource"):
        return []
    return [message.text]
