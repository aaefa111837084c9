"""The openai package, as it is, finds here what it expects."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import openai
import pytest
from openai import OpenAI

from bark.errors import TextError
from bark.server.jobs import Busy, EngineError, NotReady
from bark.voices import Voice
from tests.server.conftest import MakeClient
from tests.server.fake import FakeScheduler
from tests.server.test_voices import npz

KEY = "sk-0123456789abcdef"
MakeOpenAI = Callable[..., OpenAI]


@pytest.fixture
def make_openai(make_client: MakeClient) -> MakeOpenAI:
    """Makes a client of an app; its arguments are the app's settings, and `key`."""

    def make(key: str = "none", **fields: Any) -> OpenAI:
        client: Any = make_client(**fields)  # which is one of the kind that the package asks with
        return OpenAI(base_url="http://localhost:8000/v1", api_key=key, http_client=client, max_retries=0)

    return make


def say(client: OpenAI, **changes: Any) -> Any:
    return client.audio.speech.create(**{"model": "tts-1", "voice": "alloy", "input": "Hello.", **changes})


@pytest.mark.parametrize(
    ("name", "head"),
    [("mp3", b"ID3"), ("opus", b"OggS"), ("aac", b"\xff\xf1"), ("flac", b"fLaC"), ("wav", b"RIFF"), ("pcm", b"")],
)
def test_formats(make_openai: MakeOpenAI, name: str, head: bytes) -> None:
    answer = say(make_openai(), response_format=name)
    assert answer.content.startswith(head)
    assert len(answer.content) > 1000
    assert answer.response.headers["x-bark-seed"]


def test_bytes_as_they_come(make_openai: MakeOpenAI) -> None:
    speech = make_openai().audio.speech.with_streaming_response
    with speech.create(model="tts-1", voice="alloy", input="Hello.", response_format="pcm", speed=2.0) as answer:
        assert sum(map(len, answer.iter_bytes())) == 18_000


def test_events(make_openai: MakeOpenAI) -> None:
    speech = make_openai().audio.speech.with_streaming_response
    with speech.create(
        model="gpt-4o-mini-tts", voice="nova", input="Hello.", stream_format="sse", instructions="Softly."
    ) as answer:
        lines = [line for line in answer.iter_lines() if line]
    assert all(line.startswith('data: {"type":"speech.audio.delta","audio":"') for line in lines[:-1])
    assert lines[-1].startswith('data: {"type":"speech.audio.done","usage":{"input_tokens":1,')


def test_what_others_do_not_have(make_openai: MakeOpenAI, fake: FakeScheduler) -> None:
    say(make_openai(), voice={"id": "v2/en_speaker_1"}, extra_body={"seed": 7, "temperature": 0.3, "stream": False})
    job = fake.jobs[0]
    assert job.options is not None
    assert (job.voice, job.options.seed, job.options.semantic.temperature) == ("v2/en_speaker_1", 7, 0.3)


@pytest.mark.parametrize(
    ("changes", "kind", "param"),
    [
        ({"speed": 9.0}, openai.BadRequestError, "speed"),
        ({"input": ""}, openai.BadRequestError, "input"),
        ({"response_format": "midi"}, openai.BadRequestError, "response_format"),
        ({"model": "whisper-1"}, openai.NotFoundError, "model"),
        ({"voice": "nobody"}, openai.NotFoundError, "voice"),
    ],
)
def test_mistakes(make_openai: MakeOpenAI, changes: dict[str, Any], kind: Any, param: str) -> None:
    with pytest.raises(kind) as caught:
        say(make_openai(), **changes)
    assert (caught.value.param, caught.value.type) == (param, "invalid_request_error")
    assert caught.value.request_id.startswith("req_")


@pytest.mark.parametrize(
    ("error", "kind", "status"),
    [
        (TextError("nothing to say"), openai.UnprocessableEntityError, 422),
        (Busy("full", 2.0), openai.RateLimitError, 429),
        (NotReady("loading", "loading", 2.0), openai.InternalServerError, 503),
        (EngineError("a worker died"), openai.InternalServerError, 500),
    ],
)
def test_what_the_engine_refuses(
    make_openai: MakeOpenAI, fake: FakeScheduler, error: Exception, kind: Any, status: int
) -> None:
    client = make_openai()
    fake.refusal = error
    with pytest.raises(kind) as caught:
        say(client)
    assert caught.value.status_code == status
    assert caught.value.code


def test_it_asks_again_where_that_helps(make_client: MakeClient, fake: FakeScheduler) -> None:
    http: Any = make_client()
    fake.refusal = Busy("full", 0.5)
    client = OpenAI(base_url="http://localhost:8000/v1", api_key="none", http_client=http, max_retries=1)
    asked = fake.submit

    async def submit(job: Any) -> Any:
        try:
            return await asked(job)
        finally:
            fake.refusal = None

    fake.submit = submit  # type: ignore[method-assign]
    assert say(client).content


def test_keys(make_openai: MakeOpenAI) -> None:
    with pytest.raises(openai.AuthenticationError) as caught:
        say(make_openai(key="sk-wrong", api_keys=KEY))
    assert caught.value.code == "invalid_api_key"
    assert say(make_openai(key=KEY, api_keys=KEY)).content


def test_models(make_openai: MakeOpenAI) -> None:
    client = make_openai()
    assert [model.id for model in client.models.list()][:2] == ["tiny", "tts-1"]
    assert client.models.retrieve("tiny").owned_by == "bark"
    with pytest.raises(openai.NotFoundError):
        client.models.retrieve("whisper-1")


def test_voices_of_ones_own(make_openai: MakeOpenAI, voice: Voice) -> None:
    client = make_openai()
    if not hasattr(client.audio, "voices"):
        pytest.skip("this version of the package knows no voices")
    made = client.audio.voices.create(name="Mine", audio_sample=("voice.npz", npz(voice)), consent="true")
    assert (made.name, made.object, made.type) == ("Mine", "audio.voice", "audio_sample")
    assert say(client, voice={"id": made.id}).content
    assert client.audio.voices.delete(made.id).deleted
    with pytest.raises(openai.NotFoundError):
        client.audio.voices.delete(made.id)
