"""Who may ask, and who may not."""

from __future__ import annotations

from typing import Any

import pytest
from starlette.testclient import TestClient

from bark.server.guard import name_of
from tests.server.conftest import MakeClient
from tests.server.fake import FakeScheduler

KEY, OTHER = "sk-0123456789abcdef", "sk-fedcba9876543210"
SAY = {"input": "Hello.", "response_format": "pcm"}


def bearer(key: str) -> dict[str, str]:
    return {"authorization": f"Bearer {key}"}


@pytest.mark.parametrize(
    "host", ["localhost", "localhost:8000", "LOCALHOST:1", "127.0.0.1:8000", "[::1]:8000", "[::1]"]
)
def test_the_machines_own_names(client: TestClient, host: str) -> None:
    assert client.get("/health", headers={"host": host}).status_code == 200


@pytest.mark.parametrize("host", ["evil.example", "evil.example:8000", "localhost.evil.example", "127.0.0.1.evil", ""])
def test_another_name_is_refused(client: TestClient, host: str) -> None:
    """What DNS rebinding does: a page's own name, that leads here."""
    for answer in (client.get("/", headers={"host": host}), client.post("/v1/audio/speech", headers={"host": host})):
        assert answer.status_code == 403
        assert answer.json()["error"]["code"] == "host_not_allowed"


def test_names_that_were_allowed(make_client: MakeClient) -> None:
    client = make_client(allowed_hosts="tts.example, other.example")
    assert client.get("/health", headers={"host": "TTS.example:443"}).status_code == 200
    assert client.get("/health", headers={"host": "localhost"}).status_code == 403


def test_a_wide_server_is_called_by_any_name(make_client: MakeClient) -> None:
    client = make_client(host="0.0.0.0", api_keys=KEY)
    assert client.get("/health", headers={"host": "anything.example"}).status_code == 200


@pytest.mark.parametrize(
    ("host", "name"),
    [("a.b:80", "a.b"), ("a.b.", "a.b"), ("[::1]:8", "[::1]"), ("A", "a"), ("", ""), ("[::1", "[::1]")],
)
def test_name_of(host: str, name: str) -> None:
    assert name_of(host) == name


@pytest.mark.parametrize(
    ("origin", "host", "status"),
    [
        ("http://localhost:8000", "localhost:8000", 200),
        ("https://tts.example", "tts.example", 200),
        ("https://tts.example", "tts.example:443", 200),
        ("https://evil.example", "localhost:8000", 403),
        ("http://localhost:9000", "localhost:8000", 403),
        ("http://tts.example:9000", "tts.example", 403),
        ("http://localhost:x", "localhost:8000", 403),
        ("null", "localhost:8000", 403),
        ("", "localhost:8000", 403),
    ],
)
def test_a_foreign_page_may_not_send_forms(make_client: MakeClient, origin: str, host: str, status: int) -> None:
    client = make_client(allowed_hosts="localhost,tts.example")
    answer = client.post("/v1/audio/speech", json=SAY, headers={"origin": origin, "host": host})
    assert answer.status_code == status
    assert client.get("/health", headers={"origin": origin, "host": host}).status_code == 200


def test_no_page_of_others_may_read_unless_it_is_named(client: TestClient, make_client: MakeClient) -> None:
    preflight = {"origin": "https://app.example", "access-control-request-method": "POST"}
    assert "access-control-allow-origin" not in client.options("/v1/audio/speech", headers=preflight).headers
    named = make_client(cors_origins="https://app.example,https://other.example")
    answer = named.options("/v1/audio/speech", headers=preflight)
    assert answer.headers["access-control-allow-origin"] == "https://app.example"
    said = named.post("/v1/audio/speech", json=SAY, headers={"origin": "https://app.example"})
    assert said.status_code == 200
    assert said.headers["access-control-allow-origin"] == "https://app.example"
    assert "x-bark-seed" in said.headers["access-control-expose-headers"]
    assert named.post("/v1/audio/speech", json=SAY, headers={"origin": "https://evil.example"}).status_code == 403


@pytest.mark.parametrize(
    "head",
    [{}, bearer("sk-wrong"), bearer(""), {"authorization": KEY}, {"authorization": f"Basic {KEY}"}, bearer(f"{KEY}x")],
)
def test_without_a_key(make_client: MakeClient, fake: FakeScheduler, head: dict[str, str]) -> None:
    client = make_client(api_keys=KEY)
    for path in ("/v1/models", "/v1/audio/voices", "/metrics", "/v1/nothing"):
        answer = client.get(path, headers=head)
        assert answer.status_code == 401
        assert answer.headers["www-authenticate"] == "Bearer"
        assert answer.json()["error"]["code"] == "invalid_api_key"
    assert client.post("/v1/audio/speech", json=SAY, headers=head).status_code == 401
    assert fake.jobs == []


def test_what_needs_no_key(make_client: MakeClient) -> None:
    client = make_client(api_keys=KEY)
    for path in ("/health", "/openapi.json", "/docs"):
        assert client.get(path).status_code == 200


def test_several_keys(make_client: MakeClient, fake: FakeScheduler) -> None:
    client = make_client(api_keys=f"ann:{KEY},{OTHER}")
    for key in (KEY, OTHER):
        assert client.post("/v1/audio/speech", json=SAY, headers=bearer(key)).status_code == 200
    first, second = (job.client for job in fake.jobs)
    assert first == "ann"
    assert second.startswith("key-") and OTHER not in second


def test_keys_are_compared_in_constant_time(make_client: MakeClient, monkeypatch: pytest.MonkeyPatch) -> None:
    """All of them are, by their hashes, whichever fits."""
    import hmac

    compared: list[tuple[Any, Any]] = []

    def compare(one: bytes, other: bytes) -> bool:
        compared.append((one, other))
        return one == other

    client = make_client(api_keys=f"{KEY},{OTHER}")
    monkeypatch.setattr(hmac, "compare_digest", compare)
    client.get("/v1/models", headers=bearer(KEY))
    client.get("/v1/models", headers=bearer("x"))
    assert len(compared) == 4
    assert {len(side) for pair in compared for side in pair} == {32}


def test_a_key_owns_its_voices(make_client: MakeClient, voice: Any) -> None:
    from tests.server.test_voices import listed, upload

    client = make_client(api_keys=f"ann:{KEY},{OTHER}")
    made = upload(client, voice, headers=bearer(KEY)).json()
    assert made["id"] in listed(client, headers=bearer(KEY))
    assert made["id"] not in listed(client, headers=bearer(OTHER))
    say = {**SAY, "voice": made["id"]}
    assert client.post("/v1/audio/speech", json=say, headers=bearer(OTHER)).status_code == 404
    assert client.delete(f"/v1/audio/voices/{made['id']}", headers=bearer(OTHER)).status_code == 404
    assert client.delete(f"/v1/audio/voices/{made['id']}", headers=bearer(KEY)).status_code == 200
