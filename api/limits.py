"""Limits that hold before anything of a request is understood: its size, its patience, how many there are."""

import asyncio

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from fundstelle.api.problems import Problem, busy
from fundstelle.api.settings import Settings

MOST_CONNECTIONS = 512
"""Requests of all kinds at a time, open event streams included."""

BODY_PATIENCE = 60.0
"""Seconds between two pieces of a body after which a client is taken for gone."""

UPLOADS = ("/v1/documents", "/file-upload")
"""Paths that files are sent to: their routes ask for the key before they read, and keep files on the disk."""

PROBES = ("/health", "/ready")
"""What a supervisor asks; it must not take a service that is flooded for a dead one."""


class Limits:
    """Refuses bodies that are too large or too slow, however they are sent, and floods of requests.

    A request with files may be larger than others: one to a path of `UPLOADS` whose media type says so.
    """

    def __init__(self, app: ASGIApp, settings: Settings, most: int = MOST_CONNECTIONS) -> None:
        self._app = app
        self._settings = settings
        self._most = most
        self._open = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
        elif _path(scope) in PROBES:
            await self._app(scope, _Body(receive, self._settings.max_request_bytes), send)
        else:
            self._open += 1
            try:
                await self._limited(scope, receive, send)
            finally:
                self._open -= 1

    async def _limited(self, scope: Scope, receive: Receive, send: Send) -> None:
        headers = {name.lower(): value for name, value in scope["headers"]}
        most = self._most_bytes(scope, headers.get(b"content-type", b""))
        announced = headers.get(b"content-length", b"0")
        refusal = None
        if self._open > self._most:
            refusal = busy(503, "overloaded", "Too many requests are open. Send this one again later.", 5)
        elif not announced.isdigit() or int(announced) > most:
            refusal = _too_large(most)
        if refusal is not None:
            await refusal.response()(scope, receive, send)
            return
        await self._app(scope, _Body(receive, most), send)

    def _most_bytes(self, scope: Scope, content_type: bytes) -> int:
        has_files = content_type.strip().lower().startswith(b"multipart/form-data")
        if has_files and scope["method"] == "POST" and _path(scope) in UPLOADS:
            return self._settings.max_upload_request_bytes
        return self._settings.max_request_bytes


def _path(scope: Scope) -> str:
    """The path as routes have it, whether or not a proxy leaves its own in front."""
    path: str = scope["path"]
    return path.removeprefix(scope.get("root_path", ""))


class _Body:
    """`receive`, as long as the body is small and quick enough."""

    def __init__(self, receive: Receive, most: int) -> None:
        self._receive = receive
        self._left = self._most = most
        self._is_complete = False

    async def __call__(self) -> Message:
        if self._is_complete:
            return await self._receive()
        try:
            message = await asyncio.wait_for(self._receive(), BODY_PATIENCE)
        except TimeoutError:
            detail = f"Nothing came for {BODY_PATIENCE:g} seconds. Send the whole request at once."
            raise Problem(408, "body-too-slow", detail, headers={"Connection": "close"}) from None
        self._left -= len(message.get("body", b""))
        self._is_complete = not message.get("more_body", False)
        if self._left < 0:
            raise _too_large(self._most)
        return message


def _too_large(most: int) -> Problem:
    detail = f"The request is larger than {most:,} bytes, which is the limit. Send less at a time."
    return Problem(413, "request-too-large", detail, headers={"Connection": "close"})
