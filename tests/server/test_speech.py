"""Speech over HTTP: what is asked for is said, in every form, and what goes wrong is told."""

from __future__ import annotations

import asyncio
import base64
import io
import json
import wave
from typing import Any

import numpy as np
import pytest
from starlette.testclient import TestClient

from bark.audio.read import read_audio
from bark.audio.stretch import stretch
from bark.errors import CheckpointError, TextError
from bark.server.jobs import Busy, EngineError, Job, Late, NotReady
from bark.voices import Voice
from tests.server.asgi import Client, run, until
from tests.server.conftest import MakeApp, MakeClient
from tests.server.fake import DRAWN, RATE, FakeScheduler, audio_of

FORMATS = {
    "mp3": "audio/mpeg",
    "opus": "audio/ogg; codecs=opus",
    "aac": "audio/aac",
    "flac": "audio/flac",
    "wav": "audio/wav",
    "pcm": "audio/pcm",
}
LOSSLESS = {"flac", "wav"}


def ask(client: TestClient, **body: Any) -> Any:
    return client.post("/v1/audio/speech", json={"input": "Hello.", **body})


def events(text: str) -> list[dict[str, Any]]:
    """The events of a stream; each is a line `data: …` and an empty one."""
    blocks = text.split("\n\n")
    assert blocks.pop() == ""
    return [json.loads(block.removeprefix("data: ")) for block in blocks]


@pytest.mark.parametrize("stream", [True, False])
@pytest.mark.parametrize("name", FORMATS)
def test_formats(client: TestClient, fake: FakeScheduler, name: str, stream: bool) -> None:
    answer = ask(client, response_format=name, stream=stream)
    assert answer.status_code == 200
    assert answer.headers["content-type"] == FORMATS[name]
    assert ("content-length" in answer.headers) is not stream
    expected = audio_of(fake.jobs[0], fake.seconds)
    if name == "pcm":
        heard = np.frombuffer(answer.content, dtype="<i2") / 32767
    else:
        heard = read_audio(answer.content, RATE)
    assert abs(len(heard) - len(expected)) < 0.12 * RATE
    if name in LOSSLESS | {"pcm"}:
        assert np.abs(heard - expected).max() < 1e-4


def test_mp3_unless_asked(client: TestClient) -> None:
    answer = ask(client)
    assert answer.headers["content-type"] == "audio/mpeg"
    assert answer.content[:3] == b"ID3"


def test_a_file_that_is_made_first_tells_its_length(client: TestClient) -> None:
    with wave.open(io.BytesIO(ask(client, response_format="wav", stream=False).content)) as file:
        assert (file.getframerate(), file.getnchannels(), file.getnframes()) == (RATE, 1, round(0.75 * RATE))


@pytest.mark.parametrize("name", FORMATS)
def test_events_hold_the_file(client: TestClient, name: str) -> None:
    answer = ask(client, response_format=name, stream_format="sse", seed=5)
    assert answer.headers["content-type"].startswith("text/event-stream")
    *deltas, done = events(answer.text)
    assert {event["type"] for event in deltas} == {"speech.audio.delta"}
    data = b"".join(base64.b64decode(event["audio"]) for event in deltas)
    if name != "opus":  # whose serial number is random
        assert data == ask(client, response_format=name, seed=5).content
    assert done["type"] == "speech.audio.done"
    assert done["usage"] == {"input_tokens": 1, "output_tokens": 18, "total_tokens": 19}
    assert (done["seed"], done["warnings"]) == (5, [])


@pytest.mark.parametrize("speed", [0.25, 0.5, 1.0, 1.7, 4.0])
def test_speed(client: TestClient, fake: FakeScheduler, speed: float) -> None:
    answer = ask(client, response_format="pcm", speed=speed)
    heard = np.frombuffer(answer.content, dtype="<i2") / 32767
    expected = stretch(audio_of(fake.jobs[0], fake.seconds), RATE, speed)
    assert len(heard) == round(fake.seconds * RATE / speed)
    assert np.abs(heard - expected.clip(-1, 1)).max() < 1e-4


