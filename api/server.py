"""The HTTP server around the application: where it listens, and how it stops."""

import os
from types import FrameType

import uvicorn

from fundstelle.api.access import check_exposure
from fundstelle.api.app import create_app
from fundstelle.api.service import Service
from fundstelle.api.settings import Settings

SILENT = {"HAYSTACK_TELEMETRY_ENABLED": "False", "HF_HUB_DISABLE_TELEMETRY": "1", "DO_NOT_TRACK": "1"}
"""Variables by which libraries that might be loaded are told to send nothing home."""


class Server(uvicorn.Server):
    """Tells the service of the signal at once, so that event streams end and the job stops between two files."""

    def __init__(self, config: uvicorn.Config, service: Service) -> None:
        super().__init__(config)
        self._service = service

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        self._service.begin_stop()
        super().handle_exit(sig, frame)


def run(settings: Settings) -> None:
    """Serve until SIGTERM or SIGINT, then answer what has come in and leave jobs to the next start.

    Raises:
        ValueError: strangers would be let in, or another service uses the same data folder.
    """
    for name, value in SILENT.items():
        os.environ.setdefault(name, value)
    app = create_app(settings)
    service: Service = app.state.service
    check_exposure(settings, service.keys)
    service.claim()
    config = uvicorn.Config(
        app,
        host=settings.host,
        port=settings.port,
        root_path=settings.root_path,
        server_header=False,
        # Requests end by their own deadline; what else is open, such as uploads, is given this long.
        timeout_graceful_shutdown=round(settings.shutdown_seconds) or 1,
    )
    Server(config, service).run()
