"""Profiles of the browser: whose they are, how large the window is, and what they look like."""

import json
from typing import Any, Literal

from playwright.async_api import (
    Browser,
    BrowserContext,
    Page,
    StorageState,
    ViewportSize,
    expect,
)

from tests.support import ADMIN_TOKEN, Person

Theme = Literal["light", "dark"]

DESKTOP: ViewportSize = {"width": 1280, "height": 800}
PHONE: ViewportSize = {"width": 360, "height": 740}
AT_REST = """async () => {
  do await new Promise(requestAnimationFrame);
  while (document.getAnimations().length);
}"""


async def new_profile(
    browser: Browser, url: str, person: Person | None, viewport: ViewportSize, **options: Any
) -> BrowserContext:
    """A profile of its own, in which the person, if there is one, has logged in at ``url``.

    What it keeps for offline use would hide requests from a test, so only tests of that let it.
    """
    options.setdefault("service_workers", "block")
    return await browser.new_context(
        base_url=url,
        viewport=viewport,
        reduced_motion="reduce",
        storage_state=_logged_in(url, person) if person else None,
        **options,
    )


async def as_auditor(page: Page) -> None:
    """Gives the page's tab the admin token, as its form would."""
    keep = f"sessionStorage.setItem('vidwiz.admin', {json.dumps(ADMIN_TOKEN)})"
    await page.add_init_script(keep)


async def paint(page: Page, theme: Theme) -> None:
    """Lets the system be light or dark, and waits until the page is."""
    await page.emulate_media(color_scheme=theme)
    await expect(page.locator("html")).to_have_attribute("data-theme", theme)
    await page.evaluate(AT_REST)


def _logged_in(url: str, person: Person) -> StorageState:
    token = person.headers["Authorization"].removeprefix("Bearer ")
    return {
        "origins": [{"origin": url, "localStorage": [{"name": "vidwiz.token", "value": token}]}]
    }
