"""The page for people at `/`: files of `static/`, under a policy that lets nothing else in."""

from pathlib import Path
from typing import Any

from fastapi import APIRouter, Request
from starlette.responses import Response
from starlette.staticfiles import StaticFiles

STATIC = Path(__file__).parent / "static"

HEADERS = {
    "Content-Security-Policy": "; ".join(
        (
            "default-src 'none'",
            "connect-src 'self'",
            "img-src 'self'",
            "script-src 'self'",
            "style-src 'self'",
            "base-uri 'none'",
            "form-action 'none'",
            "frame-ancestors 'none'",
            "require-trusted-types-for 'script'",
        )
    ),
    "Cache-Control": "no-cache",  # asked again each time, so that a page never runs against another version
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}


class GuardedFiles(StaticFiles):
    """Files with the headers of the page."""

    def file_response(self, *args: Any, **options: Any) -> Response:
        response = super().file_response(*args, **options)
        response.headers.update(HEADERS)
        return response


router = APIRouter(include_in_schema=False)
files = GuardedFiles(directory=STATIC)


@router.get("/")
async def page(request: Request) -> Response:
    """The page; it asks for a key where one is needed, and needs none itself."""
    return await files.get_response("index.html", request.scope)


@router.get("/static/{path:path}")
async def static(path: str, request: Request) -> Response:
    """What the page is made of."""
    return await files.get_response(path, request.scope)
