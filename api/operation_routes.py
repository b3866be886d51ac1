"""What operators and their tools ask: alive, ready, what runs here."""

from typing import Any

from fastapi import APIRouter, Response
from starlette.concurrency import run_in_threadpool

from fundstelle.api.access import Client, Reading
from fundstelle.api.documentation import EVERYWHERE, problems
from fundstelle.api.problems import busy
from fundstelle.api.schemas import Health, Info, Readiness
from fundstelle.api.service import Service
from fundstelle.api.shared import TheService

METRICS = "text/plain; version=0.0.4; charset=utf-8"

router = APIRouter(tags=["operation"])

LIMITS = (
    "max_question_characters",
    "max_questions",
    "max_request_bytes",
    "max_read_characters",
    "max_upload_bytes",
    "max_upload_request_bytes",
    "max_upload_files",
    "deadline_seconds",
)


@router.get("/health", response_model=Health)
async def health() -> Any:
    """Whether the process lives: asks nothing of the store or the reader."""
    return {"status": "ok"}


@router.get("/ready", response_model=Readiness, responses=problems(503))
async def ready(service: TheService) -> Any:
    """Whether questions can be answered now: the store is reachable and the reader warm."""
    if service.is_loading:
        raise busy(503, "reader-loading", "The reader is still being loaded. Ask again in a few seconds.", 2)
    await run_in_threadpool(lambda: service.reader)  # raises what kept it from being loaded
    await run_in_threadpool(service.check_store)
    return {"status": "ready", "store": "reachable", "reader": "warm"}


@router.get(
    "/metrics",
    response_class=Response,
    responses=EVERYWHERE | {200: {"content": {METRICS: {"schema": {"type": "string"}}}}},
)
async def metrics(client: Reading, service: TheService) -> Response:
    """The figures of this process for Prometheus."""
    return Response(await run_in_threadpool(service.metrics.text), headers={"Content-Type": METRICS})


@router.get("/v1/info", response_model=Info, responses=EVERYWHERE)
async def info(client: Reading, service: TheService) -> Any:
    """Versions, models, the collection's size, and the limits of requests."""
    return await run_in_threadpool(_info, service, client)


def _info(service: Service, client: Client) -> dict[str, Any]:
    from importlib.metadata import version

    from fundstelle.indexing.formats import SUFFIXES

    reader = service.reader
    engine = getattr(reader, "engine", None)
    return {
        "version": version("fundstelle"),
        "reader": getattr(reader, "name", type(reader).__name__),
        "engine": engine.description if engine else "",
        "store": service.store.address,
        "passages": service.store.languages(),
        "suffixes": sorted(SUFFIXES),
        "limits": {name: getattr(service.settings, name) for name in LIMITS},
        "scopes": sorted(client.scopes),
    }
