"""What the server says of itself."""

from __future__ import annotations

import logging
import re
from html.parser import HTMLParser

import pytest
from starlette.testclient import TestClient

import bark
from bark.server.jobs import State, WorkerSnapshot
from tests.server.conftest import MakeApp, MakeClient
from tests.server.fake import FakeScheduler

SAY = {"input": "A secret.", "response_format": "pcm"}


def samples(text: str) -> dict[str, float]:
    """Prometheus's samples, by name and labels."""
    lines = (line.rpartition(" ") for line in text.splitlines() if not line.startswith("#"))
    return {name: float(value) for name, _, value in lines}


def test_models(client: TestClient) -> None:
    names = [model["id"] for model in client.get("/v1/models").json()["data"]]
    assert names[0] == "tiny"
    assert "tts-1" in names
    for name in names:
        shown = client.get(f"/v1/models/{name}").json()
        assert (shown["id"], shown["object"]) == (name, "model")
    assert client.get("/v1/models/nothing").json()["error"]["code"] == "model_not_found"
    assert [model["id"] for model in client.get("/v1/audio/models").json()["models"]] == names


@pytest.mark.parametrize(
    ("state", "status"),
    [("ready", 200), ("idle", 200), ("loading", 503), ("draining", 503), ("stopped", 503), ("failed", 503)],
)
def test_health(client: TestClient, fake: FakeScheduler, state: State, status: int) -> None:
    fake.state = state
    answer = client.get("/health")
    assert answer.status_code == status
    said = {"status": "ok" if status == 200 else "unavailable", "state": state, "model": "tiny"}
    assert answer.json() == {**said, "version": bark.__version__}


def test_metrics(client: TestClient, fake: FakeScheduler) -> None:
    assert client.post("/v1/audio/speech", json=SAY).status_code == 200
    assert client.post("/v1/audio/speech", json={}).status_code == 400
    client.get("/anything/else")
    answer = client.get("/metrics")
    assert answer.headers["content-type"].startswith("text/plain")
    found = samples(answer.text)
    route = 'method="POST",route="/v1/audio/speech"'
    assert found[f'bark_http_requests_total{{{route},status="200"}}'] == 1
    assert found[f'bark_http_requests_total{{{route},status="400"}}'] == 1
    assert found['bark_http_requests_total{method="GET",route="other",status="404"}'] == 1
    assert found["bark_first_audio_seconds_count"] == found["bark_speech_seconds_count"] == 1
    assert found['bark_audio_sent_seconds_total{format="pcm"}'] == 0.75
    assert found['bark_state{state="ready"}'] == 1
    assert found["process_resident_memory_bytes"] > 1e6


def test_metrics_of_the_scheduler(client: TestClient, fake: FakeScheduler, monkeypatch: pytest.MonkeyPatch) -> None:
    worker = WorkerSnapshot(pid=7, ready=True, device="cpu", rows=3, jobs=4, memory=1000)
    now = fake.snapshot().__class__(
        "ready",
        jobs=6,
        waiting=2,
        waiting_bulk=1,
        held=1,
        rows=3,
        slots=8,
        audio_seconds=12.5,
        audio_rate=4.0,
        restarts=1,
        workers=(worker,),
        ended={"done": 9, "late": 1},
    )
    monkeypatch.setattr(fake, "snapshot", lambda: now)
    client.app.state.serving.metrics.__init__(fake.snapshot)  # type: ignore[attr-defined]
    found = samples(client.get("/metrics").text)
    assert found["bark_jobs"] == 6
    assert found['bark_queue_jobs{priority="interactive"}'] == 2
    assert found['bark_queue_jobs{priority="bulk"}'] == 1
    assert (found["bark_rows"], found["bark_slots"], found["bark_batch_fill_ratio"]) == (3, 8, 0.375)
    assert found["bark_audio_made_seconds_total"] == 12.5
    assert found['bark_jobs_ended_total{how="late"}'] == 1
    assert found['bark_worker_memory_bytes{worker="0"}'] == 1000


@pytest.mark.parametrize(("given", "kept"), [("my-id.7", True), ("a b", False), ("x" * 65, False), ("", False)])
def test_request_ids(client: TestClient, given: str, kept: bool) -> None:
    for answer in (
        client.get("/health", headers={"x-request-id": given}),
        client.get("/nothing", headers={"x-request-id": given}),
        client.get("/health", headers={"x-request-id": given, "host": "evil.example"}),
    ):
        own = answer.headers["x-request-id"]
        assert (own == given) is kept
        assert kept or re.fullmatch(r"req_[0-9a-f]{24}", own)
    assert client.get("/health").headers["x-request-id"] != client.get("/health").headers["x-request-id"]


