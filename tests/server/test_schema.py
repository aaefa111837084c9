"""Whatever is sent, by the schema or against it, the answer is one that the schema tells of."""

from __future__ import annotations

from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from schemathesis import GenerationMode
from schemathesis.checks import CHECKS, load_all_checks

from tests.server.conftest import MakeApp
from tests.server.fake import FakeScheduler

load_all_checks()
UNKNOWABLE = CHECKS.get_by_names(["positive_data_acceptance"])  # that a text can be said, and a file is a voice
ROUTES = {
    "POST /v1/audio/speech",
    "GET /v1/audio/voices",
    "POST /v1/audio/voices",
    "DELETE /v1/audio/voices/{voice_id}",
    "GET /v1/models",
    "GET /v1/models/{model}",
    "GET /health",
    "GET /metrics",
}
QUIET = {"deadline": None, "suppress_health_check": list(HealthCheck), "derandomize": True, "database": None}


@pytest.fixture
def operations(make_app: MakeApp, fake: FakeScheduler) -> dict[str, Any]:
    """Those of the schema, by method and path."""
    fake.seconds = 0.25
    schema = schemathesis.openapi.from_asgi("/openapi.json", make_app(allowed_hosts="testserver"))
    found = (result.ok() for result in schema.get_all_operations())
    return {operation.label: operation for operation in found}


def test_the_schema_has_every_route(operations: dict[str, Any]) -> None:
    assert set(operations) == ROUTES


@pytest.mark.parametrize(
    ("route", "mode"),
    [(route, GenerationMode.POSITIVE) for route in sorted(ROUTES)]
    + [(route, GenerationMode.NEGATIVE) for route in sorted(ROUTES) if route.startswith("POST")],
)
def test_routes(operations: dict[str, Any], route: str, mode: GenerationMode) -> None:
    @settings(max_examples=15, **QUIET)
    @given(case=operations[route].as_strategy(generation_mode=mode))
    def holds(case: Any) -> None:
        case.call_and_validate(excluded_checks=UNKNOWABLE)

    holds()
