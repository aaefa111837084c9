"""`/v1/audio/voices`: the voices that there are, and those that clients bring."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from fastapi import APIRouter, Request
from starlette.datastructures import FormData, UploadFile
from starlette.responses import JSONResponse, Response

from bark.errors import OptionError, OutputError
from bark.server.errors import Refusal
from bark.server.guard import OWNER
from bark.server.leaving import ClientLeftError, unless_left
from bark.server.openapi import UPLOAD_BODY, errors
from bark.server.requests import LEFT, call_of
from bark.server.schemas import VoiceDeleted, VoiceList, VoiceOut
from bark.server.state import Serving, serving
from bark.text.language import language_code
from bark.voices import Voice

router = APIRouter()
AUDIO = ("audio", "audio_sample")  # the second is what OpenAI's clients send
AGREED = ("true", "yes", "on", "1")
FIELD = 1024  # bytes of a field that is no file


@router.get("/v1/audio/voices", summary="List the voices", responses=errors())
async def list_voices(request: Request) -> VoiceList:
    """The model's voices, OpenAI's names for them, and those that this client has brought."""
    voices = await serving(request).book.all(request.scope[OWNER])
    return VoiceList(data=voices, voices=voices)


@router.post(
    "/v1/audio/voices",
    summary="Make a voice",
    openapi_extra=UPLOAD_BODY,
    response_model=VoiceOut,
    responses=errors(400, 415, 422, 429),
)
async def make_voice(request: Request) -> Response:
    """Makes a voice of a recording, or takes one from an npz file, and keeps it for whoever has this API key."""
    app = serving(request)
    form = await _form(request)
    try:
        name, file = _text(form, "name").strip(), _file(form)
        if _text(form, "consent").lower() not in AGREED:
            said = "consent must be true: the person who is heard has agreed to have this voice made"
            raise Refusal(400, said, "consent_required", "consent")
        consent_by = _optional(form, "consent_by") or f"client {call_of(request.scope).client}"
        language = _optional(form, "language") or "en"
        try:
            code = language_code(language) or "en"
        except OptionError as error:
            raise Refusal(400, f"language: {error}", "invalid_value", "language") from error
        data = await file.read()
    finally:
        await form.close()

    async def make() -> Voice:
        return await app.uploads.voice(data, name, consent_by, code)

    return await _made(app, request, name, len(data), make)


@router.delete("/v1/audio/voices/{voice_id}", summary="Delete a voice", responses=errors(404))
async def delete_voice(request: Request, voice_id: str) -> VoiceDeleted:
    """Deletes a voice that this client has brought; those of the model stay."""
    shelf, owner = serving(request).book.shelf, request.scope[OWNER]
    kept = await asyncio.to_thread(shelf.find, owner, voice_id)
    if kept is None:
        raise Refusal(404, "there is no such voice of yours", "voice_not_found", "voice_id")
    await asyncio.to_thread(shelf.delete, owner, kept)
    return VoiceDeleted(id=kept.id)


async def _made(app: Serving, request: Request, name: str, size: int, make: Callable[[], Awaitable[Voice]]) -> Response:
    if size > app.settings.max_upload:
        raise Refusal(413, f"the recording is too large: {app.settings.max_upload} bytes are allowed", param="audio")
    try:
        voice = await unless_left(app.book.add(request.scope[OWNER], name, make), request.receive)
    except ClientLeftError:
        return Response(status_code=LEFT)
    except OutputError as error:  # whose text has a path
        raise RuntimeError("the voice can't be kept") from error
    call_of(request.scope).notes["voice"] = voice.id
    return JSONResponse(voice.model_dump())


async def _form(request: Request) -> FormData:
    if not request.headers.get("content-type", "").lower().startswith("multipart/form-data"):
        raise Refusal(415, "the body must be multipart/form-data")
    return await request.form(max_files=1, max_fields=8, max_part_size=FIELD)


def _text(form: FormData, name: str) -> str:
    values = form.getlist(name)
    if len(values) != 1 or not isinstance(values[0], str):
        code = "invalid_value" if values else "missing_required_parameter"
        raise Refusal(400, f"{name}: one text is required", code, name)
    return values[0]


def _optional(form: FormData, name: str) -> str | None:
    return _text(form, name).strip() if name in form else None


def _file(form: FormData) -> UploadFile:
    files = [value for name in AUDIO for value in form.getlist(name)]
    if len(files) != 1 or isinstance(files[0], str):
        code = "invalid_value" if files else "missing_required_parameter"
        raise Refusal(400, "audio: one file is required", code, "audio")
    return files[0]
