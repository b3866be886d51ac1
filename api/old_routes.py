"""Old APIs that are kept alive: which there are, and routes with errors in the shape that Haystack's clients read."""

from collections.abc import Callable, Coroutine, Iterable
from importlib import import_module
from typing import Any

from fastapi import APIRouter, Request
from fastapi.exceptions import RequestValidationError
from fastapi.routing import APIRoute
from starlette.exceptions import HTTPException
from starlette.responses import JSONResponse, Response

from fundstelle.indexing.store import StoreError

OLD_APIS = ("haystack1", "farm")
"""The words of the setting `compat`, each a module of this room."""


def old_routers(names: Iterable[str]) -> list[APIRouter]:
    """The endpoints of the APIs that are switched on. Raises ValueError for a name that is none."""
    for name in names:
        if name not in OLD_APIS:
            raise ValueError(
                f"FUNDSTELLE_COMPAT={name}: there are {' and '.join(OLD_APIS)}, separated by a comma."
            )
    return [import_module(f"fundstelle.api.{name}").router for name in dict.fromkeys(names)]


class OldRoute(APIRoute):
    """A route that answers errors with `{"errors": [...]}`."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """The handler, with errors in the old shape."""
        handle = super().get_route_handler()

        async def handled(request: Request) -> Response:
            try:
                return await handle(request)
            except RequestValidationError as error:
                return _errors(422, [_sentence(each) for each in error.errors()])
            except HTTPException as error:
                return _errors(error.status_code, [str(error.detail)], dict(error.headers or {}))
            except StoreError as error:
                return _errors(503, [str(error)], {"Retry-After": "5"})

        return handled


def _errors(status: int, sentences: list[str], headers: dict[str, str] | None = None) -> JSONResponse:
    return JSONResponse({"errors": sentences}, status, headers)


def _sentence(error: Any) -> str:
    return f"{'.'.join(map(str, error['loc']))}: {error['msg']}"
