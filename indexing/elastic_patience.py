"""Asking again: what a cluster cannot do while a node restarts or shards move, it can a little later."""

import random
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, TypeVar

from elasticsearch import ApiError, Elasticsearch
from elasticsearch import ConnectionError as NoConnection

from fundstelle.indexing.store import StoreError

FIRST_PAUSE = 0.1
ATTEMPTS = 8
"""At a question; six seconds of pauses, in which a cluster moves the shards of a node that died."""

AWAY = 503
PASSING = frozenset({404, AWAY})
"""A rebuild removed the index that was asked, and the alias leads to the new one; or shards are on the move."""

Result = TypeVar("Result")
Part = Mapping[str, Any]


class Unsettled(Exception):
    """A part of an answer is missing because its shard is away; the message is Elasticsearch's reason."""


def pauses(attempts: int, first: float, longest: float) -> Iterator[float]:
    """Seconds between attempts: doubling, with some chance in them, so that many clients do not return at once."""
    for attempt in range(attempts):
        yield min(longest, first * 2**attempt) * random.uniform(0.75, 1.25)


def patiently(ask: Callable[[], Result]) -> Result:
    """The outcome of `ask`, tried again while shards or whole nodes are away.

    Raises:
        StoreError: parts of the index stayed away.
        ApiError, TransportError: the client's last error, for any other reason.
    """
    errors: list[Exception] = []
    for pause in (0.0, *pauses(ATTEMPTS - 1, FIRST_PAUSE, 2.0)):
        time.sleep(pause)
        try:
            return ask()
        except (Unsettled, ApiError, NoConnection) as error:
            if isinstance(error, ApiError) and error.meta.status not in PASSING:
                raise
            errors.append(error)
    raise _most_telling(errors)


def _most_telling(errors: Sequence[Exception]) -> Exception:
    """The last word of the cluster itself; that a dead node gave no answer says less."""
    said = [error for error in errors if not isinstance(error, NoConnection)]
    last = (said or errors)[-1]
    if isinstance(last, Unsettled):
        return StoreError(
            f"A part of the index is not there at the moment: {last} (status {AWAY}). "
            "Look at the cluster's health, and ask again."
        )
    return last


def refresh(client: Elasticsearch, index: str) -> None:
    """Make what was written visible on every copy of every shard; a copy on the move is waited for."""
    patiently(lambda: _refresh(client, index))


def _refresh(client: Elasticsearch, index: str) -> None:
    shards = client.indices.refresh(index=index)["_shards"]
    if shards["failed"]:
        raise Unsettled(f"{shards['failed']} of {shards['total']} copies could not be refreshed")


def whole(parts: Sequence[Part]) -> Sequence[Part]:
    """The parts of an answer as they are; raises Unsettled if one of them is an error."""
    for part in parts:
        if error := part.get("error"):
            raise Unsettled(str(error.get("reason", error)) if isinstance(error, dict) else str(error))
    return parts
