"""The service as a worker sees it: its HTTP API, for as long as it takes to answer."""

from collections.abc import Callable
from http import HTTPStatus
from ipaddress import ip_address
from types import TracebackType
from typing import Any, Self
from urllib.parse import quote

import httpx
import orjson
import structlog

from vidwiz.supervision import pauses
from vidwiz.workers.config import WorkerConfig
from vidwiz.workers.jobs import Job, Kind
from vidwiz.workers.pauses import Stop

log = structlog.get_logger(__name__)

CONNECT_TIMEOUT_S = 5.0
READ_TIMEOUT_S = 30.0
NO_VIDEO = "-" * 65
"""Longer than the id of any video can be."""
REFUSED = frozenset({HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN})
_MAY_PASS = frozenset({408, 425, 429, *range(500, 600)})


class WorkerRefused(Exception):
    """The service will have nothing of this worker; the text says why."""


class ApiUnreachable(Exception):
    """The service did not answer, and there is no time left to wait for it."""


class ApiRefused(Exception):
    """The service answered with an error that stays: ``status``, and its message as text."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status


class Api:
    """Waits for a service that is away, with growing pauses, until a stop is wished.

    Raises ``WorkerRefused`` for an address that is none.
    """

    def __init__(self, config: WorkerConfig, stop: Stop) -> None:
        self._pace = config.pace
        self._stop = stop
        self._is_away = False
        base_url = _base_url(config.api_url)
        self._client = httpx.AsyncClient(
            base_url=base_url,
            trust_env=not _is_here(base_url),  # no proxy is to see the token on its way back
            headers={"Authorization": f"Bearer {config.admin_token}"},
            timeout=httpx.Timeout(READ_TIMEOUT_S, connect=CONNECT_TIMEOUT_S),
        )

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self._client.aclose()

    async def prove(self) -> None:
        """Find the service and be let in; raises ``WorkerRefused``.

        Asks for the notes of a video that cannot be, which the guard answers before anything else.
        """
        path = f"/videos/{NO_VIDEO}/notes/ai-note-task"
        status, body = await self._ask("GET", path)
        if status in REFUSED:
            raise WorkerRefused("the service does not accept this admin token")
        if _message(body) is None:
            raise WorkerRefused(f"{self._client.base_url} is not the address of VidWiz's API")

    async def next_task(self, kind: Kind) -> dict[str, Any] | None:
        """A task, after waiting for one; None when there was none in time.

        A token that is wrong by now may become right again, so that is waited for as well.
        """
        _, task = await self._ask(
            "GET",
            f"/tasks/{kind}?timeout={self._pace.poll_s:g}",
            read_s=self._pace.poll_s + CONNECT_TIMEOUT_S * 2,
            stays=_is_polled,
        )
        return task or None

    async def submit(self, kind: Kind, report: dict[str, Any]) -> None:
        """Report on a task; raises ``ApiRefused``, with 403 when somebody else has it by now."""
        await self._get("POST", f"/tasks/{kind}", report)

    async def video(self, video_id: str) -> dict[str, Any]:
        """Its title and summary, among others; raises ``ApiRefused``."""
        video: dict[str, Any] = await self._get("GET", f"/wiz/video/{_quoted(video_id)}")
        return video

    async def transcript(self, video_id: str, user_id: int | None) -> list[Any] | None:
        """The items that the person reads, or all (None); None for none; raises ``ApiRefused``."""
        whose = "" if user_id is None else f"?user_id={user_id}"
        items = await self._found(f"/videos/{_quoted(video_id)}/transcript{whose}")
        return items if isinstance(items, list) else None

    async def waiting_notes(self, video_id: str) -> list[dict[str, Any]]:
        """The notes of a video that an AI is to write; raises ``ApiRefused``."""
        body = await self._found(f"/videos/{_quoted(video_id)}/notes/ai-note-task")
        return [] if body is None else list(body["notes"])

    async def write_summary(self, job: Job, summary: str) -> None:
        """Give the job's video its summary, or its person theirs; raises ``ApiRefused``."""
        path = f"/videos/{_quoted(job.video_id)}{_because_of(job, '?')}"
        await self._get("PATCH", path, {"summary": summary})

    async def write_note(self, job: Job, text: str) -> None:
        """Give the job's note its words, unless it has some; raises ``ApiRefused``."""
        words = {"text": text, "generated_by_ai": True}
        path = f"/notes/{job.note_id}?only_if_empty=true{_because_of(job, '&')}"
        await self._get("PATCH", path, words)

    async def _found(self, path: str) -> Any:
        """The body of a 200; None for a 404."""
        try:
            return await self._get("GET", path)
        except ApiRefused as refusal:
            if refusal.status != HTTPStatus.NOT_FOUND:
                raise
            return None

    async def _get(self, method: str, path: str, body: Any = None) -> Any:
        """The body of a 200."""
        status, found = await self._ask(method, path, body)
        if status != HTTPStatus.OK:
            raise ApiRefused(status, _message(found) or f"HTTP {status}")
        return found

    async def _ask(
        self,
        method: str,
        path: str,
        body: Any = None,
        *,
        stays: Callable[[int, Any], bool] | None = None,
        read_s: float = READ_TIMEOUT_S,
    ) -> tuple[int, Any]:
        """Status and body of an answer that stays.

        These are all that ``_MAY_PASS`` does not name, unless ``stays`` tells them.
        """
        request = self._client.build_request(
            method,
            path,
            content=None if body is None else orjson.dumps(body),
            headers={"Content-Type": "application/json"} if body is not None else None,
            timeout=httpx.Timeout(READ_TIMEOUT_S, connect=CONNECT_TIMEOUT_S, read=read_s),
        )
        for pause_s in pauses(self._pace.first_pause_s, self._pace.longest_pause_s):
            try:
                answer = await self._client.send(request)
                status, found = answer.status_code, _parsed(answer)
            except (httpx.HTTPError, orjson.JSONDecodeError) as error:
                trouble = type(error).__name__
            else:
                if stays(status, found) if stays else status not in _MAY_PASS:
                    self._is_back()
                    return status, found
                trouble = f"HTTP {status}"
            await self._wait(pause_s, trouble)
        raise AssertionError("pauses never end")

    async def _wait(self, pause_s: float, trouble: str) -> None:
        if not self._is_away:
            log.warning("service away", url=str(self._client.base_url), reason=trouble)
        self._is_away = True
        if await self._stop.pause(pause_s):
            raise ApiUnreachable(trouble)

    def _is_back(self) -> None:
        if self._is_away:
            log.info("service back", url=str(self._client.base_url))
        self._is_away = False


