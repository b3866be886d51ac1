"""Listing without a limit: a point in time and `search_after`, so that ten thousand is no end."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from elasticsearch import Elasticsearch

from fundstelle.indexing.elastic_index import VECTOR
from fundstelle.indexing.elastic_patience import patiently

PAGE = 1000
KEEP_ALIVE = "5m"


def each(
    client: Elasticsearch,
    index: str,
    query: Mapping[str, Any],
    *,
    order: Sequence[str] = ("_shard_doc",),
    source: bool = True,
    versions: bool = False,
    fields: Sequence[str] = (),
) -> Iterator[dict[str, Any]]:
    """Every hit of `query` as of now, whatever is written meanwhile, by ascending `order`.

    Args:
        source: with what was written, vectors left out.
        versions: with `_seq_no` and `_primary_term`, to change an entry only if nobody else has.
        fields: with the values of these fields, under `fields`.
    """
    # Patiently, because an index that another process has just made is not there at once.
    moment = patiently(lambda: client.open_point_in_time(index=index, keep_alive=KEEP_ALIVE))["id"]
    try:
        after: list[Any] | None = None
        while True:
            reply = client.search(
                pit={"id": moment, "keep_alive": KEEP_ALIVE},
                query=dict(query),
                size=PAGE,
                sort=[{field: "asc"} for field in order],
                source={"excludes": [f"{VECTOR}*"]} if source else False,
                seq_no_primary_term=versions,
                fields=[{"field": name} for name in fields],
                track_total_hits=False,
                allow_partial_search_results=False,
                search_after=after,
            )
            hits = reply["hits"]["hits"]
            moment = reply["pit_id"]
            yield from hits
            if len(hits) < PAGE:
                return
            after = hits[-1]["sort"]
    finally:
        client.close_point_in_time(id=moment)


def first(
    client: Elasticsearch, index: str, query: Mapping[str, Any], field: str, after: str, limit: int
) -> list[dict[str, Any]]:
    """The first `limit` hits of `query` whose `field` comes after `after`, in its order; at most 10,000."""
    reply = client.search(
        index=index,
        query=dict(query),
        size=limit,
        sort=[{field: "asc"}],
        track_total_hits=False,
        allow_partial_search_results=False,
        search_after=[after],
    )
    hits: list[dict[str, Any]] = reply["hits"]["hits"]
    return hits
