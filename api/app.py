"""The application: its parts put together, and nothing else."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from importlib.metadata import version

from fastapi import FastAPI
from starlette.middleware.cors import CORSMiddleware

from fundstelle.api import (
    document_routes,
    documentation,
    feedback_routes,
    job_routes,
    operation_routes,
    page,
    problems,
    query_routes,
)
from fundstelle.api.limits import Limits
from fundstelle.api.metrics import Measuring
from fundstelle.api.old_routes import old_routers
from fundstelle.api.service import Service
from fundstelle.api.settings import Settings
from fundstelle.pipelines.reading import PassageReader


def create_app(settings: Settings | None = None, reader: PassageReader | None = None) -> FastAPI:
    """The service as an ASGI application; `app.state.service` is what its requests share.

    Args:
        settings: by default those of the environment.
        reader: in the place of the one that the settings name.
    """
    settings = settings or Settings()
    service = Service(settings, reader)

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        service.start()
        try:
            yield
        finally:
            service.close()

    app = FastAPI(
        title="Fundstelle",
        summary="Quoted answers, with their exact places, from a collection of documents in many languages.",
        version=version("fundstelle"),
        lifespan=lifespan,
        docs_url=None,  # the framework's page would load scripts of somebody else's
        redoc_url=None,
    )
    app.root_path = settings.root_path  # for servers that are not told of it; the framework's argument warns
    app.state.service = service
    problems.install(app)
    for router in old_routers(settings.compat):  # first: Haystack's /health says more than ours
        app.include_router(router)
    for routes in (query_routes, document_routes, job_routes, feedback_routes, operation_routes):
        app.include_router(routes.router)
    if settings.page:
        app.include_router(page.router)
    documentation.describe(app, settings)
    _surround(app, service)
    return app


def _surround(app: FastAPI, service: Service) -> None:
    """Put around the routes what every request goes through; the last added is met first."""
    app.add_middleware(Limits, settings=service.settings)
    if service.settings.cors_origins:
        app.add_middleware(
            CORSMiddleware,
            allow_origins=service.settings.cors_origins,
            allow_methods=["GET", "POST", "DELETE"],
            allow_headers=["Authorization", "Content-Type", "X-API-Key"],
            expose_headers=["Location", "Retry-After"],
        )
    app.add_middleware(Measuring, metrics=service.metrics)
