"""What requests and answers look like; the OpenAPI pages are made of this."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, JsonValue

from bark.options import MAX_SEED

AudioFormat = Literal["mp3", "opus", "aac", "flac", "wav", "pcm"]
LANGUAGE = r"^[A-Za-z]{2,3}([-_][A-Za-z0-9]{2,8})*$"
VOICE_NAME = r"^[^\W_](?:[\w .'-]{0,62}[\w.'])?$"
EXAMPLES: list[JsonValue] = [
    {"model": "tts-1", "voice": "alloy", "input": "Hello! It is good to be heard."},
    {
        "model": "pup",
        "voice": "v2/en_speaker_0",
        "input": "The same again, a little slower.",
        "response_format": "wav",
        "speed": 0.9,
        "seed": 7,
        "stream": False,
    },
    {"input": "ANN: Who is there?\nBOB: A friend.", "dialogue": True, "stream_format": "sse"},
]


class VoiceId(BaseModel):
    """A voice by its id, as OpenAI's API has it for voices of one's own."""

    id: str = Field(min_length=1, max_length=200)


class SpeechRequest(BaseModel):
    """What is to be said, and how. A field that is null is as one that isn't there."""

    model_config = ConfigDict(strict=True, extra="ignore", json_schema_extra={"examples": EXAMPLES})

    input: str = Field(min_length=1, description="What to say. Text of any length is spoken line by line.")
    model: str | None = Field(
        None, max_length=200, description="A name in `/v1/models`; OpenAI's names mean the model that is here."
    )
    voice: str | VoiceId | None = Field(
        None,
        description="A name or id in `/v1/audio/voices`; OpenAI's names (alloy, nova, …) stand for voices of the "
        "model. Unless given, its first voice in the language.",
    )
    response_format: AudioFormat | None = Field(None, description="mp3 unless given; pcm is s16le mono at 24 kHz.")
    speed: float | None = Field(None, ge=0.25, le=4.0, description="Of the speech, its pitch kept; 1 unless given.")
    instructions: str | None = Field(None, description="Taken, and without effect: tags in the text do such things.")
    stream_format: Literal["audio", "sse"] | None = Field(
        None, description="audio: the file as it is made; sse: events with pieces of it in base64."
    )
    stream: bool | None = Field(
        None, description="false: the whole file is made first, and its head tells its length; true unless given."
    )
    seed: int | None = Field(None, ge=0, le=MAX_SEED, description="The same seed says it the same way.")
    temperature: float | None = Field(
        None, ge=0, le=100, allow_inf_nan=False, description="Lower is calmer; unless given, what suits the model."
    )
    max_duration: float | None = Field(
        None, gt=0, allow_inf_nan=False, description="Seconds of audio at most, before `speed`."
    )
    language: str | None = Field(
        None, pattern=LANGUAGE, description="Two letters, for telling sentences apart; unless given, the voice's."
    )
    dialogue: bool | None = Field(None, description="The text is a script, `NAME: what they say`.")
    priority: Literal["interactive", "bulk"] | None = Field(
        None, description="bulk waits for what is interactive; interactive unless given."
    )


class Fault(BaseModel):
    """What went wrong."""

    message: str
    type: str
    param: str | None
    code: str | None


class ErrorAnswer(BaseModel):
    """Every error has this shape."""

    error: Fault


class ModelInfo(BaseModel):
    """A model, as OpenAI's API tells of it."""

    id: str
    object: Literal["model"] = "model"
    created: int
    owned_by: str


class ModelList(BaseModel):
    """The model that is here."""

    object: Literal["list"] = "list"
    data: list[ModelInfo]


class VoiceOut(BaseModel):
    """A voice that can be asked for by its id, or by its name.

    `preset` voices come with the model, an `alias` is one of OpenAI's names for one of them, and an `audio_sample`
    was uploaded.
    """

    id: str
    name: str
    object: Literal["audio.voice"] = "audio.voice"
    type: Literal["preset", "alias", "audio_sample"]
    language: str | None = None
    created_at: int = 0


class VoiceList(BaseModel):
    """All voices; `voices` and `data` are the same, for clients of either kind."""

    object: Literal["list"] = "list"
    data: list[VoiceOut]
    voices: list[VoiceOut]
    has_more: Literal[False] = False


class VoiceDeleted(BaseModel):
    """A voice that is gone."""

    id: str
    object: Literal["audio.voice.deleted"] = "audio.voice.deleted"
    deleted: Literal[True] = True


class Health(BaseModel):
    """Whether the server can answer."""

    status: Literal["ok", "unavailable"]
    state: str
    model: str
    version: str


class Usage(BaseModel):
    """How much was read and said.

    Attributes:
        input_tokens: of the text.
        output_tokens: semantic ones, of all lines.
        total_tokens: of both.
    """

    input_tokens: int
    output_tokens: int
    total_tokens: int


class AudioDelta(BaseModel):
    """A piece of the file."""

    type: Literal["speech.audio.delta"] = "speech.audio.delta"
    audio: Annotated[str, Field(description="base64")]


class AudioDone(BaseModel):
    """The last event of a stream."""

    type: Literal["speech.audio.done"] = "speech.audio.done"
    usage: Usage
    seed: int
    warnings: list[str]


class ErrorEvent(BaseModel):
    """The last event of a stream that failed."""

    type: Literal["error"] = "error"
    error: Fault
