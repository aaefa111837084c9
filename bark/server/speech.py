"""`POST /v1/audio/speech`."""

from __future__ import annotations

import logging
from collections.abc import AsyncGenerator, Callable
from contextlib import AsyncExitStack, aclosing
from dataclasses import dataclass, field

from fastapi import APIRouter, Depends, Request
from starlette.responses import Response

from bark.audio.formats import Format, named_format
from bark.audio.samples import Audio
from bark.audio.stretch import check_speed
from bark.audio.tags import Tags
from bark.errors import BarkError
from bark.server.errors import Refusal, as_refusal, error_body
from bark.server.guard import OWNER
from bark.server.jobs import Busy, Job, Late, NotReady, Speech
from bark.server.leaving import ClientLeftError, unless_left
from bark.server.names import MODELS
from bark.server.openapi import SPEECH
from bark.server.requests import LEFT, Call, call_of
from bark.server.schemas import AudioDelta, AudioDone, ErrorEvent, Fault, SpeechRequest, Usage
from bark.server.state import Serving, serving
from bark.server.streaming import Made, Streamed, chunks, delta, encoded, event, nameless_file, stretched, written
from bark.text.language import language_code

logger = logging.getLogger(__name__)
router = APIRouter()
UNFORESEEN = "something went wrong in the server"


@dataclass
class Answer:
    """A speech on its way to a client.

    Attributes:
        serving: what it is made from.
        call: of the client.
        body: what was asked for.
        format: of the file.
        speech: from its first piece on.
        first: this piece.
        made: of it so far.
    """

    serving: Serving
    call: Call
    body: SpeechRequest
    format: Format
    speech: Speech
    first: Audio
    made: Made = field(default_factory=Made)

    @property
    def headers(self) -> dict[str, str]:
        """What is known before the body."""
        return {
            "x-bark-seed": str(self.speech.seed),
            "x-bark-model": self.serving.card.name,
            "x-bark-sample-rate": str(self.format.rate_for(self.speech.sample_rate)),
            "x-accel-buffering": "no",  # nginx would otherwise keep a stream until it is whole
        }

    @property
    def tags(self) -> Tags:
        """What the file says of itself."""
        voice = name_of(self.body) or ""
        return Tags(self.body.input, voice=voice, model=self.serving.card.name, seed=self.speech.seed)

    def audio(self) -> AsyncGenerator[Audio, None]:
        """All of it, at the speed that was asked for."""
        return stretched(self._whole(), self.speech.sample_rate, self.body.speed or 1.0, self.made)

    def file(self) -> AsyncGenerator[bytes, None]:
        """The file, as it is made."""
        return encoded(self.audio(), self.format, self.speech.sample_rate, self.tags)

    async def plain(self) -> AsyncGenerator[bytes, None]:
        """The body of an answer that is the file."""
        async with aclosing(self.file()) as pieces:
            async for data in pieces:
                yield data
        self.done()

    async def events(self) -> AsyncGenerator[bytes, None]:
        """The body of an answer of events."""
        async with aclosing(self.file()) as pieces:
            async for data in pieces:
                yield event(AudioDelta(audio=delta(data)))
        read, said = self.speech.text_tokens, self.speech.audio_tokens
        usage = Usage(input_tokens=read, output_tokens=said, total_tokens=read + said)
        yield event(AudioDone(usage=usage, seed=self.speech.seed, warnings=self.speech.warnings))
        self.done()

    def done(self) -> None:
        """Counts it."""
        seconds = self.made.samples / self.speech.sample_rate
        self.serving.metrics.speech.observe(self.call.seconds)
        self.serving.metrics.audio.labels(self.format.name).inc(seconds)
        self.call.notes["audio"] = f"{seconds:.2f}"

    def failed(self, error: Exception) -> Refusal:
        """Notes what went wrong on the way, when it is too late for a status."""
        refusal = _refusal(error)
        self.call.notes["failed"] = refusal.code
        return refusal

    async def _whole(self) -> AsyncGenerator[Audio, None]:
        yield self.first
        async for piece in self.speech:
            yield piece


async def json_only(request: Request) -> None:
    """Refuses what isn't said to be JSON: a form of a foreign page would be sent here without asking."""
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind != "application/json":
        raise Refusal(415, "the body must be JSON, with the header Content-Type: application/json")