def test_the_seed_and_the_rate_are_in_the_head(client: TestClient) -> None:
    head = ask(client, seed=2**63 - 1).headers
    assert (head["x-bark-seed"], head["x-bark-sample-rate"], head["x-bark-model"]) == (str(2**63 - 1), "24000", "tiny")
    assert ask(client).headers["x-bark-seed"] == str(DRAWN)


def test_what_is_asked_for_becomes_a_job(client: TestClient, fake: FakeScheduler) -> None:
    said = {"seed": 4, "temperature": 0.25, "max_duration": 3.0, "language": "de-AT", "priority": "bulk"}
    assert ask(client, voice="v2/de_speaker_0", instructions="Sadly.", **said).status_code == 200
    job = fake.jobs[0]
    assert job.options is not None
    assert (job.text, job.voice, job.language, job.bulk) == ("Hello.", "v2/de_speaker_0", "de", True)
    assert (job.options.seed, job.options.max_duration, job.deadline) == (4, 3.0, 900.0)
    assert job.options.semantic.temperature == job.options.coarse.temperature == 0.25
    assert job.options.retries == 0, "what isn't asked for is the model's own"
    assert job.client == "testclient"


def test_null_is_as_nothing(client: TestClient, fake: FakeScheduler) -> None:
    names = "model voice response_format speed instructions stream_format stream seed temperature language dialogue"
    assert ask(client, **dict.fromkeys(names.split())).status_code == 200
    assert ask(client).status_code == 200
    assert fake.jobs[0] == fake.jobs[1]


@pytest.mark.parametrize(
    ("voice", "meant"),
    [
        (None, "v2/en_speaker_0"),
        ("v2/en_speaker_1", "v2/en_speaker_1"),
        ("en_speaker_1", "v2/en_speaker_1"),
        ({"id": "v2/en_speaker_1"}, "v2/en_speaker_1"),
        ("alloy", "v2/en_speaker_0"),
        ("echo", "v2/en_speaker_1"),
        ({"id": "echo"}, "v2/en_speaker_1"),
    ],
)
def test_voices(client: TestClient, fake: FakeScheduler, voice: Any, meant: str) -> None:
    assert ask(client, voice=voice).status_code == 200
    assert fake.jobs[0].voice == meant


def test_the_first_voice_of_a_language(client: TestClient, fake: FakeScheduler) -> None:
    ask(client, language="de")
    assert fake.jobs[0].voice == "v2/de_speaker_0"


def test_a_script_casts_itself(client: TestClient, fake: FakeScheduler) -> None:
    assert ask(client, input="ANN: Who?\nBOB: Me.", dialogue=True).status_code == 200
    assert (fake.jobs[0].dialogue, fake.jobs[0].voice) == (True, None)


@pytest.mark.parametrize("model", ["tiny", "tts-1", "tts-1-hd", "gpt-4o-mini-tts", "bark", None])
def test_models(client: TestClient, model: str | None) -> None:
    assert ask(client, model=model).status_code == 200


