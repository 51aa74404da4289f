"""Wiz: open a video, talk about it, follow the answers."""

import asyncio
import math
import re
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing, asynccontextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Annotated, Self

from pydantic import BaseModel, ConfigDict, Field
from quart import Blueprint, Response, request
from quart_schema import document_headers, document_querystring, document_response
from werkzeug.exceptions import MethodNotAllowed

from vidwiz.commands.conversations import (
    AskQuestion,
    ConversationNotFound,
    GuestQuotaExceeded,
    Identity,
    QuestionContext,
    StartConversation,
    TranscriptProcessing,
    TurnNotFound,
    UserQuotaExceeded,
    admit,
    require_conversation,
)
from vidwiz.commands.videos import OpenVideo, VideoNotFound
from vidwiz.event_store.counts import Charge
from vidwiz.event_store.loaders.conversations import question_grounds
from vidwiz.events.recorded import ANONYMOUS
from vidwiz.http.access.guards import (
    Guest,
    User,
    Visitor,
    bearer,
    public,
    reader_of_public_route,
    user_or_guest,
)
from vidwiz.http.documented import documented
from vidwiz.http.errors import ApiError
from vidwiz.http.limits import bodies
from vidwiz.http.limits.daily import asked_within_day
from vidwiz.http.limits.requests import limited, too_many
from vidwiz.http.requests.checked import CheckedAs
from vidwiz.http.requests.context import origin
from vidwiz.http.requests.queries import read_query
from vidwiz.http.requests.youtube_ids import YouTubeId
from vidwiz.http.responses import models, sse
from vidwiz.http.responses.answers import json_answer
from vidwiz.http.services import Services, services
from vidwiz.http.videos.transcript_store import TranscriptAsRead, report_lost, transcript_as_read
from vidwiz.postgres.statement import MAX_BIGINT
from vidwiz.projections import wiz_queries
from vidwiz.wiz.library import Transcript
from vidwiz.wiz.turn import START, StreamedTurnEvent, Turn, TurnOffset
from vidwiz.wiz.turns import QuestionSubject

wiz = Blueprint("wiz", __name__)

LONGEST_MESSAGE = 8000
CONVERSATIONS_PER_PAGE = 50
STOPPED_WITHIN_S = 10.0

_id = re.compile(r"[0-9]{1,18}")
_place = re.compile(r"([0-9]{1,9})\.([0-9]{1,6})(\.end)?")


def _message(message: str) -> str:
    message = message.strip()
    if not message:
        raise ValueError("message cannot be empty")
    if len(message) > LONGEST_MESSAGE:
        raise ValueError(f"message must be at most {LONGEST_MESSAGE} characters")
    return message


def _positive(conversation_id: int) -> int:
    if conversation_id <= 0:
        raise ValueError("conversation_id must be a positive integer")
    return conversation_id


class VideoToOpen(BaseModel):
    """A video, by its id or a link to it."""

    model_config = ConfigDict(extra="forbid")

    video_id: YouTubeId


class ChatMessage(VideoToOpen):
    """A question; without a ``conversation_id`` it begins a conversation."""

    message: Annotated[str, CheckedAs(_message, minLength=1, pattern=r"\S")]
    conversation_id: Annotated[int, CheckedAs(_positive, minimum=1)] | None = None


class ConversationsQuery(BaseModel):
    """Which conversations: of one video, and behind a page that was read."""

    video_id: YouTubeId | None = None
    before: Annotated[int, Field(ge=0, lt=10**18)] | None = None


class LastTurnEventId(BaseModel):
    """Where to go on."""

    last_event_id: str | None = None


@wiz.post("/wiz/init")
@documented("wiz", models.OpenedVideo, 400, 413, 422, 429, body=VideoToOpen)
@public
@limited("wiz")
async def post_init() -> Response:
    """Open a video: what is missing of it is queued, and what failed for good is queued anew."""
    body = await bodies.read(VideoToOpen)
    caller = await _anybody()
    command = OpenVideo(
        body.video_id, datetime.now(UTC), caller.user_id if isinstance(caller, User) else None
    )
    asked_by = origin(caller.actor if caller else ANONYMOUS)
    opened = await asked_within_day(command, command.user_id, asked_by)
    if opened.is_new:
        message, queued = "Video created. All tasks queued.", None
    elif opened.missing:
        message, queued = f"Tasks queued: {', '.join(opened.missing)}", opened.missing
    else:
        message, queued = "No new tasks needed.", None
    return json_answer(
        {
            "message": message,
            "video_id": body.video_id,
            "is_new": opened.is_new,
            "tasks_queued": queued,
        }
    )