@router.post(
    "/v1/audio/speech",
    summary="Speak a text",
    response_class=Response,
    dependencies=[Depends(json_only)],
    **SPEECH,
)
async def speak(request: Request, body: SpeechRequest) -> Response:
    """Speaks a text of any length. The first audio is made before the answer begins; whoever hangs up, cancels."""
    app, call = serving(request), call_of(request.scope)
    _check(app, body)
    format = named_format(body.response_format or "mp3")
    job = await _job(app, body, call, request.scope[OWNER])
    if app.settings.log_text:
        logger.info("%s says: %r", call.id, body.input)
    async with AsyncExitStack() as stack:
        try:
            speech, first = await unless_left(_begun(app, job), request.receive)
            stack.push_async_callback(speech.aclose)
            app.metrics.first_audio.observe(call.seconds)
            call.notes |= {"characters": len(body.input), "seed": speech.seed, "first": f"{call.seconds:.3f}"}
            answer = Answer(app, call, body, format, speech, first)
            if body.stream is False and body.stream_format != "sse":
                return await unless_left(_finished(answer), request.receive)
        except ClientLeftError:
            return Response(status_code=LEFT)
        except BarkError as error:
            raise _refusal(error) from error
        held = stack.pop_all()
    return _streamed(answer, held)


def name_of(body: SpeechRequest) -> str | None:
    """The voice that is asked for."""
    return body.voice if body.voice is None or isinstance(body.voice, str) else body.voice.id


def _check(app: Serving, body: SpeechRequest) -> None:
    """Finds mistakes before anything is begun."""
    if body.model is not None and body.model not in (app.card.name, "bark", *MODELS):
        raise Refusal(404, f"there is no such model; there is {app.card.name}", "model_not_found", "model")
    if len(body.input) > app.settings.max_text:
        said = f"the text has {len(body.input)} characters; {app.settings.max_text} are allowed"
        raise Refusal(400, said, "string_above_max_length", "input")
    check_speed(body.speed or 1.0)


async def _job(app: Serving, body: SpeechRequest, call: Call, owner: str) -> Job:
    language = language_code(body.language or None)
    dialogue = bool(body.dialogue)
    options = app.card.options.with_changes(
        seed=body.seed,
        temperature=body.temperature,
        max_duration=min(body.max_duration or app.settings.max_audio, app.settings.max_audio),
    )
    return Job(
        text=body.input,
        voice=None if dialogue else await app.book.find(name_of(body), owner, language),
        options=options,
        language=language,
        client=call.client,
        bulk=body.priority == "bulk",
        deadline=app.settings.deadline,
        dialogue=dialogue,
    )


async def _begun(app: Serving, job: Job) -> tuple[Speech, Audio]:
    """A speech, and its first piece."""
    speech = await app.scheduler.submit(job)
    try:
        await speech.begun()
        async for piece in speech:
            if len(piece):
                return speech, piece
        raise Refusal(422, "the model said nothing; another seed may help", "nothing_said", "input")
    except BaseException:
        await speech.aclose()
        raise


def _streamed(answer: Answer, held: AsyncExitStack) -> Response:
    if answer.body.stream_format == "sse":
        media = "text/event-stream; charset=utf-8"
        return _response(answer, answer.events(), media, held, failed=lambda error: _error_event(answer.failed(error)))
    return _response(answer, answer.plain(), answer.format.media_type, held)


async def _finished(answer: Answer) -> Response:
    """An answer that is made as a whole first."""
    async with AsyncExitStack() as stack:
        file = stack.enter_context(nameless_file())
        size = await written(answer.audio(), answer.format, answer.speech.sample_rate, answer.tags, file)
        answer.done()
        held = stack.pop_all()
    return _response(answer, chunks(file), answer.format.media_type, held, size=size)


def _response(
    answer: Answer,
    body: AsyncGenerator[bytes, None],
    media_type: str,
    held: AsyncExitStack,
    failed: Callable[[Exception], bytes | None] | None = None,
    size: int | None = None,
) -> Response:
    def cut(error: Exception) -> None:
        answer.failed(error)

    length = {} if size is None else {"content-length": str(size)}
    stalled = answer.serving.settings.send_timeout
    return Streamed(body, media_type, answer.headers | length, held, stalled=stalled, failed=failed or cut)


def _error_event(refusal: Refusal) -> bytes:
    said = error_body(refusal.status_code, str(refusal.detail), refusal.code, refusal.param)
    return event(ErrorEvent(error=Fault(**said["error"])))


def _refusal(error: Exception) -> Refusal:
    """What a fault of the engine's is for the client."""
    if isinstance(error, Refusal):
        return error
    if isinstance(error, Busy):
        return Refusal(429, "too many requests wait; try again later", retry_after=error.retry_after)
    if isinstance(error, NotReady):
        said = f"the server is {error.state}: it takes no requests now"
        return Refusal(503, said, f"server_{error.state}", retry_after=error.retry_after)
    if isinstance(error, Late):
        return Refusal(503, "the speech was not done in time", "deadline_exceeded", retry_after=30)
    if isinstance(error, BarkError):
        return as_refusal(error)
    logger.error("a speech failed", exc_info=error)
    return Refusal(500, UNFORESEEN, "internal_error")
