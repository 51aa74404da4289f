"""The app opens without a connection, and is never an old one with a connection."""

import re
import shutil
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
from playwright.async_api import Browser, BrowserContext, Page, expect

from tests.browser.conftest import BUILT
from tests.browser.profiles import DESKTOP, new_profile
from tests.support import eventually, serving

HOME = "Notes pinned to the second you learned it."
VIDEO = "/videos/W421vNri5hw"
KEPT = """async () => {
  await navigator.serviceWorker.ready;
  const names = await caches.keys();
  const cache = await caches.open(names[0]);
  const paths = (await cache.keys()).map((request) => new URL(request.url).pathname);
  return [names, paths];
}"""
CURRENT = """async (name) => {
  const registration = await navigator.serviceWorker.ready;
  await registration.update();
  const coming = registration.installing ?? registration.waiting;
  while (coming && coming.state === "installing") {
    await new Promise((resolve) => coming.addEventListener("statechange", resolve, { once: true }));
  }
  return [coming?.state ?? "none", await caches.keys()];
}"""


@dataclass(frozen=True)
class Deployed:
    """A server of a build that can be replaced by another one."""

    url: str
    static: Path

    def replace(self, was: str, by: str) -> None:
        """Another version of the page, and the worker that goes with it; nothing compressed."""
        for name in ("index.html", "sw.js"):
            path = self.static / name
            path.write_text(path.read_text().replace(was, by))
            for ending in (".br", ".gz"):
                path.with_name(name + ending).unlink(missing_ok=True)


@pytest.fixture(scope="module")
def served(
    chromium: Browser, module_dsn: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Deployed]:
    folder = tmp_path_factory.mktemp("deployed")
    static = folder / "static"
    with serving(folder / "data", module_dsn, VIDWIZ_STATIC_DIR=str(static)) as server:
        yield Deployed(server.url, static)


@pytest.fixture
def deployed(served: Deployed) -> Deployed:
    """The server with the build as it is."""
    shutil.rmtree(served.static, ignore_errors=True)
    shutil.copytree(BUILT.parent, served.static)
    return served


@asynccontextmanager
async def profile(chromium: Browser, deployed: Deployed) -> AsyncIterator[BrowserContext]:
    context = await new_profile(chromium, deployed.url, None, DESKTOP, service_workers="allow")
    try:
        yield context
    finally:
        await context.close()


async def shows(page: Page, path: str, heading: str) -> None:
    await page.goto(path)
    await expect(page.get_by_role("button", name="Theme")).to_be_visible()
    await expect(page.get_by_role("heading", level=1)).to_have_text(heading)


async def has_only(page: Page, cache: str) -> bool:
    return list(await page.evaluate("caches.keys()")) == [cache]


async def test_the_app_opens_offline_after_one_visit_and_keeps_nothing_of_the_api(
    chromium: Browser, deployed: Deployed
) -> None:
    async with profile(chromium, deployed) as context:
        page = await context.new_page()
        await shows(page, "/", HOME)
        names, paths = await page.evaluate(KEPT)
        assert len(names) == 1
        assert re.fullmatch(r"vidwiz-app-[0-9a-f]{16}", names[0])
        assert "/" in paths
        assert [path for path in paths if path.startswith("/api")] == []
        await context.set_offline(True)
        for path, heading in (("/", HOME), (VIDEO, "Video W421vNri5hw"), ("/help", "Help")):
            await shows(page, path, heading)
        await context.set_offline(False)
        await shows(page, "/", HOME)
        assert (await page.evaluate(KEPT))[1] == paths


async def test_a_new_version_is_shown_at_once_and_then_opens_offline_too(
    chromium: Browser, deployed: Deployed
) -> None:
    async with profile(chromium, deployed) as context:
        page = await context.new_page()
        await shows(page, "/", HOME)
        (old,), _ = await page.evaluate(KEPT)
        await page.reload()  # from now on the worker is asked
        deployed.replace("<title>VidWiz</title>", "<title>VidWiz two</title>")
        deployed.replace(old.removeprefix("vidwiz-app-"), "two")
        answer = await page.goto("/help")
        assert answer is not None
        assert "VidWiz two" in await answer.text()
        assert await page.evaluate(CURRENT) == ["installed", [old, "vidwiz-app-two"]]
        await page.close()  # the last tab of the old version
        page = await context.new_page()
        await shows(page, "/", HOME)
        await eventually(lambda: has_only(page, "vidwiz-app-two"), 10)
        await context.set_offline(True)
        answer = await page.goto("/")
        assert answer is not None
        assert "VidWiz two" in await answer.text()


async def test_files_of_two_versions_are_not_kept(chromium: Browser, deployed: Deployed) -> None:
    """The page is of another build than the worker: as it is while servers are updated."""
    entry = next(deployed.static.glob("assets/index-*.js")).name
    deployed.replace('const ENTRY = "assets/', 'const ENTRY = "assets/another-')
    async with profile(chromium, deployed) as context:
        page = await context.new_page()
        await shows(page, "/", HOME)
        assert entry in await page.content()
        state = """async () => {
          const registration = await navigator.serviceWorker.register("/sw.js");
          const its = registration.installing;
          while (its && !["redundant", "activated"].includes(its.state)) {
            await new Promise((done) => its.addEventListener("statechange", done, { once: true }));
          }
          return [its?.state ?? "none", await caches.keys()];
        }"""
        found = await page.evaluate(state)
        assert found[0] != "activated"
        assert found[1] == []
