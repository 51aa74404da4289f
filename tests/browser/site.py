"""The whole site for a browser: the real server and workers, and stand-ins for what is outside."""

import os
import threading
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from tests.adapters.fake_gemini import Answer, FakeModel, fake_gemini
from tests.fake_youtube import FakeYouTube, fake_youtube
from tests.support import Server, serving_with_workers
from tests.wiz_support import gemini_at

HERE = Path(__file__).parent
PLAYER = "iframe_api.js"


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


@asynccontextmanager
async def running_site(dsn: str, data_dir: Path, **env: str) -> AsyncIterator[Site]:
    """The site on a free port, with its built-in workers."""
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
