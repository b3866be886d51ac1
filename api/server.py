"""The HTTP server around the application."""

import uvicorn

from fundstelle.api.app import create_app
from fundstelle.api.settings import Settings


def run(settings: Settings) -> None:
    """Serve until a signal comes."""
    uvicorn.run(create_app(settings), host=settings.host, port=settings.port)
