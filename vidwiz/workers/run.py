"""Runs workers until they are told to stop."""

import asyncio
import signal
from collections.abc import Awaitable, Callable, Iterable
from contextlib import AsyncExitStack, suppress

import structlog

from vidwiz.adapters.language_model import LanguageModel
from vidwiz.supervision import process_end
from vidwiz.workers.api import Api, ApiUnreachable
from vidwiz.workers.config import WorkerConfig
from vidwiz.workers.fetching import Fetching
from vidwiz.workers.jobs import Fruit, Job, Kind
from vidwiz.workers.pauses import Stop
from vidwiz.workers.sources import Source, TaskSource
from vidwiz.workers.worker import Worker
from vidwiz.workers.writing import AiNoteWriter, SummaryWriter

log = structlog.get_logger(__name__)

Work = Callable[[Job], Awaitable[Fruit]]
WRITTEN = frozenset({Kind.SUMMARY, Kind.AI_NOTE})


def run(kinds: Iterable[Kind], config: WorkerConfig) -> int:
    """Work until SIGTERM or SIGINT and finish the jobs begun; a second signal leaves at once.

    Returns the exit code; raises ``WorkerRefused`` when the service lets nobody in.
    """
    return asyncio.run(_until_signalled(kinds, config))


async def _until_signalled(kinds: Iterable[Kind], config: WorkerConfig) -> int:
    stop = Stop(config.pace.grace_s)
    working = asyncio.ensure_future(run_workers(kinds, config, stop))

    def heed() -> None:
        if stop.is_wished:
            working.cancel()
        stop.wish()

    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, heed)
    try:
        await working
    except asyncio.CancelledError:
        return 1
    return process_end.code


async def run_workers(kinds: Iterable[Kind], config: WorkerConfig, stop: Stop) -> None:
    """Work on these kinds of jobs until a stop is wished; raises ``WorkerRefused``."""
    kinds = frozenset(kinds)
    async with AsyncExitStack() as resources:
        api = await resources.enter_async_context(Api(config, stop))
        with suppress(ApiUnreachable):  # and a stop is wished
            await stop.unless(api.prove())
        model = config.model() if kinds & WRITTEN else None
        if model is not None:
            resources.push_async_callback(model.aclose)
        log.info("workers started", kinds=sorted(kinds), model=model.name if model else None)
        workers = []
        for kind in kinds:
            work = _work(kind, config, api, stop, model)
            at_a_time = config.concurrency.get(kind, 1)
            workers += [
                Worker(kind, source, work, config.pace, stop, at_a_time)
                for source in await _sources(kind, config, api, stop, resources)
            ]
        await asyncio.gather(*(worker.run() for worker in workers))
    log.info("workers stopped")


async def _sources(
    kind: Kind, config: WorkerConfig, api: Api, stop: Stop, resources: AsyncExitStack
) -> list[Source]:
    """The service's tasks, which what is written for one person always is; and the queue."""
    tasks = TaskSource(kind, api)
    url = config.queue_url(kind)
    if url is None:
        return [tasks]
    from vidwiz.workers.sqs_source import SqsSource  # noqa: PLC0415  slow to load

    return [tasks, await resources.enter_async_context(SqsSource(kind, url, config, stop))]


def _work(
    kind: Kind, config: WorkerConfig, api: Api, stop: Stop, model: LanguageModel | None
) -> Work:
    match kind:
        case Kind.SUMMARY:
            return SummaryWriter(api, model, config.prompt_tokens)
        case Kind.AI_NOTE:
            return AiNoteWriter(api, model, config.prompt_tokens)
        case Kind.TRANSCRIPT:
            return _captions(config, stop)
        case Kind.METADATA:
            return _metadata(config, stop)


# Their libraries are slow to load, and who only writes does without them.
def _captions(config: WorkerConfig, stop: Stop) -> Work:
    from vidwiz.adapters.captions import YouTubeCaptions  # noqa: PLC0415

    youtube = YouTubeCaptions(
        config.languages,
        proxy=config.youtube_proxy,
        base_url=config.youtube_url,
        timeout_s=config.pace.fetch_s,
    )
    return Fetching("transcript", youtube.fetch, config.pace, stop)


def _metadata(config: WorkerConfig, stop: Stop) -> Work:
    from vidwiz.adapters.video_metadata import YouTubeMetadata  # noqa: PLC0415

    youtube = YouTubeMetadata(
        proxy=config.youtube_proxy, base_url=config.youtube_url, timeout_s=config.pace.fetch_s
    )
    return Fetching("metadata", youtube.fetch, config.pace, stop)
