"""Old APIs that are kept alive: which there are, and routes with errors in the shape that Haystack's clients read."""

import json
from collections.abc import Callable, Coroutine, Iterable
from importlib import import_module
from typing import Any

from fastapi import APIRouter, Request
from fastapi.exceptions import RequestValidationError
from fastapi.routing import APIRoute
from pydantic import BaseModel, model_validator
from pydantic_core import from_json
from starlette.exceptions import HTTPException
from starlette.responses import JSONResponse, Response

from fundstelle.indexing.store import StoreError


class OldErrors(BaseModel):
    """What went wrong, in sentences."""

    errors: list[str]


class OldBody(BaseModel):
    """What old clients send; in fields of any kind it has nothing that Python's parser takes and no reply can hold."""

    @model_validator(mode="before")
    @classmethod
    def _can_be_given_back(cls, sent: Any) -> Any:
        try:
            from_json(json.dumps(sent), allow_inf_nan=False)
        except (ValueError, RecursionError):
            raise ValueError(
                "it has a lone surrogate, a number that is not finite, or is nested too deeply"
            ) from None
        return sent


_EXPLAINED = {
    400: "The request cannot be understood.",
    401: "An API key is needed, or the one sent is not known.",
    403: "The API key does not allow this, or a foreign page asks.",
    408: "The body came too slowly.",
    413: "The request or a file is too large.",
    422: "The request is not as it must be.",
    429: "This client has too many requests waiting.",
    503: "Not now.",
}
OLD_ERRORS: dict[int | str, dict[str, Any]] = {
    code: {"model": OldErrors, "description": explained} for code, explained in _EXPLAINED.items()
}
"""What any of Haystack's endpoints may answer."""


def old_routers(names: Iterable[str]) -> list[APIRouter]:
    """The endpoints of the APIs that are switched on, each a module of this room."""
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
