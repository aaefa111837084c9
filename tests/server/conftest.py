"""An app over a scheduler that says noise."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from fastapi import FastAPI
from starlette.testclient import TestClient

from bark.server.app import create_app
from bark.server.model import ModelCard, read_card
from bark.server.settings import ServeSettings
from tests.conftest import VOICES
from tests.server.fake import FakeScheduler

MakeApp = Callable[..., FastAPI]
MakeClient = Callable[..., TestClient]


@pytest.fixture(autouse=True)
def _no_voices_of_the_user(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BARK_VOICES", str(tmp_path / "own"))


@pytest.fixture
def fake() -> FakeScheduler:
    return FakeScheduler(VOICES)


@pytest.fixture
def card(checkpoint: Path) -> ModelCard:
    return read_card(str(checkpoint))


@pytest.fixture
def make_app(fake: FakeScheduler, card: ModelCard, tmp_path: Path) -> MakeApp:
    """Makes an app; its settings are the fields of `ServeSettings`."""

    def make(**fields: Any) -> FastAPI:
        return create_app(ServeSettings(**{"voices_dir": tmp_path / "kept", **fields}), card, fake)

    return make


@pytest.fixture
def make_client(make_app: MakeApp) -> Iterator[MakeClient]:
    """Makes a client of an app that runs; its arguments are those of `make_app`."""
    clients: list[TestClient] = []

    def make(**fields: Any) -> TestClient:
        client = TestClient(make_app(**fields), base_url="http://localhost:8000")
        clients.append(client)
        return client.__enter__()

    yield make
    for client in clients:
        client.__exit__(None, None, None)


@pytest.fixture
def client(make_client: MakeClient) -> TestClient:
    return make_client()
