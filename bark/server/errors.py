"""Errors as OpenAI's API has them: a status, and `{"error": {"message", "type", "param", "code"}}`."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.responses import JSONResponse, Response
from starlette.routing import Match

from bark.errors import (
    AudioError,
    BarkError,
    CheckpointError,
    OptionError,
    OutputError,
    TextError,
    VoiceError,
    WeightsNotFoundError,
)

logger = logging.getLogger(__name__)

INVALID, KEY, LIMIT, SERVER = "invalid_request_error", "authentication_error", "rate_limit_error", "server_error"
TYPES = {401: KEY, 429: LIMIT}
CODES = {
    400: "invalid_request",
    401: "invalid_api_key",
    403: "forbidden",
    404: "not_found",
    405: "method_not_allowed",
    408: "request_timeout",
    413: "too_large",
    415: "unsupported_media_type",
    422: "unprocessable",
    429: "rate_limit_exceeded",
    503: "unavailable",
}
PLAIN = {  # of errors that the framework finds
    400: "the body can't be read",
    404: "there is nothing here; /docs has what there is",
    405: "there is no such method here; /docs has those that there are",
}
LONGEST = 500  # characters of a message


class Refusal(HTTPException):
    """An answer that is an error.

    Args:
        status: of HTTP.
        message: a sentence for the client, without anything of the server's inside.
        code: in a word; None for the status's own.
        param: field of the request that is to blame.
        retry_after: seconds until it is worth asking again.
    """

    def __init__(
        self,
        status: int,
        message: str,
        code: str | None = None,
        param: str | None = None,
        *,
        retry_after: float | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        wait = {} if retry_after is None else {"retry-after": str(max(1, round(retry_after)))}
        super().__init__(status, message[:LONGEST], {**(headers or {}), **wait})
        self.code, self.param = code or CODES.get(status), param


def error_body(status: int, message: str, code: str | None = None, param: str | None = None) -> dict[str, Any]:
    """What an answer with this status holds."""
    kind = TYPES.get(status, SERVER if status >= 500 else INVALID)
    return {"error": {"message": message, "type": kind, "param": param, "code": code or CODES.get(status)}}


def refused(error: HTTPException) -> Response:
    """A refusal as an answer."""
    status = error.status_code
    said = PLAIN.get(status, str(error.detail)) if type(error) is HTTPException else str(error.detail)
    body = error_body(status, said, getattr(error, "code", None), getattr(error, "param", None))
    return JSONResponse(body, status, error.headers)


def failed() -> Response:
    """The answer where something went wrong that nobody foresaw; the log has more."""
    return JSONResponse(error_body(500, "something went wrong in the server", "internal_error"), 500)


def as_refusal(error: BarkError, param: str | None = None) -> Refusal:
    """A fault of the package as an answer. What tells of the server's files stays in the log."""
    if isinstance(error, CheckpointError | WeightsNotFoundError):
        logger.error("the model can't be loaded: %s", error)
        return Refusal(503, "the model can't be loaded; the server's log says why", "model_unavailable")
    if isinstance(error, TextError):
        return Refusal(422, str(error), "unspeakable_text", param or "input")
    if isinstance(error, VoiceError):
        return Refusal(422, str(error), "invalid_voice", param or "voice")
    if isinstance(error, AudioError):
        return Refusal(422, str(error), "invalid_audio", param or "audio")
    if isinstance(error, OptionError | OutputError):
        return Refusal(400, str(error), "invalid_value", param)
    logger.error("%s: %s", type(error).__name__, error)
    return Refusal(500, "the speech could not be made", "internal_error")


def add_handlers(app: FastAPI) -> None:
    """Has every error of an app answered in this shape."""

    async def http(request: Request, error: Exception) -> Response:
        assert isinstance(error, HTTPException)
        if error.status_code == 405:  # the framework names those of one route, and a path may have several
            error.headers = {"allow": ", ".join(_methods(request))}
        return refused(error)

    async def bark(request: Request, error: Exception) -> Response:
        assert isinstance(error, BarkError)
        return refused(as_refusal(error))

    async def invalid(request: Request, error: Exception) -> Response:
        assert isinstance(error, RequestValidationError)
        return refused(_invalid(error.errors()))

    app.add_exception_handler(HTTPException, http)
    app.add_exception_handler(BarkError, bark)
    app.add_exception_handler(RequestValidationError, invalid)


def _methods(request: Request) -> list[str]:
    """What the path of a request can be asked by."""
    found: set[str] = set()
    for route in request.app.routes:
        if route.matches(request.scope)[0] is not Match.NONE:
            found |= getattr(route, "methods", None) or set()
    return sorted(found)


def _invalid(faults: Sequence[Mapping[str, Any]]) -> Refusal:
    """The first fault of a body, without what the body said."""
    fault = faults[0]
    loc, kind, said = fault["loc"][1:], fault["type"], str(fault["msg"])
    if kind == "json_invalid":
        return Refusal(400, "the body is not JSON", "invalid_json")
    if not loc:
        return Refusal(400, "the body must be a JSON object", "invalid_value")
    param = str(loc[0])  # a field's name; what is below it may be the name of a type
    if kind == "missing":
        return Refusal(400, f"{param}: it is required", "missing_required_parameter", param)
    return Refusal(400, f"{param}: {said[:1].lower()}{said[1:]}", "invalid_value", param)
