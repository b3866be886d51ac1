"""Searching an Elasticsearch index by vectors: kNN with the filters inside it, and only living passages."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from elasticsearch import Elasticsearch

from fundstelle.indexing.documents import Passage
from fundstelle.indexing.elastic_entries import passage_from
from fundstelle.indexing.elastic_index import field_of
from fundstelle.indexing.elastic_patience import patiently
from fundstelle.indexing.elastic_search import Searcher
from fundstelle.indexing.elastic_vectors import PASSAGES, known_vectors
from fundstelle.indexing.filters import conditions
from fundstelle.indexing.store import Filters, Hit, Vector, VectorSpace
from fundstelle.indexing.vectors import content_key, query_vector

COSINE_DIGITS = 5
"""Decimals of a cosine."""

LEAST_CANDIDATES, MOST_CANDIDATES = 200, 10_000
"""What Elasticsearch looks at per shard; it allows no more."""

OVERSAMPLE = 3.0
"""Candidates found by vectors of 8 bits are weighed again by whole ones; so many times what is asked for."""


def search(
    searcher: Searcher, space: VectorSpace, vector: Vector, top_k: int, filters: Filters | None
) -> list[Hit]:
    """The `top_k` living passages nearest to `vector`, ties in the order of their ids."""
    vector = query_vector(vector, space)
    if top_k < 1 or not vector.any():  # Elasticsearch knows no cosine of nothing
        return []
    query = {
        "field": field_of(space),
        "query_vector": vector.tolist(),
        "filter": [PASSAGES, *({"terms": {"facts": facts}} for facts in conditions(filters or {}))],
        "rescore_vector": {"oversample": OVERSAMPLE},
    }
    return patiently(lambda: _living_hits(searcher, query, top_k))


def _living_hits(searcher: Searcher, query: Mapping[str, Any], top_k: int) -> list[Hit]:
    """Asks for more until enough of what is found is alive, or there is no more."""
    size = min(top_k + 8, MOST_CANDIDATES)
    while True:
        candidates = min(MOST_CANDIDATES, max(LEAST_CANDIDATES, size * 2))
        found = searcher.nearest({**query, "k": size, "num_candidates": candidates}, size)
        hits = [_hit(hit) for hit in searcher.living(found)]
        if len(hits) >= top_k or len(found) < size or size == MOST_CANDIDATES:
            return sorted(hits, key=lambda hit: (-hit.score, hit.passage.id))[:top_k]
        size = min(size * 2, MOST_CANDIDATES)


def _hit(found: Mapping[str, Any]) -> Hit:
    cosine = round(2 * found["_score"] - 1, COSINE_DIGITS)
    return Hit(passage_from(found["_source"]), cosine, cosine=cosine)


def cosines(
    client: Elasticsearch, alias: str, space: VectorSpace, vector: Vector, passages: Sequence[Passage]
) -> list[float | None]:
    """The cosine of `vector` and each passage's; None for passages that have no vector."""
    vector = query_vector(vector, space)
    keys = list(map(content_key, passages))
    known = known_vectors(client, alias, space, keys)
    products = {key: float(np.dot(vector, np.array(numbers))) for key, numbers in known.items()}
    return [None if key not in products else round(products[key], COSINE_DIGITS) for key in keys]
