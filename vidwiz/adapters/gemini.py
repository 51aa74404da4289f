"""Google's Gemini, through google-genai's async client."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing, suppress

import aiohttp
from google import genai
from google.genai.errors import APIError
from google.genai.types import (
    AutomaticFunctionCallingConfig,
    Content,
    GenerateContentConfig,
    GenerateContentResponse,
    HttpOptions,
    HttpRetryOptions,
    Part,
)
from pydantic import BaseModel, Field, ValidationError

from vidwiz.adapters.language_model import (
    CUT,
    ModelError,
    ModelRefused,
    ModelUnavailable,
    Prompt,
)
from vidwiz.adapters.model_retries import (
    RetryableError,
    answered,
    ended_early,
    ended_without_text,
    seconds,
    with_retries,
)

_API_VERSION = "v1beta"
_READ_BUFFER_BYTES = 2**20
_FAILURES = (
    aiohttp.ClientError,
    OSError,
    ValueError,  # google-genai's and pydantic's word for an answer that is not Gemini's
    # What google-genai stumbles into over an error inside a stream that has no code.
    TypeError,
    AttributeError,
)
_CUT = "MAX_TOKENS"
_FINISHED = frozenset({"STOP", _CUT, "CONTINUATION"})
# Every other reason to finish is a policy's.
_BROKEN = frozenset(
    {
        "FINISH_REASON_UNSPECIFIED",
        "MALFORMED_FUNCTION_CALL",
        "MALFORMED_RESPONSE",
        "MISSING_THOUGHT_SIGNATURE",
        "TOO_MANY_TOOL_CALLS",
        "UNEXPECTED_TOOL_CALL",
    }
)


class Gemini:
    """A Gemini model; made inside the event loop that uses it.

    ``base_url`` is another server that speaks its protocol. All tries together get
    ``first_piece_timeout_s`` for the first piece of a stream, each later piece
    ``between_pieces_timeout_s``, and a completion in one piece ``completion_timeout_s``.
    """

    def __init__(
        self,
        api_key: str,
        model: str = "gemini-2.5-flash",
        *,
        base_url: str | None = None,
        first_piece_timeout_s: float = 60.0,
        between_pieces_timeout_s: float = 30.0,
        completion_timeout_s: float = 80.0,
    ) -> None:
        self._model = model
        self._first_s = first_piece_timeout_s
        self._between_s = between_pieces_timeout_s
        self._completion_s = completion_timeout_s
        # A stream holds its connection for as long as it lasts, so their number has no limit.
        self._http = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=0),
            trust_env=True,
            read_bufsize=_READ_BUFFER_BYTES,
        )
        options = HttpOptions(
            base_url=base_url,
            api_version=_API_VERSION,
            retry_options=HttpRetryOptions(attempts=1),  # without, it retries once unasked
            aiohttp_client=self._http,
            async_client_args={"allow_redirects": False},  # the key is for this server only
        )
        self._client = genai.Client(api_key=api_key, vertexai=False, http_options=options)

    @property
    def name(self) -> str:
        """The model's name."""
        return self._model

    def stream(self, prompt: Prompt) -> AsyncGenerator[str, None]:
        """The completion, piece by piece as it is made; raises ``ModelError``."""
        return with_retries(
            lambda: self._pieces(self._streamed(prompt)),
            first_s=self._first_s,
            between_s=self._between_s,
        )

    async def complete(self, prompt: Prompt) -> str:
        """The completion in one piece; raises ``ModelError``."""
        pieces = with_retries(
            lambda: self._pieces(self._whole(prompt)),
            first_s=self._completion_s,
            between_s=self._between_s,
        )
        return "".join([piece async for piece in pieces])

    async def aclose(self) -> None:
        """Close the client and its connections."""
        await self._client.aio.aclose()
        self._client.close()
        await self._http.close()

    async def _pieces(
        self, answers: AsyncGenerator[GenerateContentResponse, None]
    ) -> AsyncGenerator[str, None]:
        """The texts of one try, which has to end as an answer ends; raises ``RetryableError``."""
        finish_reason = None
        spoken = has_words = False
        async with aclosing(answers):
            async for answer in answers:
                self._check_not_blocked(answer)
                finish_reason = _finish_reason(answer) or finish_reason
                if text := _text(answer):
                    spoken = True
                    has_words = has_words or bool(text.strip())
                    yield text
        self._check_end(finish_reason, spoken=spoken)
        if finish_reason == _CUT and has_words:
            yield CUT

    async def _streamed(self, prompt: Prompt) -> AsyncGenerator[GenerateContentResponse, None]:
        try:
            answers = await self._client.aio.models.generate_content_stream(
                model=self._model, contents=_contents(prompt), config=_config(prompt)
            )
            try:
                async for answer in answers:
                    yield answer
            finally:
                await _hang_up(answers)
        except APIError as error:
            raise self._refusal(error) from None  # its text may quote the key
        except _FAILURES as error:
            raise self._failure(error) from error

    async def _whole(self, prompt: Prompt) -> AsyncGenerator[GenerateContentResponse, None]:
        try:
            answer = await self._client.aio.models.generate_content(
                model=self._model, contents=_contents(prompt), config=_config(prompt)
            )
        except APIError as error:
            raise self._refusal(error) from None
        except _FAILURES as error:
            raise self._failure(error) from error
        yield answer

    def _check_not_blocked(self, answer: GenerateContentResponse) -> None:
        feedback = answer.prompt_feedback
        if feedback is not None and feedback.block_reason is not None:
            raise ModelRefused(f"{self._model} blocked the prompt: {feedback.block_reason.value}")

    def _check_end(self, finish_reason: str | None, *, spoken: bool) -> None:
        if finish_reason is None:
            raise ended_early(self._model)
        if finish_reason in _BROKEN:
            raise ModelUnavailable(f"{self._model} broke off: {finish_reason}")
        if finish_reason not in _FINISHED:
            raise ModelRefused(f"{self._model} broke off: {finish_reason}")
        if not spoken:
            raise ended_without_text(self._model, finish_reason)

    def _refusal(self, error: APIError) -> ModelError | RetryableError:
        body = _ErrorBody.of(error)
        text = f"{self._model} answered {error.code} {body.reason or error.status or ''}".rstrip()
        if body.reason == "API_KEY_INVALID":
            return ModelUnavailable(f"{text}: the API key is not valid")
        if (
            error.status == "FAILED_PRECONDITION"
        ):  # it is the account or the country, not the prompt
            return ModelUnavailable(text)
        return answered(error.code, text, body.retry_delay_s or _retry_after_s(error))

    def _failure(self, error: Exception) -> RetryableError:
        return RetryableError(
            ModelUnavailable(f"{self._model}: no answer ({type(error).__name__})")
        )


