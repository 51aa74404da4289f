"""Fetches from YouTube what a task asks for, and asks again when it may help."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

from vidwiz.adapters.youtube import YouTubeRefusal
from vidwiz.supervision import pauses
from vidwiz.workers.config import Timeouts
from vidwiz.workers.jobs import Fruit, Job
from vidwiz.workers.pauses import Stop


class Fetching:
    """Work whose fruit is what ``fetch`` finds for a video, under ``name``."""

    def __init__(
        self, name: str, fetch: Callable[[str], Awaitable[Any]], pace: Timeouts, stop: Stop
    ) -> None:
        self._name = name
        self._fetch = fetch
        self._pace = pace
        self._stop = stop

    async def __call__(self, job: Job) -> Fruit:
        """Fetch; raises ``YouTubeRefusal``."""
        loop = asyncio.get_running_loop()
        last_try = loop.time() + self._pace.patience_s
        for pause_s in pauses(self._pace.first_pause_s, self._pace.longest_pause_s):
            job.tries += 1
            try:
                return {self._name: await self._fetch(job.video_id)}
            except YouTubeRefusal as refusal:
                is_late = loop.time() + pause_s > last_try
                if not refusal.is_of_this_server or is_late or await self._stop.pause(pause_s):
                    raise
        raise AssertionError("pauses never end")
