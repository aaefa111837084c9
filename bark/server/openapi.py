"""What the OpenAPI pages say beside the schemas."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi

from bark.audio.formats import FORMATS
from bark.server.errors import error_body
from bark.server.schemas import LANGUAGE, AudioDelta, AudioDone, ErrorAnswer, ErrorEvent
from bark.server.settings import ServeSettings

DESCRIPTION = """Text to speech on your own machine, in the shape of OpenAI's audio API.

Every answer has a header `x-request-id`. Every error is `{"error": {"message", "type", "param", "code"}}`."""
FILES = ("mp3", "opus", "aac", "flac", "wav", "pcm")
ALWAYS = (401, 403, 408, 413, 503)  # whatever is asked
SAID = {
    400: "A field is missing or has a value that makes no sense",
    401: "The API key is missing or wrong",
    403: "The server is not called by this name, or the page is of another server",
    404: "There is no such thing",
    408: "The body came too slowly",
    413: "The body is too large",
    415: "The body is of another kind",
    422: "What was sent can be read, but not be spoken or made a voice of",
    429: "Too many requests wait: `Retry-After` says when to ask again",
    500: "Something went wrong in the server",
    503: "The server is loading, draining, or has too many connections",
}
NUMBER = {"schema": {"type": "integer"}}
BINARY = {"schema": {"type": "string", "format": "binary"}}
EVENTS = """data: {"type":"speech.audio.delta","audio":"SUQzBAA…"}

data: {"type":"speech.audio.done","usage":{"input_tokens":9,"output_tokens":61,"total_tokens":70},"seed":7}

"""


def errors(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """The errors of a route, and those of all."""
    return {status: _error(status) for status in sorted({*statuses, *ALWAYS, 500})}


def _error(status: int) -> dict[str, Any]:
    example = error_body(status, f"{SAID[status].lower()} …")
    return {
        "model": ErrorAnswer,
        "description": SAID[status],
        "content": {"application/json": {"example": example}},
    }


SPEECH: dict[str, Any] = {
    "responses": {
        200: {
            "description": "The file, as it is made; or, with `stream_format` sse, events: `AudioDelta` with pieces of "
            "it, then `AudioDone`, or `ErrorEvent`.",
            "headers": {
                "x-bark-seed": {"description": "Says the same again", **NUMBER},
                "x-bark-model": {"description": "Name of the model", "schema": {"type": "string"}},
                "x-bark-sample-rate": {"description": "Hz, of the file", **NUMBER},
            },
            "content": {
                **{FORMATS[name].media_type: BINARY for name in FILES},
                "text/event-stream": {"example": EVENTS},
            },
        },
        **errors(400, 404, 415, 422, 429),
    }
}
UPLOAD_BODY: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "content": {
            "multipart/form-data": {
                "schema": {
                    "type": "object",
                    "required": ["name", "audio", "consent"],
                    "additionalProperties": False,
                    "properties": {
                        "name": {
                            "type": "string",
                            "maxLength": 64,
                            "description": "Of the new voice: letters, digits, spaces, and . ' - _",
                        },
                        "audio": {
                            "type": "string",
                            "format": "binary",
                            "description": "A recording of the voice, some seconds of clear speech; or a voice's npz "
                            "file. Also taken as `audio_sample`, as OpenAI's clients send it.",
                        },
                        "consent": {
                            "type": "string",
                            "enum": ["true"],
                            "description": "Says that the person who is heard has agreed.",
                        },
                        "consent_by": {
                            "type": "string",
                            "maxLength": 500,
                            "description": "Who says so; it is kept with the voice. Unless given, who asks.",
                        },
                        "language": {
                            "type": "string",
                            "pattern": LANGUAGE,
                            "description": "In whose preset's manner the voice reads; English unless given.",
                        },
                    },
                }
            }
        },
    }
}


def describe(app: FastAPI, settings: ServeSettings) -> None:
    """Has an app's schema tell its limits, its events and its keys."""

    def schema() -> dict[str, Any]:
        if app.openapi_schema is None:
            found = get_openapi(
                title=app.title, version=app.version, description=DESCRIPTION, routes=app.routes, tags=app.openapi_tags
            )
            app.openapi_schema = _completed(found, settings)
        return app.openapi_schema

    app.openapi = schema  # type: ignore[method-assign]


def _completed(schema: dict[str, Any], settings: ServeSettings) -> dict[str, Any]:
    schemas = schema["components"]["schemas"]
    schemas["SpeechRequest"]["properties"]["input"]["maxLength"] = settings.max_text
    for model in (AudioDelta, AudioDone, ErrorEvent):  # what events hold
        own: Mapping[str, Any] = model.model_json_schema(ref_template="#/components/schemas/{model}")
        schemas.update({**own.get("$defs", {}), model.__name__: {k: v for k, v in own.items() if k != "$defs"}})
    if settings.keys:
        schema["components"]["securitySchemes"] = {"key": {"type": "http", "scheme": "bearer"}}
        for path, routes in schema["paths"].items():
            if path.startswith(("/v1/", "/metrics")):
                for route in routes.values():
                    route["security"] = [{"key": []}]
    return schema