@wiz.get("/wiz/video/<video_id>")
@documented("wiz", models.WizVideo, 404)
@public
async def get_wiz_video(video_id: str) -> Response:
    """What there is of a video so far; for a user also what they brought themselves."""
    row = None
    if bodies.is_video_id(video_id):
        user_id = await reader_of_public_route()
        row = await services().database.one(
            wiz_queries.WIZ_VIDEO, video_id=video_id, user_id=user_id
        )
    if row is None:
        raise VideoNotFound
    return json_answer(row[0].encode())


@wiz.post("/wiz/conversation")
@documented("wiz", models.StartedConversation, 400, 401, 404, 413, 422, 429, body=VideoToOpen)
@user_or_guest
@limited("wiz")
async def post_conversation(caller: Visitor) -> Response:
    """Begin a conversation about a video, which costs nothing."""
    body = await bodies.read(VideoToOpen)
    command = StartConversation(_identity(caller), body.video_id)
    conversation_id = await services().store.execute(command, origin(caller.actor))
    return json_answer({"conversation_id": conversation_id, "video_id": body.video_id})


@wiz.post("/wiz/chat")
@documented("wiz", models.TurnStream, 400, 401, 404, 413, 422, 429, 503, body=ChatMessage)
@document_response(models.Processing, 202)
@user_or_guest
@limited("wiz")
async def post_chat(caller: Visitor) -> Response:
    """Ask, and follow the answer as server-sent events; 202 while there is no transcript yet.

    The answer's headers name the turn, by which it can be followed again or stopped.
    """
    body = await bodies.read(ChatMessage)
    try:
        turn = await services().shielded.run(_ask(caller, body))
    except (GuestQuotaExceeded, UserQuotaExceeded) as error:
        raise ApiError(429, error.message, {"reset_in_seconds": _seconds_to_midnight()}) from None
    except TranscriptProcessing as error:
        return json_answer({"status": "processing", "message": error.message}, 202)
    headers = {
        "X-Wiz-Turn-ID": str(turn.turn_id),
        "X-Wiz-Conversation-ID": str(turn.conversation_id),
    }
    return sse.stream(_plain_events(turn, _Listener.of(caller)), headers)


@wiz.get("/wiz/quota")
@documented("wiz", models.Quota, 401, 429)
@user_or_guest
@limited("wiz_read")
async def get_quota(caller: Visitor) -> Response:
    """How many questions are left today, and whether the service answers any more today."""
    identity = _identity(caller)
    row = await services().database.one(
        wiz_queries.QUOTA_USED, identity=identity.name, day=datetime.now(UTC).date()
    )
    used = row[0] if row else 0
    return json_answer(
        {
            "limit": identity.questions_a_day,
            "used": used,
            "remaining": max(0, identity.questions_a_day - used),
            "reset_in_seconds": _seconds_to_midnight(),
            "service_limit_reached": await _all_are_used_up(),
        }
    )


async def _all_are_used_up() -> bool:
    """Whether a question would be refused because all model calls of the day are used."""
    return await services().quotas.full(_cost_of_question()) is not None


def _cost_of_question() -> list[Charge]:
    """Nothing where passages are the answer, whatever workers elsewhere may cost."""
    return services().quotas.of_model_call() if services().page.language_model else []


@wiz.get("/wiz/conversations")
@documented("wiz", models.Conversations, 400, 401, 422, 429)
@document_querystring(ConversationsQuery)
@user_or_guest
@limited("wiz_read")
async def get_conversations(caller: Visitor) -> Response:
    """The caller's conversations, newest first, 50 a page."""
    before = request.args.get("before")
    if before is not None and _id.fullmatch(before) is None:
        raise ApiError(400, "before must be a conversation's id")
    query = read_query(ConversationsQuery)
    identity = _identity(caller)
    row = await services().database.one(
        wiz_queries.CONVERSATIONS,
        user_id=identity.user_id,
        guest_id=identity.guest_id,
        video_id=query.video_id,
        before=query.before,
        at_most=CONVERSATIONS_PER_PAGE,
    )
    found = row[0] if row else "[]"
    return json_answer(b'{"conversations":%b}' % found.encode())


