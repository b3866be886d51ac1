"""Who may do what: API keys where there are any, and otherwise this machine alone.

Without keys the service trusts whoever reaches it. A page of somebody else's, open in a browser on this
machine, can reach it, too: such requests carry a foreign `Host` or `Origin`, and are refused.
"""

from dataclasses import dataclass
from ipaddress import ip_address
from typing import Annotated
from urllib.parse import SplitResult, urlsplit

from fastapi import Depends, Request
from starlette.types import Scope as ConnectionScope

from fundstelle.api.keys import Key, Keys, Scope
from fundstelle.api.problems import Problem
from fundstelle.api.settings import Settings
from fundstelle.api.shared import service_of


@dataclass(frozen=True, slots=True)
class Client:
    """Who sent a request: `name` is what fairness counts by."""

    name: str
    scopes: frozenset[Scope]


def client_of(request: Request) -> Client:
    """The sender of a request. Raises Problem where a key is needed and not there, or wrong."""
    service = service_of(request)
    address = request.client.host if request.client else "unknown"
    if (token := _token(request)) is not None:
        key = service.keys.find(token)
        if key is not None:
            return Client(f"key {key.id}", key.scopes)
        if service.keys.exist:
            raise _unauthorised(
                "This API key is not known. Check it, or make one with `fundstelle keys add`."
            )
    if service.keys.exist:
        raise _unauthorised("An API key is needed: send it as `Authorization: Bearer KEY`.")
    if not (service.settings.open or is_from_here(request.scope)):
        raise _unauthorised(
            "Without API keys this service answers its own machine only. Make one there with "
            "`fundstelle keys add NAME`, or set FUNDSTELLE_OPEN=true if everybody may use it."
        )
    _refuse_foreign_pages(request, service.settings)
    return Client(address, frozenset(Scope))


def may_read(client: Annotated[Client, Depends(client_of)]) -> Client:
    """The sender, who may ask and look."""
    return _with(client, Scope.READ)


def may_write(client: Annotated[Client, Depends(client_of)]) -> Client:
    """The sender, who may add and delete."""
    return _with(client, Scope.WRITE)


Reading = Annotated[Client, Depends(may_read)]
Writing = Annotated[Client, Depends(may_write)]


def is_loopback(host: str) -> bool:
    """Whether only this machine can reach `host`."""
    try:
        return host == "localhost" or ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False


def is_from_here(connection: ConnectionScope) -> bool:
    """Whether a connection came to a Unix socket, or to an address that only this machine can reach.

    What counts is the address that it came to: unlike `Host`, the sender cannot make it up, and a proxy on this
    machine does not change it by naming whom it sends for.
    """
    host, port = connection.get("server") or ("", None)
    return port is None or is_loopback(host)


def check_exposure(settings: Settings, keys: Keys) -> None:
    """Raise ValueError where the service would answer strangers although nobody said that it may."""
    if not (is_loopback(settings.host) or settings.open or keys.exist):
        raise ValueError(
            f"Listening on {settings.host} would let everybody in, since there are no API keys. Make one with "
            "`fundstelle keys add NAME`, or set FUNDSTELLE_OPEN=true if that is what you want."
        )


def _token(request: Request) -> str | None:
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() == "bearer" and token.strip():
        return token.strip()
    return request.headers.get("x-api-key")


def _with(client: Client, scope: Scope) -> Client:
    if scope not in client.scopes:
        raise Problem(403, "scope-missing", f"This API key does not have the scope {scope}.")
    return client


def _unauthorised(detail: str) -> Problem:
    return Problem(401, "key-needed", detail, headers={"WWW-Authenticate": "Bearer"})


def _refuse_foreign_pages(request: Request, settings: Settings) -> None:
    """A browser names the page that sends (`Origin`) and the address it believes to talk to (`Host`)."""
    host = request.headers.get("host", "")
    origin = request.headers.get("origin")
    name = _parts(f"//{host}").hostname or ""
    if not (settings.open or is_loopback(name) or name == settings.host):
        raise Problem(
            403,
            "foreign-host",
            f"This service is not {name or host}. Make an API key to use it by other names.",
        )
    if origin is not None and _parts(origin).netloc != host and origin not in settings.cors_origins:
        raise Problem(403, "foreign-origin", f"Pages of {origin} may not use this service.")


def _parts(url: str) -> SplitResult:
    """The parts of `url`; of what is none they are empty, as no address is."""
    try:
        return urlsplit(url)
    except ValueError:
        return urlsplit("")


__all__ = ["Client", "Key", "Reading", "Writing", "check_exposure", "client_of", "may_read", "may_write"]
