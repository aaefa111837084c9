"""The server as it is run: pup, a process, a port, the openai package, a signal."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import openai
import pytest
from openai import OpenAI

from bark.audio.read import read_audio
from bark.audio.samples import Audio
from tests.server.process import Running, running
from tests.server.test_speech import events

PAGE = (Path(__file__).parent.parent.parent / "docs" / "server.md").read_text(encoding="utf-8")
HERE = "http://localhost:8000"
SAID = "Good morning."
RECORDED = "The boat left the harbour at dawn, and nobody saw it go. It came back with nobody in it."
FORMATS = ("mp3", "opus", "aac", "flac", "wav")
RATE = 24_000


@pytest.fixture(scope="module")
def server(bundled: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    with running(tmp_path_factory.mktemp("serve"), "--model", "pup", "--threads", "1", "--grace", "300") as started:
        started.until_ready()
        yield started


@pytest.fixture(scope="module")
def client(server: Running) -> OpenAI:
    return OpenAI(base_url=f"{server.url}/v1", api_key="none", max_retries=0)


def blocks(language: str) -> list[str]:
    """Code blocks of docs/server.md in a language, in order."""
    found = re.findall(r"^```(\w*)\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
    return [code for kind, code in found if kind == language]


def say(client: OpenAI, **changes: Any) -> Any:
    return client.audio.speech.create(**{"model": "tts-1", "voice": "alloy", "input": SAID, **changes})


def samples(answer: Any) -> Audio:
    """What an answer in pcm says."""
    found: Audio = np.frombuffer(answer.content, dtype="<i2").astype(np.float32) / 32767
    return found


def test_every_format_is_the_same_speech(client: OpenAI) -> None:
    expected = samples(say(client, response_format="pcm", extra_body={"seed": 3}))
    assert len(expected) > RATE / 2 and np.abs(expected).max() > 0.05
    for name in FORMATS:
        answer = say(client, response_format=name, extra_body={"seed": 3})
        assert answer.response.headers["x-bark-seed"] == "3"
        heard = read_audio(answer.content, RATE)
        assert abs(len(heard) - len(expected)) < 0.12 * RATE
        if name in ("wav", "flac"):
            assert np.abs(heard - expected).max() < 1e-4


def test_events(client: OpenAI) -> None:
    speech = client.audio.speech.with_streaming_response
    with speech.create(
        model="tts-1", voice="echo", input=SAID, response_format="wav", stream_format="sse", speed=1.5
    ) as answer:
        found = events(answer.read().decode())
    assert found[-1]["type"] == "speech.audio.done"
    assert found[-1]["usage"]["input_tokens"] > 0 and found[-1]["usage"]["output_tokens"] > 0


def test_errors(client: OpenAI) -> None:
    for changes, kind in (
        ({"voice": "nobody"}, openai.NotFoundError),
        ({"speed": 9}, openai.BadRequestError),
        ({"input": "…"}, openai.UnprocessableEntityError),
        (
            {"input": "---\ncast:\n  ANN: /etc/passwd\n---\nANN: Hello.", "extra_body": {"dialogue": True}},
            openai.UnprocessableEntityError,
        ),
    ):
        with pytest.raises(kind):
            say(client, **changes)


@pytest.mark.skipif(shutil.which("curl") is None, reason="there is no curl")
def test_curl_examples(server: Running, client: OpenAI, tmp_path: Path) -> None:
    """Those of docs/server.md, as they stand there; the recording is of pup, the only person here."""
    (tmp_path / "recording.wav").write_bytes(say(client, input=RECORDED, voice="echo", response_format="wav").content)
    code = "\n".join(blocks("sh")).replace(HERE, server.url).replace("curl -sS", "curl -sS --fail-with-body")
    code = f'python() {{ "{sys.executable}" "$@"; }}\n{code}'
    done = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", code], cwd=tmp_path, capture_output=True, text=True, timeout=500
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "x-bark-seed: 7" in done.stdout
    assert '"deleted":true' in done.stdout and '"status":"ok"' in done.stdout
    for name, head in (("hello.mp3", b"ID3"), ("again.wav", b"RIFF"), ("ann.mp3", b"ID3")):
        assert (tmp_path / name).read_bytes().startswith(head)


def test_python_examples(server: Running, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for code in blocks("python"):
        exec(compile(code.replace(HERE, server.url), "server.md", "exec"), {"__name__": "docs"})
    assert (tmp_path / "nova.mp3").read_bytes()[:3] == b"ID3"


def test_an_answer_that_was_begun_is_finished(server: Running, client: OpenAI) -> None:
    """The last test here: it ends the server."""
    text = "This is a line that takes a while to be said, so that the signal comes in between."
    begun, pieces = threading.Event(), []

    def listen() -> None:
        speech = client.audio.speech.with_streaming_response
        with speech.create(
            model="pup", voice="nova", input=text, response_format="pcm", extra_body={"seed": 2}
        ) as answer:
            for data in answer.iter_bytes():
                pieces.append(len(data))
                begun.set()

    listening = threading.Thread(target=listen)
    listening.start()
    assert begun.wait(300)
    server.end(300)
    listening.join(60)
    assert sum(pieces) - pieces[0] > 2 * RATE, "a second is what came after the first piece, at least"
    log = server.log.read_text()
    assert "ended" in log and "Traceback" not in log
    assert SAID not in log and "harbour" not in log