@pytest.mark.parametrize(
    ("body", "status", "code", "param"),
    [
        ({"input": None}, 400, "invalid_value", "input"),
        ({"input": ""}, 400, "invalid_value", "input"),
        ({"input": 3}, 400, "invalid_value", "input"),
        ({"input": "x" * 10_001}, 400, "string_above_max_length", "input"),
        ({"model": "tts-9"}, 404, "model_not_found", "model"),
        ({"voice": "nobody"}, 404, "voice_not_found", "voice"),
        ({"voice": "../../etc/passwd"}, 404, "voice_not_found", "voice"),
        ({"voice": "/tmp/voice.npz"}, 404, "voice_not_found", "voice"),
        ({"voice": {"id": 3}}, 400, "invalid_value", "voice"),
        ({"voice": {"name": "x"}}, 400, "invalid_value", "voice"),
        ({"response_format": "ogg"}, 400, "invalid_value", "response_format"),
        ({"speed": 0.2}, 400, "invalid_value", "speed"),
        ({"speed": 4.1}, 400, "invalid_value", "speed"),
        ({"speed": "fast"}, 400, "invalid_value", "speed"),
        ({"stream_format": "ws"}, 400, "invalid_value", "stream_format"),
        ({"seed": -1}, 400, "invalid_value", "seed"),
        ({"seed": 2**63}, 400, "invalid_value", "seed"),
        ({"seed": 1.5}, 400, "invalid_value", "seed"),
        ({"temperature": -0.1}, 400, "invalid_value", "temperature"),
        ({"max_duration": 0}, 400, "invalid_value", "max_duration"),
        ({"language": "English"}, 400, "invalid_value", "language"),
        ({"priority": "now"}, 400, "invalid_value", "priority"),
    ],
)
def test_mistakes(
    client: TestClient, fake: FakeScheduler, body: dict[str, Any], status: int, code: str, param: str
) -> None:
    answer = ask(client, **body)
    assert answer.status_code == status
    error = answer.json()["error"]
    assert (error["type"], error["code"], error["param"]) == ("invalid_request_error", code, param)
    assert error["message"]
    assert fake.jobs == []


@pytest.mark.parametrize(
    ("content", "kind", "status"),
    [
        (b"{", "application/json", 400),
        (b"[]", "application/json", 400),
        (b"null", "application/json", 400),
        (b'"x"', "application/json", 400),
        (b"", "application/json", 400),
        (b"[" * 100_000, "application/json", 400),
        (b'{"input": "\\ud800"}', "application/json", 400),
        (b'{"input": "x", "speed": NaN}', "application/json", 400),
        (b'{"input": "x", "temperature": Infinity}', "application/json", 400),
        (b'{"input": "\xff"}', "application/json", 400),
        (b'{"input": "x"}', "text/plain", 415),
        (b'{"input": "x"}', "application/x-www-form-urlencoded", 415),
        (b'{"input": "x"}', "", 415),
        (b'{"input": "x"}', "application/json; charset=utf-8", 200),
    ],
)
def test_bodies(client: TestClient, content: bytes, kind: str, status: int) -> None:
    answer = client.post("/v1/audio/speech", content=content, headers={"content-type": kind})
    assert answer.status_code == status
    if status != 200:
        assert set(answer.json()["error"]) == {"message", "type", "param", "code"}


@pytest.mark.parametrize(
    ("error", "status", "kind", "code"),
    [
        (Busy("full", 7.2), 429, "rate_limit_error", "rate_limit_exceeded"),
        (NotReady("loading", "loading", 3.0), 503, "server_error", "server_loading"),
        (NotReady("ends", "draining"), 503, "server_error", "server_draining"),
        (TextError("there is nothing to say"), 422, "invalid_request_error", "unspeakable_text"),
        (Late("late"), 503, "server_error", "deadline_exceeded"),
        (CheckpointError("/home/somebody/model is broken"), 503, "server_error", "model_unavailable"),
        (EngineError("worker 3 died of signal 9"), 500, "server_error", "internal_error"),
        (RuntimeError("/home/somebody"), 500, "server_error", "internal_error"),
    ],
)
def test_what_the_engine_refuses(
    client: TestClient, fake: FakeScheduler, error: Exception, status: int, kind: str, code: str
) -> None:
    fake.refusal = error
    answer = ask(client)
    assert answer.status_code == status
    said = answer.json()["error"]
    assert (said["type"], said["code"]) == (kind, code)
    assert "somebody" not in answer.text and "signal" not in answer.text
    if isinstance(error, Busy):
        assert answer.headers["retry-after"] == "7"


