"""How soon a page has its heading on a slow line, as ratio to the same build sent raw."""

import re
import shutil
from collections.abc import Iterator
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

from playwright.sync_api import Browser, sync_playwright

from bench import seed
from bench.setup import Aim, Result, Sample, Setup, interleaved
from bench.stage import stage
from tests.browser.chromium import QUIET, chromium_path

BUILD = Path(__file__).parents[2] / "frontend" / "dist"
LATENCY_MS, BYTES_PER_S = 400, 50_000
PAGES = {"landing page": "/", "video page": f"/videos/{seed.video_id(1)}"}
AT_MOST = 0.5
WITHIN_MS = 120_000
# The first frame in which a heading has words and a size; no frame comes while CSS is awaited.
FIRST_HEADING = """
  window.firstHeading = new Promise((found) => {
    const look = () => {
      const its = document.querySelector("h1");
      if (its?.getBoundingClientRect().height > 8 && its.innerText.trim()) found(performance.now());
      else requestAnimationFrame(look);
    };
    requestAnimationFrame(look);
  });
"""


def measure(setup: Setup) -> Iterator[Result]:
    chromium = chromium_path()
    if chromium is None or not (BUILD / "index.html").exists():
        raise SystemExit("first-heading needs Chromium and the built web app")
    with ExitStack() as open_now:
        raw = Path(open_now.enter_context(TemporaryDirectory(prefix="vidwiz-raw-"))) / "dist"
        _write_raw(raw)
        events = [*seed.people(1), seed.video(1)]
        sent = open_now.enter_context(stage(events)).port
        unsent = open_now.enter_context(stage(events, {"VIDWIZ_STATIC_DIR": str(raw)})).port
        playwright = open_now.enter_context(sync_playwright())
        browser = playwright.chromium.launch(executable_path=chromium, args=QUIET)
        open_now.callback(browser.close)
        samples = interleaved(
            setup.rounds,
            {
                f"{name}, {kind}": partial(_first_heading, browser, port, path)
                for name, path in PAGES.items()
                for kind, port in (("as it is sent", sent), ("raw", unsent))
            },
        )
    for name in PAGES:
        yield from _results(name, samples[f"{name}, as it is sent"], samples[f"{name}, raw"])


def _results(name: str, sent: list[Sample], raw: list[Sample]) -> Iterator[Result]:
    ours, floor = (median(one.rate for one in rounds) for rounds in (sent, raw))
    line = f"{LATENCY_MS} ms, {BYTES_PER_S // 1000} kB/s"
    yield Result(
        f"first heading of the {name}, {line}",
        ours,
        "ms",
        aims=[Aim(f"<= {AT_MOST} x the raw build", ours <= floor * AT_MOST)],
        rounds=[round(one.rate) for one in sent],
        note=f"{ours / floor:.2f} x the raw build",
    )
    yield Result(
        "  floor: the build uncompressed, without a first paint",
        floor,
        "ms",
        rounds=[round(one.rate) for one in raw],
    )


def _first_heading(browser: Browser, port: int, path: str) -> Sample:
    """Milliseconds from the navigation to the frame with the heading, in a fresh profile."""
    context = browser.new_context(base_url=f"http://127.0.0.1:{port}")
    page = context.new_page()
    line = context.new_cdp_session(page)
    speed = {"downloadThroughput": BYTES_PER_S, "uploadThroughput": BYTES_PER_S}
    line.send("Network.enable")
    line.send(
        "Network.emulateNetworkConditions", {"offline": False, "latency": LATENCY_MS, **speed}
    )
    page.add_init_script(FIRST_HEADING)
    page.goto(path, wait_until="commit", timeout=WITHIN_MS)
    found = page.evaluate("window.firstHeading")
    context.close()
    return Sample(float(found))


def _write_raw(folder: Path) -> None:
    """The build without compressed copies and without what paints before the app."""
    shutil.copytree(BUILD, folder, ignore=shutil.ignore_patterns("*.br", "*.gz", "shell.js"))
    index = folder / "index.html"
    text = index.read_text()
    body = '<body><div id="root"></div></body>'
    stripped = re.sub(r"<body>.*</body>", body, text, flags=re.DOTALL)
    if stripped == text or "modulepreload" not in stripped:
        raise SystemExit("index.html is not as it was: what is its raw form?")
    index.write_text(stripped)
