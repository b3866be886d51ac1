"""What route functions ask for: the service behind the application."""

from typing import Annotated

from fastapi import Depends
from starlette.requests import HTTPConnection

from fundstelle.api.service import Service


def service_of(connection: HTTPConnection) -> Service:
    """The service of the application that this request came to."""
    service: Service = connection.app.state.service
    return service


TheService = Annotated[Service, Depends(service_of)]