def _because_of(job: Job, separator: str) -> str:
    """The part of a query that tells the service which task the words are for."""
    return "" if job.task_id is None else f"{separator}task_id={job.task_id}"


def _base_url(api_url: str) -> httpx.URL:
    try:
        url = httpx.URL(f"{api_url.rstrip('/')}/api")
    except httpx.InvalidURL:
        url = httpx.URL()
    if url.scheme not in ("http", "https") or not url.host:
        raise WorkerRefused("the service's address must be like http://127.0.0.1:8000")
    return url


def _parsed(answer: httpx.Response) -> Any:
    """The JSON; nothing when an error has none, which is not of VidWiz's own making."""
    try:
        return orjson.loads(answer.content) if answer.content else None
    except orjson.JSONDecodeError:
        if answer.is_success:
            raise
        return None


def _quoted(video_id: str) -> str:
    """As one part of a path, whatever a message named; dots alone would lead elsewhere."""
    return quote(video_id, safe="").replace(".", "%2E")


def _is_here(base_url: httpx.URL) -> bool:
    """Whether the address is this machine's own."""
    try:
        return ip_address(base_url.host).is_loopback
    except ValueError:
        return base_url.host == "localhost"


def _is_polled(status: int, body: Any) -> bool:
    """Whether it is how the service answers who asks for a task."""
    return status == HTTPStatus.NO_CONTENT or (status == HTTPStatus.OK and _is_task(body))


def _is_task(task: Any) -> bool:
    if not isinstance(task, dict):
        return False
    details = task.get("task_details")
    return (
        isinstance(task.get("task_id"), int)
        and isinstance(task.get("retry_count"), int)
        and isinstance(details, dict)
        and isinstance(details.get("video_id"), str)
        and isinstance(details.get("note_id"), int | None)
        and isinstance(details.get("user_id"), int | None)
    )


def _message(body: Any) -> str | None:
    """The message of VidWiz's error envelope."""
    error = body.get("error") if isinstance(body, dict) else None
    message = error.get("message") if isinstance(error, dict) else None
    return message if isinstance(message, str) else None
