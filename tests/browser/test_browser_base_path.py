"""The whole site under a path of a shared host, behind a real nginx with TLS."""

import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import pytest
from playwright.async_api import Browser, BrowserContext, Page, Request, expect

from tests.browser.chromium import chromium_path, running_chromium
from tests.browser.conftest import complaint
from tests.browser.nginx import Certificate, Proxied, new_certificate, running_nginx
from tests.browser.pages import VideoPage, Visitor
from tests.browser.profiles import DESKTOP
from tests.browser.site import Site, running_site
from tests.browser.talks import coffee
from tests.support import free_port, sign_up

BASE = "/team/vidwiz"
SLOW_MS = 60_000
"""For what workers fetch, large bodies and large pages, on a busy machine."""
HOME = "Notes pinned to the second you learned it."
MANY_LINES = 1_000
WORDS = "and all of it has to get through the proxy in one go, " * 80


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Certificate:
    return new_certificate(tmp_path_factory.mktemp("certificate"))


@pytest.fixture(scope="module")
async def site(module_dsn: str, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Site]:
    """The site under its base path, with its workers."""
    data = tmp_path_factory.mktemp("site") / "data"
    async with running_site(module_dsn, data, VIDWIZ_BASE_PATH=BASE) as running:
        yield running


@pytest.fixture(scope="module")
async def proxied(
    site: Site, certificate: Certificate, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Proxied]:
    folder = tmp_path_factory.mktemp("nginx")
    with running_nginx(folder, site.url, certificate, (free_port(), free_port())) as addresses:
        yield addresses


@pytest.fixture(scope="module")
async def trusting(chromium: Browser, certificate: Certificate) -> AsyncIterator[Browser]:
    """A browser that takes the certificate: only then it keeps the app for offline use."""
    flag = f"--ignore-certificate-errors-spki-list={certificate.spki}"
    async with running_chromium(str(chromium_path()), flag) as browser:
        yield browser


@asynccontextmanager
async def profile(browser: Browser, address: str) -> AsyncIterator[BrowserContext]:
    """A profile in which nothing may go wrong, nor be asked of the host outside of the address."""
    problems: list[str] = []
    origin = "{0.scheme}://{0.netloc}/".format(urlsplit(address))

    def heed(request: Request) -> None:
        if request.url.startswith(origin) and not request.url.startswith(f"{address}/"):
            problems.append(f"outside: {request.url}")

    context = await browser.new_context(viewport=DESKTOP, reduced_motion="reduce")
    context.set_default_timeout(20_000)
    context.on("request", heed)
    context.on("console", lambda message: problems.extend(complaint(message)))
    context.on("weberror", lambda error: problems.append(str(error.error)))
    try:
        yield context
    finally:
        await context.close()
    assert problems == []


def client(address: str, certificate: Certificate) -> httpx.AsyncClient:
    trusts = ssl.create_default_context(cafile=certificate.path)
    return httpx.AsyncClient(base_url=address, verify=trusts, timeout=20)


async def signed_up(page: Page, address: str, email: str) -> Visitor:
    visitor = Visitor(page)
    await page.goto(f"{address}/")
    await expect(page.get_by_role("heading", level=1)).to_have_text(HOME)
    await page.get_by_role("banner").get_by_role("link", name="Sign up").click()
    await visitor.sign_up("Ada Lovelace", email, "correct horse")
    return visitor


async def upload(page: Page, folder: Path) -> None:
    """Captions of nearly 4 MiB, through the dialog."""
    lines = [f"{n // 60}:{n % 60:02} Line {n} {WORDS}"[:4100] for n in range(MANY_LINES)]
    file = folder / "captions.txt"
    file.write_text("\n".join(lines))
    assert 3.8 * 2**20 < file.stat().st_size < 4 * 2**20
    await page.get_by_role("button", name="Upload captions").click()
    await page.get_by_label("Transcript file").set_input_files(file)
    await page.get_by_role("button", name="Save these captions").click()
    saved = page.get_by_text(f"Captions saved: {MANY_LINES} lines. Only you see them.")
    await expect(saved).to_be_visible(timeout=SLOW_MS)


async def test_a_person_signs_up_adds_a_video_a_note_and_captions_under_the_path(
    site: Site, proxied: Proxied, trusting: Browser, tmp_path: Path
) -> None:
    talk = coffee("under_apath")
    site.gives(talk)
    deep_link = f"{proxied.passing}/videos/{talk.video_id}"
    async with profile(trusting, proxied.passing) as context:
        page = await context.new_page()
        visitor = await signed_up(page, proxied.passing, "ada@example.org")
        video = await visitor.open_link(talk, "Add video")
        await expect(page.get_by_role("heading", level=1)).to_have_text(talk.title, timeout=SLOW_MS)
        assert page.url == deep_link

        other_tab = await context.new_page()
        await other_tab.goto(deep_link)
        await expect(VideoPage(other_tab).panel).to_contain_text("No notes on this video yet")
        await video.add_note("Grind finer")
        await expect(VideoPage(other_tab).note("Grind finer")).to_be_visible()
        await other_tab.close()

        await video.show("Transcript")
        await upload(page, tmp_path)


async def test_a_proxy_that_takes_the_path_away_leaves_the_app_as_it_is(
    site: Site, proxied: Proxied, trusting: Browser
) -> None:
    async with profile(trusting, proxied.stripping) as context:
        page = await context.new_page()
        await signed_up(page, proxied.stripping, "bo@example.org")
        await expect(page).to_have_url(f"{proxied.stripping}/videos")
        await page.reload()
        await expect(page.get_by_role("heading", name="No videos yet")).to_be_visible()
        await page.goto(f"{proxied.stripping}/docs")
        await expect(page.get_by_text("/api/user/profile").first).to_be_visible(timeout=SLOW_MS)


async def test_a_request_goes_through_the_proxy_as_to_the_service_itself(
    site: Site, proxied: Proxied, certificate: Certificate
) -> None:
    for address in (proxied.passing, proxied.stripping):
        async with client(address, certificate) as through:
            page = await through.get("/videos/W421vNri5hw", headers={"Accept-Encoding": "gzip"})
            assert page.headers["content-encoding"] == "gzip"
            assert page.headers["strict-transport-security"]
            known = {"If-None-Match": page.headers["etag"], "Accept-Encoding": "gzip"}
            assert (await through.get("/", headers=known)).status_code == 304
            entry = page.text.partition(f'src="{BASE}/assets/')[2].partition('"')[0]
            packed = await through.get(f"/assets/{entry}", headers={"Accept-Encoding": "br;q=1"})
            assert packed.headers["content-encoding"] == "br"
            part = {"Range": "bytes=0-9", "Accept-Encoding": "identity"}
            assert len((await through.get(f"/assets/{entry}", headers=part)).content) == 10
            poll = "/api/tasks/transcript?timeout=1"
            person = await sign_up(through)
            assert (await through.get(poll, headers=person.headers)).status_code == 204
            document = (await through.get("/openapi.json")).json()
            assert document["servers"][0]["url"] == BASE
            assert (await through.get("/metrics")).status_code == 401
            whole = str(through.base_url).rstrip("/")
            assert (await through.get(whole, follow_redirects=True)).status_code == 200
