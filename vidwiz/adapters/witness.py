"""Another VidWiz that keeps the checkpoints of our log, over HTTP."""

import json
from collections.abc import AsyncIterator, Mapping
from typing import Any

import httpx

PATH = "/api/audit/witness"
TIMEOUT_S = 10.0
LONGEST_ANSWER = 8 * 2**20
"""Bytes; a page of a thousand checkpoints has less than two million."""
_OK = 200
_REFUSALS = range(400, 500)
_PASSING = frozenset({408, 425, 429})


class WitnessUnavailable(Exception):
    """The witness does not answer, or not as a witness does; it may soon."""


class WitnessRefuses(Exception):
    """The witness does not keep the checkpoint: it does not know the key, or contradicts."""


class Witness:
    """A witness at a URL; ``name`` is that URL without what follows the path."""

    def __init__(self, url: str) -> None:
        self.name = url.rstrip("/")
        self._client = httpx.AsyncClient(timeout=TIMEOUT_S, follow_redirects=False)

    async def aclose(self) -> None:
        """Close the connections."""
        await self._client.aclose()

    async def show(self, checkpoint: Mapping[str, Any]) -> dict[str, Any]:
        """What the witness keeps now; raises ``WitnessRefuses``, ``WitnessUnavailable``."""
        return await self._asked("POST", json=dict(checkpoint))

    async def kept(self, public_key: str) -> AsyncIterator[dict[str, Any]]:
        """All that the witness was shown of a key, in order; raises as ``show`` does."""
        after: int | None = 0
        while after is not None:
            page = await self._asked("GET", params={"public_key": public_key, "after": after})
            found, following = page.get("checkpoints"), page.get("next")
            if not isinstance(found, list) or not (following is None or type(following) is int):
                raise WitnessUnavailable(f"{self.name} answers what is no page of checkpoints")
            for one in found:
                yield one
            if following is not None and following <= after:
                raise WitnessUnavailable(f"{self.name} sends the same page again and again")
            after = following

    async def _asked(self, method: str, **what: Any) -> dict[str, Any]:
        try:
            async with self._client.stream(method, self.name + PATH, **what) as answer:
                body = await _bounded(answer)
        except (httpx.HTTPError, httpx.InvalidURL, OSError) as error:
            reason = f"{error}" or type(error).__name__
            raise WitnessUnavailable(f"{self.name} does not answer: {reason}") from error
        if answer.status_code == _OK:
            return self._object(body)
        told = f"{self.name} answered {answer.status_code}{_message(body)}"
        if answer.status_code in _REFUSALS and answer.status_code not in _PASSING:
            raise WitnessRefuses(told)
        raise WitnessUnavailable(told)

    def _object(self, body: bytes) -> dict[str, Any]:
        try:
            its = json.loads(body)
        except (ValueError, RecursionError):
            its = None
        if not isinstance(its, dict):
            raise WitnessUnavailable(f"{self.name} answers what is no JSON object")
        return its


async def _bounded(answer: httpx.Response) -> bytes:
    body = b""
    async for piece in answer.aiter_bytes():
        body += piece
        if len(body) > LONGEST_ANSWER:
            raise httpx.DecodingError(f"more than {LONGEST_ANSWER} bytes")
    return body


def _message(body: bytes) -> str:
    """What an error in the envelope says, for people."""
    try:
        return f": {json.loads(body)['error']['message']}"[:500]
    except (ValueError, RecursionError, LookupError, TypeError):
        return ""
