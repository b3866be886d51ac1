"""Loading into Elasticsearch: bounded memory, patience with a busy cluster, its own reasons when it refuses."""

import time
from collections.abc import Iterable, Iterator
from itertools import islice
from typing import Any, TypeVar

from elasticsearch import ApiError, ConnectionError, ConnectionTimeout, Elasticsearch
from elasticsearch.helpers import streaming_bulk

from fundstelle.indexing.elastic_client import BUSY, reason, sentence
from fundstelle.indexing.elastic_patience import pauses
from fundstelle.indexing.store import StoreError

ACTIONS, BYTES = 500, 8_000_000
"""At most so many actions, and about so many bytes, are in one request."""

PATIENCE = 10
"""Attempts at an action before giving up; with the pauses between them, about four minutes."""

REBUILD = "index write (api)"
"""What Elasticsearch calls the block that `reindex` sets."""

CONFLICT = 409

FIRST_PAUSE, LONGEST_PAUSE = 0.5, 60.0

Action = dict[str, Any]
Item = TypeVar("Item")


def bulk(client: Elasticsearch, actions: Iterable[Action]) -> int:
    """Run all actions, in order; the number done. Deleting what is not there counts as done, and so
    does an action with `if_seq_no` on an entry that has changed since.

    Raises:
        StoreError: an action was refused, or the cluster stayed busy or away; the message names the document
            and Elasticsearch's reason. Actions are idempotent, so the whole may simply be run again.
    """
    return sum(_persist(client, part) for part in in_groups(actions, ACTIONS))


def in_groups(items: Iterable[Item], size: int) -> Iterator[list[Item]]:
    """`items` in lists of `size`, the last perhaps shorter."""
    waiting = iter(items)
    return iter(lambda: list(islice(waiting, size)), [])


class _TooLarge(Exception):
    """A gateway before the cluster takes no request of this size."""


def _persist(client: Elasticsearch, actions: list[Action]) -> int:
    """Run some actions; in halves where together they are too large."""
    try:
        return _insist(client, actions)
    except _TooLarge as error:
        if len(actions) == 1:
            raise StoreError(
                f"{_name(actions[0])} is larger than what is let through to Elasticsearch (status 413). "
                "Raise the limit of the gateway (nginx: client_max_body_size 10m)."
            ) from error
    half = len(actions) // 2
    return _persist(client, actions[:half]) + _persist(client, actions[half:])


def _insist(client: Elasticsearch, actions: list[Action]) -> int:
    left, why = actions, ""
    for pause in (0.0, *pauses(PATIENCE - 1, FIRST_PAUSE, LONGEST_PAUSE)):
        time.sleep(pause)
        left, why = _attempt(client, left)
        if not left:
            return len(actions)
    raise StoreError(
        f"Elasticsearch took none of {len(left)} entries for {PATIENCE} attempts: {why} "
        "Run the same command again when the cluster is well; nothing that was committed is lost."
    )


def _attempt(client: Elasticsearch, actions: list[Action]) -> tuple[list[Action], str]:
    """The actions that must be tried again, and why."""
    again, why = [], ""
    try:
        outcomes = streaming_bulk(
            client,
            actions,
            chunk_size=ACTIONS,
            max_chunk_bytes=BYTES,
            max_retries=0,
            raise_on_error=False,
            raise_on_exception=False,
        )
        for action, (done, outcome) in zip(actions, outcomes, strict=True):
            if not done and (cause := _fault(action, next(iter(outcome.values())))):
                again.append(action)
                why = cause
    except (ConnectionError, ConnectionTimeout) as error:
        return actions, sentence(error)
    return again, why


def _fault(action: Action, outcome: dict[str, Any]) -> str:
    """Why an action must be tried again; "" where it need not. Raises StoreError where that is of no use."""
    status, error = outcome.get("status"), outcome.get("error")
    exception = outcome.get("exception")
    if isinstance(exception, ApiError):
        status, error = exception.meta.status, _error_in(exception.body)
    elif isinstance(exception, (ConnectionError, ConnectionTimeout)):
        return sentence(exception)
    if status == 413:
        raise _TooLarge
    if action["_op_type"] == "delete" and status == 404:
        return ""
    if "if_seq_no" in action and status == CONFLICT:  # somebody else has changed or removed it
        return ""
    blocked = _is_block(error) and not _is_rebuild(error)
    if _is_rebuild(error) or (status in BUSY and not blocked):
        return reason(error)
    raise StoreError(
        f"Elasticsearch refused {_name(action)}: {reason(error)} (status {status}).{_advice(blocked)}"
    )


def _name(action: Action) -> str:
    return str(action.get("source") or action.get("document_id") or action["_id"])


def _error_in(body: Any) -> Any:
    """What is wrong with a whole request, in the form in which that is told of one entry."""
    return body.get("error", body) if isinstance(body, dict) else "what answers is not Elasticsearch"


def _is_rebuild(error: Any) -> bool:
    """Whether the index is closed to writers by a rebuild, which opens another one soon."""
    return _is_block(error) and REBUILD in reason(error)


def _is_block(error: Any) -> bool:
    """Whether an index takes no writes; a full disk says so with status 429."""
    return isinstance(error, dict) and error.get("type") == "cluster_block_exception"


def _advice(blocked: bool) -> str:
    if not blocked:
        return ""
    return (
        " The index is read-only: free disk space on the cluster's nodes, or lift the block, then run the same "
        "command again; nothing that was committed is lost."
    )