class _ErrorDetail(BaseModel):
    kind: str = Field("", alias="@type")
    reason: str = ""
    retry_delay: str = Field("", alias="retryDelay")


class _Error(BaseModel):
    details: list[_ErrorDetail] = []


class _ErrorBody(BaseModel):
    """What Google says besides the status: https://google.aip.dev/193."""

    error: _Error = _Error()

    @classmethod
    def of(cls, error: APIError) -> "_ErrorBody":
        try:
            return cls.model_validate(error.details)
        except ValidationError:  # a gateway's words, not Google's
            return cls()

    @property
    def reason(self) -> str:
        return next((detail.reason for detail in self.error.details if detail.reason), "")

    @property
    def retry_delay_s(self) -> float | None:
        delays = [detail.retry_delay for detail in self.error.details if detail.retry_delay]
        return seconds(delays[0].removesuffix("s")) if delays else None


def _retry_after_s(error: APIError) -> float | None:
    headers = getattr(error.response, "headers", None) or {}
    return seconds(headers.get("Retry-After"))


async def _hang_up(answers: AsyncIterator[GenerateContentResponse]) -> None:
    """Close the request of a stream that is not read to its end.

    Closing google-genai's generator leaves its connection to the garbage collector. Cancelling it
    while it reads closes it at once, so it reads on with no time left.
    """
    with suppress(TimeoutError, APIError, *_FAILURES):
        async with asyncio.timeout(0):
            async for _ in answers:
                pass


def _contents(prompt: Prompt) -> list[Content]:
    return [Content(role=each.role, parts=[Part(text=each.text)]) for each in prompt.messages]


def _config(prompt: Prompt) -> GenerateContentConfig:
    return GenerateContentConfig(
        system_instruction=prompt.system,
        automatic_function_calling=AutomaticFunctionCallingConfig(disable=True),
        automatic_continuation=False,  # its reconnecting would be another retry
    )


def _text(answer: GenerateContentResponse) -> str:
    """Not the response's own ``text``, which warns about every part that is none."""
    candidate = answer.candidates[0] if answer.candidates else None
    parts = candidate.content.parts if candidate and candidate.content else None
    return "".join(part.text for part in parts or () if part.text and not part.thought)


def _finish_reason(answer: GenerateContentResponse) -> str | None:
    reason = answer.candidates[0].finish_reason if answer.candidates else None
    return reason.value if reason else None
