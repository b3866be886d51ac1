"""One shape for every error: `application/problem+json` as RFC 9457 has it."""

import logging
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.responses import JSONResponse
from starlette.routing import Match

from fundstelle.indexing.store import StoreError

MEDIA_TYPE = "application/problem+json"
METHODS = ("DELETE", "GET", "HEAD", "PATCH", "POST", "PUT")

logger = logging.getLogger(__name__)


class Problem(HTTPException):
    """Why a request is not answered: a status, and a sentence that says what to do next.

    `code` tells programs what `status` alone does not, as in "question-too-long". It is an HTTPException, since
    the framework lets no other exception through while it reads a body.
    """

    def __init__(
        self,
        status: int,
        code: str,
        detail: str,
        *,
        headers: Mapping[str, str] | None = None,
        **more: Any,
    ) -> None:
        super().__init__(status, detail, dict(headers or {}))
        self.code = code
        self.more = more

    def body(self) -> dict[str, Any]:
        """The JSON object that is sent."""
        return {
            "type": f"urn:fundstelle:problem:{self.code}",
            "title": HTTPStatus(self.status_code).phrase,
            "status": self.status_code,
            "detail": self.detail,
            **self.more,
        }

    def response(self) -> JSONResponse:
        return JSONResponse(self.body(), self.status_code, self.headers, media_type=MEDIA_TYPE)


def busy(status: int, code: str, detail: str, retry_after: float) -> Problem:
    """The refusal of a request that may succeed `retry_after` seconds later."""
    return Problem(status, code, detail, headers={"Retry-After": str(max(round(retry_after), 1))})


def problem_of(error: Exception, request: Request) -> Problem:
    """What a client is told of `error`; a bug is described in the log alone."""
    match error:
        case Problem():
            return error
        case StoreError():
            return busy(503, "store-unavailable", str(error), 5)
    logger.error("%s %s failed", request.method, request.url.path, exc_info=error)
    detail = "The service made a mistake, which its log describes. The same request may fail again."
    return Problem(500, "internal-error", detail)


def install(app: FastAPI) -> None:
    """Have every error of `app` leave it as a problem."""
    app.add_exception_handler(HTTPException, _of_http)
    app.add_exception_handler(RequestValidationError, _of_validation)
    for kind in (Problem, StoreError, Exception):
        app.add_exception_handler(kind, _of_error)


async def _of_error(request: Request, error: Exception) -> JSONResponse:
    return problem_of(error, request).response()


async def _of_http(request: Request, error: Exception) -> JSONResponse:
    """What the framework refuses by itself: unknown paths and methods, bodies that it cannot read."""
    assert isinstance(error, HTTPException)
    path, headers = request.url.path, dict(error.headers or {})
    match error.status_code:
        case 404:
            code, detail = "unknown-path", f"There is nothing at {path}; /openapi.json lists the calls."
        case 405:
            headers["Allow"] = ", ".join(_methods(request))
            code, detail = "method-not-allowed", f"{request.method} is no method of {path}."
        case _:
            code, detail = "refused", str(error.detail)
    return Problem(error.status_code, code, detail, headers=headers).response()


def _methods(request: Request) -> list[str]:
    """All methods of a path; the framework names those of the first route that has the path."""
    return [
        method
        for method in METHODS
        if any(
            route.matches({**request.scope, "method": method})[0] is Match.FULL
            for route in request.app.router.routes
        )
    ]


async def _of_validation(_: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, RequestValidationError)
    errors = [
        {"field": ".".join(map(str, each["loc"])), "reason": str(each["msg"])} for each in error.errors()
    ]
    first = errors[0] if errors else {"field": "body", "reason": "it cannot be read"}
    detail = f"The request is not as it must be: {first['field']}: {first['reason']}."
    return Problem(422, "invalid-request", detail, errors=errors).response()