@wiz.get("/wiz/conversations/<conversation_id>")
@documented("wiz", models.Conversation, 401, 404, 429)
@user_or_guest
@limited("wiz_read")
async def get_conversation(caller: Visitor, conversation_id: str) -> Response:
    """A conversation with its messages, their citations, and how each turn stands."""
    identity = _identity(caller)
    row = None
    if _id.fullmatch(conversation_id):
        row = await services().database.one(
            wiz_queries.CONVERSATION,
            user_id=identity.user_id,
            guest_id=identity.guest_id,
            conversation_id=int(conversation_id),
        )
    if row is None:
        await _not_theirs(caller)
        raise ConversationNotFound
    return json_answer(row[0].encode())


@wiz.get("/wiz/turns/<turn_id>/stream")
@documented("wiz", models.TurnStream, 401, 404, 429, empty=204)
@document_headers(LastTurnEventId)
@user_or_guest
@limited("wiz_read")
async def get_turn_stream(caller: Visitor, turn_id: str) -> Response:
    """Follow a turn from its start, or from ``Last-Event-ID``, as typed server-sent events.

    They are ``delta``, ``citation`` and, once and last, ``completed``, ``stopped`` or ``failed``.
    """
    if request.method == "HEAD":  # which Quart adds to every GET
        raise MethodNotAllowed(["GET"])
    turn = await services().elsewhere.find(_turn_id(turn_id), _identity(caller))
    seen = _place.fullmatch(request.headers.get("Last-Event-ID", ""))
    if seen is None:
        return sse.stream(_typed_events(turn, _Listener.of(caller)))
    if seen[3]:
        return sse.no_more()
    return sse.stream(
        _typed_events(turn, _Listener.of(caller), TurnOffset(int(seen[1]), int(seen[2])))
    )


@wiz.post("/wiz/turns/<turn_id>/stop")
@documented("wiz", models.StoppedTurn, 401, 404, 429)
@user_or_guest
@limited("wiz_read")
async def post_turn_stop(caller: Visitor, turn_id: str) -> Response:
    """End an answer where it is; what there is of it is kept. An ended turn stays as it is."""
    elsewhere = services().elsewhere
    turn = await elsewhere.find(_turn_id(turn_id), _identity(caller))
    if not turn.ended:
        elsewhere.stop(turn)
        last = await _last_event(turn)
    else:
        last = turn.events[-1]
    return json_answer({"turn_id": turn.turn_id, "status": last.kind})


async def _last_event(turn: Turn) -> StreamedTurnEvent:
    with suppress(TimeoutError):
        async with (
            asyncio.timeout(STOPPED_WITHIN_S),
            aclosing(turn.follow(turn.place)) as events,
        ):
            async for event in events:
                if event is not None and event.is_last:
                    return event
    raise ApiError(503, "The answer could not be stopped in time", headers={"Retry-After": "1"})


async def _ask(caller: Visitor, body: ChatMessage) -> Turn:
    """Look first, then read the transcript, then take the quota together with the question."""
    question = AskQuestion(
        identity=_identity(caller),
        day=datetime.now(UTC).date(),
        video_id=body.video_id,
        conversation_id=body.conversation_id and min(body.conversation_id, MAX_BIGINT),
        text=body.message,
        server=services().signals.server,
    )
    async with services().database.borrowed() as connection:
        ground: QuestionContext
        (ground,) = await question_grounds(connection, [question.lookup()])
        admit(question.identity, ground)
    read = await transcript_as_read(body.video_id, question.identity.user_id)
    transcript = await _transcript(read)
    about = QuestionSubject(body.video_id, read.title, _seconds(read.duration), transcript)
    require_conversation(ground)
    if question.identity.user_id is not None:
        await services().room.require(question.identity.user_id, len(body.message.encode()))
    if question.identity.user_id is None:  # a guest is free to be another one every time
        await services().limits.spend_for_address("guest_question")
    async with _model_call():
        return await services().turns.ask(question, about, origin(caller.actor))