def test_the_log(client: TestClient, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO, "bark"):
        answer = client.post("/v1/audio/speech", json={**SAY, "seed": 9})
        client.post("/v1/audio/speech", json={**SAY, "voice": "A secret."})
    first, second = (record.getMessage() for record in caplog.records if record.name == "bark.server.access")
    assert first.startswith(f"{answer.headers['x-request-id']} testclient POST /v1/audio/speech 200 36000 bytes")
    assert "seed=9" in first and "audio=0.75" in first
    assert " 404 " in second
    assert "secret" not in caplog.text


def test_texts_are_logged_when_asked(make_client: MakeClient, caplog: pytest.LogCaptureFixture) -> None:
    client = make_client(log_text=True)
    with caplog.at_level(logging.INFO, "bark"):
        client.post("/v1/audio/speech", json={**SAY, "input": "Two\nlines."})
    assert "'Two\\nlines.'" in caplog.text


def test_a_fault_of_the_server(client: TestClient, fake: FakeScheduler, caplog: pytest.LogCaptureFixture) -> None:
    """It is told in the log, under the id that the client has; the client is told nothing of it."""

    async def voices() -> None:
        raise RuntimeError("deep inside")

    client.app.state.serving.book._library = voices  # type: ignore[attr-defined]
    answer = client.get("/v1/audio/voices")
    assert answer.status_code == 500
    assert answer.json()["error"]["code"] == "internal_error"
    assert "inside" not in answer.text
    assert answer.headers["x-request-id"] in caplog.text and "deep inside" in caplog.text


def test_nothing_is_there(client: TestClient) -> None:
    for method, path, status in (
        ("GET", "/v1/nothing", 404),
        ("GET", "/../etc/passwd", 404),
        ("PUT", "/v1/models", 405),
    ):
        answer = client.request(method, path)
        assert answer.status_code == status
        assert set(answer.json()["error"]) == {"message", "type", "param", "code"}


class Tags(HTMLParser):
    """Which elements a page has."""

    def __init__(self) -> None:
        super().__init__()
        self.names: set[str] = set()

    def handle_starttag(self, tag: str, attrs: object) -> None:
        self.names.add(tag)


def test_the_page_on_the_api_needs_nothing_else(client: TestClient) -> None:
    answer = client.get("/docs")
    tags = Tags()
    tags.feed(answer.text)
    assert "script" not in tags.names and "link" not in tags.names
    assert "default-src 'none'" in answer.headers["content-security-policy"]
    for said in ("POST /v1/audio/speech", "DELETE /v1/audio/voices/{voice_id}", "response_format", "mp3, opus, aac"):
        assert said in answer.text


def test_the_schema_has_examples_that_work(client: TestClient, fake: FakeScheduler) -> None:
    schema = client.get("/openapi.json").json()
    examples = schema["components"]["schemas"]["SpeechRequest"]["examples"]
    assert len(examples) >= 3
    for example in examples:
        if example.get("model") == "pup":
            example["model"] = "tiny"
        assert client.post("/v1/audio/speech", json=example).status_code == 200
    assert schema["components"]["schemas"]["SpeechRequest"]["properties"]["input"]["maxLength"] == 10_000


def test_the_schema_tells_of_keys(client: TestClient, make_client: MakeClient) -> None:
    assert "securitySchemes" not in client.get("/openapi.json").json()["components"]
    guarded = make_client(api_keys="sk-0123456789abcdef").get("/openapi.json").json()
    assert guarded["components"]["securitySchemes"] == {"key": {"type": "http", "scheme": "bearer"}}
    assert guarded["paths"]["/v1/audio/speech"]["post"]["security"] == [{"key": []}]
    assert "security" not in guarded["paths"]["/health"]["get"]


def test_the_page(client: TestClient, make_client: MakeClient) -> None:
    answer = client.get("/")
    assert answer.headers["content-type"].startswith("text/html")
    policy = answer.headers["content-security-policy"]
    assert "default-src 'self'" in policy and "unsafe" not in policy
    assert client.get("/", headers={"if-none-match": answer.headers["etag"]}).status_code == 304
    assert make_client(page=False).get("/").status_code == 404


def test_the_scheduler_begins_and_ends_with_the_app(make_app: MakeApp, fake: FakeScheduler) -> None:
    with TestClient(make_app(grace=3.0), base_url="http://localhost") as client:
        assert client.get("/health").status_code == 200
        assert fake.drained == []
    assert fake.drained[0] == 3.0


def test_health_by_its_head_alone(client: TestClient) -> None:
    answer = client.head("/health")
    assert (answer.status_code, answer.content) == (200, b"")