@pytest.mark.parametrize("stream", [True, False])
@pytest.mark.parametrize("broken", [TextError("this can't be said"), None])
def test_before_the_first_audio_there_is_still_a_status(
    client: TestClient, fake: FakeScheduler, stream: bool, broken: Exception | None
) -> None:
    fake.seconds, fake.broken = 0.0, broken
    answer = ask(client, stream=stream)
    assert answer.status_code == 422
    assert answer.json()["error"]["code"] == ("unspeakable_text" if broken else "nothing_said")
    assert fake.open == set()


def test_a_fault_on_the_way_ends_the_events(client: TestClient, fake: FakeScheduler) -> None:
    fake.broken = EngineError("worker 3 died")
    *deltas, last = events(ask(client, stream_format="sse", response_format="pcm").text)
    assert len(deltas) == 1
    assert (last["type"], last["error"]["code"]) == ("error", "internal_error")


def test_a_fault_on_the_way_cuts_the_file(make_app: MakeApp, fake: FakeScheduler) -> None:
    fake.broken = EngineError("worker 3 died")

    async def work() -> None:
        client = Client(body={"input": "Hello.", "response_format": "pcm"})
        await client.ask(make_app())
        assert client.status == 200
        assert len(client.content) == 12_000
        assert not client.complete

    run(work())


def test_a_fault_while_a_whole_file_is_made_has_a_status(client: TestClient, fake: FakeScheduler) -> None:
    fake.broken = EngineError("worker 3 died")
    assert ask(client, stream=False).status_code == 500


@pytest.mark.parametrize("mute", [True, False])
@pytest.mark.parametrize("more", [{}, {"stream": False}, {"stream_format": "sse"}])
def test_who_hangs_up_cancels(make_app: MakeApp, fake: FakeScheduler, mute: bool, more: dict[str, Any]) -> None:
    """Before the first audio, and after it."""
    fake.free.clear()
    fake.mute = mute

    async def work() -> None:
        app, client = make_app(), Client(body={"input": "Hello.", "response_format": "pcm", **more})
        asking = asyncio.ensure_future(client.ask(app))
        await until(lambda: bool(client.sent) or (bool(fake.open) and (mute or more.get("stream") is False)))
        client.gone.set()
        await asking
        assert (fake.closed, fake.open) == (1, set())
        assert client.status == (499 if mute or more.get("stream") is False else 200)
        assert client.status == 499 or not client.complete
        fake.free.set()

    run(work())


def test_who_takes_nothing_is_given_up(make_app: MakeApp, fake: FakeScheduler) -> None:
    async def work() -> None:
        app, client = make_app(send_timeout=0.05), Client(body={"input": "Hello."}, deaf_after=1)
        fake.free.clear()
        await client.ask(app)
        assert (fake.closed, fake.open) == (1, set())
        fake.free.set()

    run(work())


def test_longer_than_allowed(make_client: MakeClient, fake: FakeScheduler) -> None:
    client = make_client(max_text=5, max_audio=2.0, deadline=1.5)
    assert ask(client).status_code == 400
    assert ask(client, input="Hello", max_duration=60).status_code == 200
    job: Job = fake.jobs[0]
    assert job.options is not None
    assert (job.options.max_duration, job.deadline) == (2.0, 1.5)


def test_a_voice_of_ones_own(client: TestClient, fake: FakeScheduler, voice: Voice) -> None:
    made = client.post(
        "/v1/audio/voices", data={"name": "Mine", "consent": "true"}, files={"audio": ("x", npz(voice))}
    ).json()
    for wanted in ("Mine", made["id"], {"id": made["id"]}):
        assert ask(client, voice=wanted).status_code == 200
        said = fake.jobs[-1].voice
        assert isinstance(said, Voice)
        assert np.array_equal(said.fine, voice.fine)


def npz(voice: Voice) -> bytes:
    """The file of a voice."""
    file = io.BytesIO()
    np.savez_compressed(file, semantic_prompt=voice.semantic, coarse_prompt=voice.coarse, fine_prompt=voice.fine)
    return file.getvalue()
