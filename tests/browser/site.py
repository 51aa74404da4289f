"""The whole site for a browser: the real server and workers, and stand-ins for what is outside."""

import os
import threading
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import httpx

from tests.adapters.fake_gemini import Answer, FakeModel, fake_gemini
from tests.browser.talks import Talk, give
from tests.fake_youtube import FakeYouTube, fake_youtube
from tests.support import Server, eventually, serving_with_workers
from tests.wiz_support import gemini_at, open_video

HERE = Path(__file__).parent
PLAYER = "iframe_api.js"
FETCHED_WITHIN_S = 60


@dataclass(frozen=True)
class Site:
    """A running site; ``model`` and ``youtube`` do as they are told."""

    server: Server
    model: FakeModel
    youtube: FakeYouTube

    @property
    def url(self) -> str:
        """Where it is."""
        return self.server.url

    def http(self) -> httpx.AsyncClient:
        """A client that speaks to it without a browser."""
        return httpx.AsyncClient(base_url=self.url, timeout=30)

    def gives(self, *talks: Talk) -> None:
        """Lets YouTube have the talks, and the model write the summary of the last one."""
        give(self.youtube, *talks)
        self.model.answer = Answer((talks[-1].summary or talks[-1].title,))

    async def has(self, talk: Talk) -> None:
        """Opens the talk, and waits until the workers have brought all that there is of it."""
        self.gives(talk)
        async with self.http() as client:
            await open_video(client, talk.video_id)
            await eventually(lambda: _is_settled(client, talk.video_id), FETCHED_WITHIN_S)


async def _is_settled(client: httpx.AsyncClient, video_id: str) -> bool:
    progress = (await client.get(f"/api/videos/{video_id}/progress")).json()
    no_summary_comes = progress["transcript"]["state"] == "failed"
    awaited = {"transcript", "metadata"} | (set() if no_summary_comes else {"summary"})
    return all(progress[part]["state"] in ("ready", "failed") for part in awaited)


@asynccontextmanager
async def running_site(dsn: str | None, data_dir: Path, **env: str) -> AsyncIterator[Site]:
    """The site on a free port, with its workers; without ``dsn`` on a PostgreSQL of its own."""
    async with fake_gemini(Answer()) as model:
        with (
            fake_youtube() as youtube,
            player_site() as player,
            serving_with_workers(
                data_dir,
                dsn,
                VIDWIZ_YOUTUBE_URL=youtube.url,
                VIDWIZ_PLAYER_API_URL=player,
                **gemini_at(model),
                **env,
            ) as server,
        ):
            yield Site(server, model, youtube)


@contextmanager
def player_site() -> Iterator[str]:
    """Another origin that serves a stand-in of YouTube's IFrame API; the script's address."""
    handler = partial(_Quiet, directory=os.fspath(HERE))
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/{PLAYER}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


class _Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *_: object) -> None:
        """Tests print no requests."""
