"""Any server that speaks OpenAI's chat completions: OpenAI, Ollama, OpenRouter and the like."""

import re
from collections.abc import AsyncGenerator

import httpx2
from openai import APIError, APIStatusError, AsyncOpenAI, DefaultAsyncHttpxClient
from openai.types.chat import ChatCompletionMessageParam

from vidwiz.adapters.language_model import (
    CUT,
    ModelError,
    ModelRefused,
    ModelUnavailable,
    Prompt,
    PromptMessage,
)
from vidwiz.adapters.model_retries import (
    RetryableError,
    answered,
    ended_early,
    ended_without_text,
    seconds,
    with_retries,
)
from vidwiz.adapters.thoughts import Thoughts

_CUT = "length"
_NO_KEY = "none"  # servers that need none ignore it; the library insists on one
_FAILURES = (httpx2.HTTPError, OSError, ValueError)
_QUOTA_USED_UP = "insufficient_quota"
_STATUS = re.compile(r"[1-5][0-9]{2}", re.ASCII)


class OpenAICompatible:
    """A model behind ``base_url``, which ends where ``/chat/completions`` begins.

    All tries together get ``first_piece_timeout_s`` for the first piece, and each later piece
    ``between_pieces_timeout_s``.
    """

    def __init__(
        self,
        base_url: str,
        api_key: str | None,
        model: str,
        *,
        first_piece_timeout_s: float = 60.0,
        between_pieces_timeout_s: float = 30.0,
    ) -> None:
        self._model = model
        self._first_s = first_piece_timeout_s
        self._between_s = between_pieces_timeout_s
        # A stream holds its connection for as long as it lasts, so their number has no limit.
        limits = httpx2.Limits(max_connections=None, max_keepalive_connections=100)
        self._client = AsyncOpenAI(
            base_url=base_url,
            api_key=api_key or _NO_KEY,
            max_retries=0,
            timeout=None,
            # The key is for this server only.
            http_client=DefaultAsyncHttpxClient(limits=limits, follow_redirects=False),
        )

    @property
    def name(self) -> str:
        """The model's name."""
        return self._model

    def stream(self, prompt: Prompt) -> AsyncGenerator[str, None]:
        """The completion, piece by piece as it is made; raises ``ModelError``."""
        return with_retries(
            lambda: self._pieces(prompt), first_s=self._first_s, between_s=self._between_s
        )

    async def complete(self, prompt: Prompt) -> str:
        """The completion in one piece; raises ``ModelError``."""
        return "".join([piece async for piece in self.stream(prompt)])

    async def aclose(self) -> None:
        """Close the client and its connections."""
        await self._client.close()

    async def _pieces(self, prompt: Prompt) -> AsyncGenerator[str, None]:
        """The texts of one try, which has to end as an answer ends; raises ``RetryableError``."""
        finish_reason = None
        spoken = False
        thoughts = Thoughts()
        try:
            async with await self._client.chat.completions.create(
                model=self._model, messages=_messages(prompt), stream=True
            ) as chunks:
                async for chunk in chunks:
                    if not chunk.choices:  # a count of tokens, or a sign of life
                        continue
                    choice = chunk.choices[0]
                    finish_reason = choice.finish_reason or finish_reason
                    if choice.delta.refusal:
                        raise ModelRefused(f"{self._model} refused")
                    if answer := thoughts.feed(choice.delta.content or ""):
                        spoken = spoken or bool(answer.strip())
                        yield answer
        except APIError as error:
            raise self._refusal(error) from None  # its text may quote the key
        except _FAILURES as error:
            raise self._failure(error) from error
        if rest := thoughts.end():
            spoken = spoken or bool(rest.strip())
            yield rest
        self._check_end(finish_reason, spoken=spoken)
        if finish_reason == _CUT:
            yield CUT

    def _check_end(self, finish_reason: str | None, *, spoken: bool) -> None:
        if finish_reason is None:
            raise ended_early(self._model)
        if finish_reason == "content_filter":
            raise ModelRefused(f"{self._model} broke off: content_filter")
        if not spoken:
            raise ended_without_text(self._model, finish_reason)

    def _refusal(self, error: APIError) -> ModelError | RetryableError:
        status = _status(error)
        if status is None:
            return self._failure(error)
        told_s = None
        if isinstance(error, APIStatusError):
            told_s = seconds(error.response.headers.get("Retry-After"))
        text = f"{self._model} answered {status}"
        failure = answered(status, text, told_s)
        if error.code == _QUOTA_USED_UP and isinstance(failure, RetryableError):
            return failure.error
        return failure

    def _failure(self, error: Exception) -> RetryableError:
        return RetryableError(
            ModelUnavailable(f"{self._model}: no answer ({type(error).__name__})")
        )


def _status(error: APIError) -> int | None:
    """The HTTP status, or what an error inside a stream says instead."""
    if isinstance(error, APIStatusError):
        return error.status_code
    code = str(error.code)
    return int(code) if _STATUS.fullmatch(code) else None


def _messages(prompt: Prompt) -> list[ChatCompletionMessageParam]:
    return [{"role": "system", "content": prompt.system}, *map(_message, prompt.messages)]


def _message(message: PromptMessage) -> ChatCompletionMessageParam:
    if message.role == "model":
        return {"role": "assistant", "content": message.text}
    return {"role": "user", "content": message.text}
