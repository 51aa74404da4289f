"""The real build of the web app: what a browser is sent of it, and the wheel that it is in."""

import gzip
import os
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from zipfile import ZipFile

import httpx
import pytest

from tests.support import Api, running_api

ROOT = Path(__file__).parents[1]
BUILD = ROOT / "frontend" / "dist"
TEXT = {".html", ".js", ".css", ".json", ".svg", ".txt"}
WORTH_IT = 1000
"""Smaller files may have no copy."""


@pytest.fixture(scope="module", autouse=True)
def built() -> None:
    """Where there is no npm nothing is built; CI has it."""
    if not (BUILD / "index.html").exists():
        (pytest.fail if os.environ.get("CI") else pytest.skip)("the web app is not built")


@pytest.fixture(scope="module")
async def api(module_dsn: str, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Api]:
    data = tmp_path_factory.mktemp("build")
    async with running_api(module_dsn, data, VIDWIZ_STATIC_DIR=BUILD) as its:
        yield its


def texts() -> list[Path]:
    return [
        path
        for path in sorted(BUILD.rglob("*"))
        if path.suffix in TEXT and path.stat().st_size >= WORTH_IT and ".vite" not in path.parts
    ]


async def sent(api: Api, path: Path, accepted: str) -> tuple[bytes, httpx.Response]:
    url, headers = f"/{path.relative_to(BUILD)}", {"Accept-Encoding": accepted}
    async with api.client.stream("GET", url, headers=headers) as answer:
        return b"".join([chunk async for chunk in answer.aiter_raw()]), answer


async def test_every_text_of_the_build_is_sent_compressed(api: Api) -> None:
    """Whether the copies hold the same is checked where they are made: scripts/size.mjs."""
    assert {path.suffix for path in texts()} >= {".html", ".js", ".css"}
    for path in texts():
        packed, answer = await sent(api, path, "gzip, deflate, br, zstd")
        assert answer.headers.get("content-encoding") == "br", path
        zipped, other = await sent(api, path, "gzip")
        assert other.headers.get("content-encoding") == "gzip", path
        assert gzip.decompress(zipped) == path.read_bytes(), path
        assert len(packed) < len(zipped) < path.stat().st_size, path


async def test_what_is_sent_of_all_is_a_third_of_what_it_is(api: Api) -> None:
    whole = sum(path.stat().st_size for path in texts())
    packed = [len((await sent(api, path, "br"))[0]) for path in texts()]
    assert sum(packed) <= whole * 0.36


def test_the_wheel_holds_the_web_app_and_serves_it(tmp_path: Path) -> None:
    make = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(tmp_path)]
    subprocess.run(make, cwd=ROOT, check=True, capture_output=True)
    (wheel,) = tmp_path.glob("*.whl")
    with ZipFile(wheel) as archive:
        names = {name.removeprefix("vidwiz/_web/") for name in archive.namelist()}
        archive.extractall(tmp_path / "installed")
    for path in texts():
        name = str(path.relative_to(BUILD))
        assert {name, f"{name}.br", f"{name}.gz"} <= names
    told = subprocess.run(
        [sys.executable, "-c", "import vidwiz.settings as its; print(its.Settings().static_dir)"],
        cwd=tmp_path / "installed",
        env={"PATH": os.environ["PATH"], "HOME": str(tmp_path), "VIDWIZ_ENV_FILE": "off"},
        check=True,
        capture_output=True,
        text=True,
    )
    assert told.stdout.strip() == str(tmp_path / "installed" / "vidwiz" / "_web")
