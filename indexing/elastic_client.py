"""Connecting to Elasticsearch, and saying in one sentence what went wrong when that fails."""

import logging
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

from elastic_transport import TlsError
from elasticsearch import (
    ApiError,
    ConnectionError,
    ConnectionTimeout,
    Elasticsearch,
    SerializationError,
    TransportError,
    UnsupportedProductError,
)

from fundstelle.indexing.store import StoreError

SCHEMES = {"elasticsearch": "http", "elasticsearch+http": "http", "elasticsearch+https": "https"}
PARAMETERS = {"field", "title", "ca", "shards", "replicas"}
REQUEST_SECONDS = 60

# The client tells of each attempt with a traceback; we tell of what came of them. Whoever wants both sets up logging.
logging.getLogger("elastic_transport").addHandler(logging.NullHandler())

BUSY = frozenset({429, 502, 503, 504})
"""Answers that mean "not now": asked again later, the same request may go through."""


@dataclass(frozen=True, slots=True)
class Address:
    """`elasticsearch://[user:password@]host[:port][,host...]/index[?field=body&title=headline&ca=file.pem]`.

    Secrets may come from the environment instead: FUNDSTELLE_ELASTICSEARCH_API_KEY, or
    FUNDSTELLE_ELASTICSEARCH_USER and _PASSWORD. `public` is the address without them.
    """

    hosts: tuple[str, ...]
    index: str
    credentials: tuple[str, str] | None = field(default=None, repr=False)
    options: dict[str, str] = field(default_factory=dict)
    public: str = ""

    @classmethod
    def parse(cls, text: str) -> "Address":
        """Raises StoreError where `text` is not of the form above."""
        parts = urlsplit(text)
        login, _, hosts = parts.netloc.rpartition("@")
        index = unquote(parts.path.strip("/"))
        if parts.scheme not in SCHEMES or not hosts or not index or "/" in index:
            raise StoreError(f"{text!r} is not a store address; write elasticsearch://host:9200/index.")
        options = {name: values[-1] for name, values in parse_qs(parts.query).items()}
        if unknown := set(options) - PARAMETERS:
            raise StoreError(
                f"{text!r}: unknown {', '.join(sorted(unknown))}; known: {', '.join(sorted(PARAMETERS))}."
            )
        protocol = SCHEMES[parts.scheme]
        return cls(
            hosts=tuple(f"{protocol}://{_with_port(host)}" for host in hosts.split(",")),
            index=index,
            credentials=_credentials(login),
            options=options,
            public=parts._replace(netloc=hosts).geturl(),
        )

    def connect(self) -> Elasticsearch:
        """A client; nothing is sent yet."""
        arguments: dict[str, Any] = {}
        if key := os.environ.get("FUNDSTELLE_ELASTICSEARCH_API_KEY"):
            arguments["api_key"] = key
        elif self.credentials:
            arguments["basic_auth"] = self.credentials
        if authority := self.options.get("ca"):
            if not os.path.isfile(authority):
                raise StoreError(f"The certificate authority {authority} is not a file.")
            arguments["ca_certs"] = authority
        return Elasticsearch(
            list(self.hosts),
            request_timeout=REQUEST_SECONDS,
            retry_on_timeout=True,
            retry_on_status=sorted(BUSY - {429}),
            max_retries=4,
            **arguments,
        )


def _with_port(host: str) -> str:
    return host if ":" in host.rpartition("]")[2] else f"{host}:9200"


def _credentials(login: str) -> tuple[str, str] | None:
    if login:
        user, _, password = login.partition(":")
        return unquote(user), unquote(password)
    user = os.environ.get("FUNDSTELLE_ELASTICSEARCH_USER", "elastic")
    secret = os.environ.get("FUNDSTELLE_ELASTICSEARCH_PASSWORD")
    return (user, secret) if secret else None


@contextmanager
def explained(doing: str, address: str) -> Iterator[None]:
    """Turn what the client raises into a `StoreError` whose sentence says what to do."""
    try:
        yield
    except (ApiError, TransportError, SerializationError, UnsupportedProductError) as error:
        raise StoreError(f"Cannot {doing} {address}: {sentence(error)}") from error


def sentence(error: Exception) -> str:
    """What happened, in Elasticsearch's own words where it has some, and what to do next."""
    if isinstance(error, TlsError):
        return (
            f"the server's certificate was not accepted ({_first_line(error)}). "
            "Name its certificate authority with ?ca=FILE."
        )
    if isinstance(error, ConnectionTimeout):
        return f"no answer within {REQUEST_SECONDS} s. Try again, or look at the cluster's health."
    if isinstance(error, ConnectionError):
        return f"no connection ({_first_line(error)}). Is Elasticsearch running there, and the port right?"
    if isinstance(error, (UnsupportedProductError, SerializationError)):
        return "what answers there is not Elasticsearch (a proxy, or a web page?). Check host and port."
    if isinstance(error, ApiError):
        return _api_sentence(error)
    return f"{_first_line(error)}."


ADVICE = {
    401: "Check the user and password, or the API key.",
    403: "This login may not do that; ask for the privileges, or use another.",
    404: "Check the index name.",
    502: "The gateway does not reach Elasticsearch; look at the cluster's health, and try again.",
    503: "Some shards, or all nodes, are away; look at the cluster's health, and try again.",
}


def _api_sentence(error: ApiError) -> str:
    status = error.meta.status
    if isinstance(error.body, dict):
        cause = reason(error.body.get("error", error.body))
        return f"{cause} (status {status}). {ADVICE.get(status, '')}".strip()
    advice = ADVICE.get(status, "Check host and port.")
    return f"status {status} and no JSON: a gateway answers there, not Elasticsearch. {advice}"


def reason(error: Any) -> str:
    """The innermost reason of an Elasticsearch error object."""
    if not isinstance(error, dict):
        return str(error)
    inner = error.get("caused_by") or next(iter(error.get("root_cause") or ()), None)
    if isinstance(inner, dict) and inner.get("reason") and inner is not error:
        return (
            f"{error.get('reason') or inner['reason']}: {inner['reason']}"
            if error.get("reason") != inner["reason"]
            else str(inner["reason"])
        )
    return str(error.get("reason") or error.get("type") or error)


def _first_line(error: Exception) -> str:
    return str(error).strip().splitlines()[0][:300] if str(error).strip() else type(error).__name__