@asynccontextmanager
async def _model_call() -> AsyncIterator[None]:
    """One of the day's model calls, for a question that is accepted; raises a 429."""
    charges = _cost_of_question()
    full = await services().quotas.take(charges)
    if full is not None:
        raise too_many(full.reset_in_seconds, "Daily limit of all questions reached")
    try:
        yield
    except BaseException:
        await services().quotas.give_back(charges)
        raise


async def _transcript(read: TranscriptAsRead) -> Transcript:
    """What is answered from; one that is lost is missing now, and on its way from then on."""
    if read.sha256 is None:  # it was dropped or lost since the question was admitted
        raise TranscriptProcessing
    transcript = await services().library.transcript(read.object_key, read.sha256)
    if transcript is None:
        await report_lost(read)
        raise ApiError(404, "Transcript data missing")
    return transcript


def _seconds(duration: str | None) -> float | None:
    """The length of a video by its metadata, which workers write as they like."""
    try:
        seconds = float(duration or "nan")
    except ValueError:
        return None
    return seconds if 0 < seconds < math.inf else None


@dataclass(slots=True)
class _Listener:
    """Who follows a turn, by which token, and how much was known when it was last looked at."""

    its: Services
    caller: Visitor
    token: str
    looked_at: int
    alive: bool = True

    @classmethod
    def of(cls, caller: Visitor) -> Self:
        """The listener of this request."""
        token = bearer() if isinstance(caller, User) else ""
        return cls(services(), caller, token, services().erasures.changes)

    async def may_hear(self) -> bool:
        """Whether their token lives; it is looked at when some token died."""
        if self.looked_at != self.its.erasures.changes:
            self.looked_at = self.its.erasures.changes
            if isinstance(self.caller, User):
                self.alive = await self.its.guard.still_admits(self.caller, self.token)
            else:
                self.alive = not self.was_erased
        return self.alive

    @property
    def was_erased(self) -> bool:
        """Whether the person is gone: the turn fails in a moment, and says why."""
        if isinstance(self.caller, Guest):
            return self.its.erasures.has_guest(self.caller.guest_id)
        return self.caller.user_id in self.its.erasures


async def _plain_events(turn: Turn, listener: _Listener) -> AsyncGenerator[bytes, None]:
    """What the contract's clients understand: pieces, and the end."""
    async with aclosing(turn.follow()) as events:
        async for event in events:
            if not await listener.may_hear():
                yield sse.event(b'{"error": "Processing error"}')
                return
            match event:
                case None:
                    yield sse.HEARTBEAT
                case StreamedTurnEvent(kind="delta"):
                    yield sse.event(event.data)
                case StreamedTurnEvent(kind="failed"):
                    yield sse.event(b'{"error": "Processing error"}')
                case StreamedTurnEvent(kind="completed" | "stopped"):
                    yield sse.event(b"[DONE]")


async def _typed_events(
    turn: Turn, listener: _Listener, after: TurnOffset = START
) -> AsyncGenerator[bytes, None]:
    async with aclosing(turn.follow(after)) as events:
        async for event in events:
            if not await listener.may_hear():
                if not listener.was_erased:
                    return
                if event is None or event.kind != "failed":
                    continue
            if event is None:
                yield sse.HEARTBEAT
            else:
                characters, citations = event.place
                end = ".end" if event.is_last else ""
                yield sse.event(event.data, event.kind, f"{characters}.{citations}{end}")


async def _not_theirs(caller: Visitor) -> None:
    """A guest's id is the key to their talks: count who tries ids."""
    if isinstance(caller, Guest):
        await services().guesses.wrong_token()


def _identity(caller: Visitor) -> Identity:
    if isinstance(caller, User):
        return Identity(user_id=caller.user_id)
    return Identity(guest_id=caller.guest_id)


async def _anybody() -> Visitor | None:
    """Who opens a video, as far as the client says so; a public route asks nobody."""
    try:
        return await services().guard.user_or_guest()
    except ApiError as error:
        if error.status != 401:  # noqa: PLR2004  an id that no guest can have
            raise
        return None


def _turn_id(text: str) -> int:
    if _id.fullmatch(text) is None:
        raise TurnNotFound
    return int(text)


def _seconds_to_midnight() -> int:
    now = datetime.now(UTC)
    midnight = datetime(now.year, now.month, now.day, tzinfo=UTC) + timedelta(days=1)
    return max(1, int((midnight - now).total_seconds()))
