"""What the server says of itself: models, health, metrics, and pages on the API."""

from __future__ import annotations

from fastapi import APIRouter, Request
from prometheus_client import CONTENT_TYPE_LATEST
from starlette.responses import HTMLResponse, JSONResponse, Response

import bark
from bark.server.errors import Refusal
from bark.server.names import MODELS
from bark.server.openapi import errors
from bark.server.reference import reference
from bark.server.schemas import Health, ModelInfo, ModelList
from bark.server.state import Serving, serving

router = APIRouter()
CREATED = 1_767_225_600  # 2026; clients want a time, and nothing hangs on it
WELL = ("ready", "idle")  # idle: the model is loaded by the next request
POLICY = "default-src 'none'; style-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"


@router.get("/v1/models", summary="List the models", responses=errors())
async def list_models(request: Request) -> ModelList:
    """The model that is here, and OpenAI's names, which mean the same one."""
    return ModelList(data=_models(serving(request)))


@router.get("/v1/models/{model}", summary="Show a model", responses=errors(404))
async def show_model(request: Request, model: str) -> ModelInfo:
    """One of them."""
    for info in _models(serving(request)):
        if info.id == model:
            return info
    raise Refusal(404, "there is no such model; /v1/models has all", "model_not_found", "model")


@router.get("/v1/audio/models", include_in_schema=False)
async def audio_models(request: Request) -> dict[str, list[ModelInfo]]:
    """The same, where Open WebUI looks for it."""
    return {"models": _models(serving(request))}


@router.head("/health", include_in_schema=False)
@router.get(
    "/health",
    summary="Say whether requests are taken",
    response_model=Health,
    responses={**errors(), 503: {"model": Health, "description": "Requests are not taken now"}},
)
async def health(request: Request) -> Response:
    """Asks for no key. 200 where a request would be taken, 503 where not: while the model is loaded, at the end."""
    app = serving(request)
    state = app.scheduler.state
    said = Health(
        status="ok" if state in WELL else "unavailable", state=state, model=app.card.name, version=bark.__version__
    )
    return JSONResponse(said.model_dump(), 200 if state in WELL else 503)


@router.get(
    "/metrics",
    summary="Measurements for Prometheus",
    response_class=Response,
    responses={200: {"content": {"text/plain": {"schema": {"type": "string"}}}}, **errors()},
)
async def metrics(request: Request) -> Response:
    """Requests, latencies, queue, batch, audio, memory."""
    return Response(serving(request).metrics.text(), media_type=CONTENT_TYPE_LATEST)


@router.get("/docs", include_in_schema=False)
async def docs(request: Request) -> Response:
    """The API on a page that needs nothing from elsewhere."""
    return HTMLResponse(reference(request.app.openapi()), headers={"content-security-policy": POLICY})


def _models(app: Serving) -> list[ModelInfo]:
    names = dict.fromkeys((app.card.name, *MODELS))
    return [ModelInfo(id=name, created=CREATED, owned_by="bark") for name in names]
