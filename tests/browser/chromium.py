"""A real Chromium: found on this machine, started without its chatter to the outside."""

import os
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from playwright.async_api import Browser, async_playwright

NAMES = ("chromium", "chromium-browser", "google-chrome")
QUIET = (
    "--no-sandbox",  # which does not work as root, as CI is
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
)
AXE = Path(__file__).parents[2] / "frontend" / "node_modules" / "axe-core" / "axe.min.js"


def chromium_path() -> str | None:
    """The browser that ``VIDWIZ_TESTS_CHROMIUM`` names, or that is installed."""
    found = (shutil.which(name) for name in NAMES)
    return os.environ.get("VIDWIZ_TESTS_CHROMIUM") or next((one for one in found if one), None)


@asynccontextmanager
async def running_chromium(path: str, *more: str) -> AsyncIterator[Browser]:
    """The browser, without a window, started with ``more`` flags."""
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=path, args=[*QUIET, *more])
        try:
            yield browser
        finally:
            await browser.close()
