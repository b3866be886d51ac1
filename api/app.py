"""The application: its parts put together, and nothing else."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from importlib.metadata import version

from fastapi import FastAPI

from fundstelle.api import document_routes, job_routes, operation_routes, page, problems, query_routes
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
        root_path=settings.root_path,
        redoc_url=None,
    )
    app.state.service = service
    problems.install(app)
    for routes in (query_routes, document_routes, job_routes, operation_routes):
        app.include_router(routes.router)
    if settings.page:
        app.include_router(page.router)
    return app
