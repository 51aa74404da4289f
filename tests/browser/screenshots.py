"""Writes docs/screenshots: every page, on desktop and phone, light and dark.

Arguments name the states to write, by how their names begin: ``admin video-wiz``.
"""

import asyncio
import io
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

from PIL import Image
from playwright.async_api import Browser, Page, Route, ViewportSize

from tests.browser.chromium import chromium_path, running_chromium
from tests.browser.profiles import DESKTOP, PHONE, Theme, new_profile, paint
from tests.browser.site import Site, running_site
from tests.browser.states import STATES, State, World, furnished, show

FOLDER = Path(__file__).parents[2] / "docs" / "screenshots"
COLOURS = 96
DEVICES: dict[str, tuple[ViewportSize, dict[str, bool]]] = {
    "desktop": (DESKTOP, {}),
    "phone": (PHONE, {"is_mobile": True, "has_touch": True}),
}
THEMES: tuple[Theme, ...] = ("light", "dark")
PICTURES = "https://i.ytimg.com/**"
PICTURE_SIZE = (320, 180)


async def main() -> None:
    """All of them, into ``FOLDER``."""
    path = chromium_path()
    if path is None:
        sys.exit("There is no Chromium: VIDWIZ_TESTS_CHROMIUM says where it is.")
    asked = tuple(sys.argv[1:])
    chosen = [state for state in STATES if not asked or state.name.startswith(asked)]
    FOLDER.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory(prefix="vidwiz-screenshots-") as folder:
        async with (
            running_site(None, Path(folder) / "data") as site,
            running_chromium(path) as browser,
        ):
            world = await furnished(site)
            for state in chosen:
                await _photograph(browser, site, world, state)


async def _photograph(browser: Browser, site: Site, world: World, state: State) -> None:
    for device, (viewport, traits) in DEVICES.items():
        context = await new_profile(browser, site.url, world.person(state), viewport, **traits)
        await context.route(PICTURES, _draw)
        page = await context.new_page()
        await show(page, state, world)
        for theme in THEMES:
            await paint(page, theme)
            await _keep(page, FOLDER / f"{state.name}-{device}-{theme}.png")
        await context.close()


async def _keep(page: Page, file: Path) -> None:
    taken = Image.open(io.BytesIO(await page.screenshot()))
    few = taken.convert("RGB").quantize(COLOURS, dither=Image.Dither.NONE)
    few.save(file, optimize=True)


async def _draw(route: Route) -> None:
    """A video's picture: a gradient in a colour of its own, as pictures of others' are not ours."""
    hue = sum(route.request.url.encode()) % 360
    edge, middle = (Image.new("HSV", (1, 1), (hue * 255 // 360, 110, v)) for v in (60, 170))
    strip = Image.new("RGB", (1, 2))
    strip.paste(middle.convert("RGB"), (0, 0))
    strip.paste(edge.convert("RGB"), (0, 1))
    drawn = io.BytesIO()
    strip.resize(PICTURE_SIZE, Image.Resampling.BICUBIC).save(drawn, "PNG")
    await route.fulfill(body=drawn.getvalue(), content_type="image/png")


if __name__ == "__main__":
    asyncio.run(main())
