"""What is too large, too slow, or too much."""

from __future__ import annotations

import asyncio

import pytest

from tests.server.asgi import Client, run, until
from tests.server.conftest import MakeApp, MakeClient
from tests.server.fake import FakeScheduler


def test_a_body_that_says_it_is_too_large(make_client: MakeClient) -> None:
    answer = make_client(max_body=2000).post("/v1/audio/speech", json={"input": "x" * 3000})
    assert answer.status_code == 413
    assert answer.json()["error"]["code"] == "too_large"


def test_a_body_that_turns_out_to_be_too_large(make_client: MakeClient) -> None:
    chunks = (b'{"input": "' + b"x" * 900 for _ in range(4))  # without a length in the head
    answer = make_client(max_body=2000).post(
        "/v1/audio/speech", content=chunks, headers={"content-type": "application/json"}
    )
    assert answer.status_code == 413


def test_uploads_may_be_larger(make_client: MakeClient) -> None:
    client = make_client(max_body=2000, max_upload=100_000)
    form = {"name": "x", "consent": "true"}
    assert client.post("/v1/audio/voices", data=form, files={"audio": b"x" * 90_000}).status_code == 422
    assert client.post("/v1/audio/voices", data=form, files={"audio": b"x" * 110_000}).status_code == 413
    assert client.post("/v1/audio/voices", data=form, files={"audio": b"x" * 200_000}).status_code == 413


def test_a_body_that_does_not_come(make_app: MakeApp, fake: FakeScheduler) -> None:
    async def work() -> None:
        client = Client(body={"input": "Hello."}, slow=True)
        await client.ask(make_app(body_timeout=0.05))
        assert (client.status, fake.jobs) == (408, [])

    run(work())


def test_who_leaves_in_the_middle_of_an_upload_is_no_fault(make_app: MakeApp, caplog: pytest.LogCaptureFixture) -> None:
    async def work() -> None:
        begin = b'--x\r\nContent-Disposition: form-data; name="name"\r\n\r\nM'
        client = Client("/v1/audio/voices", begin, slow=True, kind="multipart/form-data; boundary=x")
        client.gone.set()
        await client.ask(make_app())
        assert client.sent == []

    with caplog.at_level("INFO", logger="bark.server.access"):
        run(work())
    (record,) = (record for record in caplog.records if record.name == "bark.server.access")
    assert record.levelname == "INFO" and " 499 cut " in record.getMessage()


def test_more_requests_than_there_is_room_for(make_app: MakeApp, fake: FakeScheduler) -> None:
    async def work() -> None:
        app = make_app(max_connections=2)
        fake.free.clear()
        fake.mute = True
        asking = [asyncio.ensure_future(Client(body={"input": "Hello."}).ask(app)) for _ in range(2)]
        await until(lambda: len(fake.open) == 2)
        third = Client(body={"input": "Hello."})
        await third.ask(app)
        assert third.status == 503
        assert (b"retry-after", b"5") in third.sent[0]["headers"]
        fake.free.set()
        await asyncio.gather(*asking)
        fourth = Client(body={"input": "Hello."})
        await fourth.ask(app)
        assert fourth.status == 200

    run(work())
