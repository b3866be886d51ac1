"""From the rows nearest to a vector to passages: those the index holds now, within the filters.

Rows know nothing of filters. Where many passages meet them, more rows are taken than are wanted and the index says
which count; where few do, the index is asked for all of them and only their rows are looked at.
"""

from collections.abc import Sequence

import numpy as np
import tantivy

from fundstelle.indexing.embedded_index import (
    contents_of,
    count_of,
    filtered_passages,
    passage_at,
    with_contents,
)
from fundstelle.indexing.embedded_vectors import COSINE_DIGITS
from fundstelle.indexing.store import Filters, Hit, Vector
from fundstelle.indexing.vector_log import VectorLog
from fundstelle.indexing.vector_nearest import Cosines, Nearest

MOST_LOOKED_UP = 4096
"""Contents whose passages are looked up one by one; beyond, all passages that meet the filters are listed."""

SPARE = 8
"""Rows taken beyond what is wanted: some may belong to passages that are gone."""

Found = Sequence[tuple[int, tantivy.DocAddress]]


def search(
    searcher: tantivy.Searcher,
    schema: tantivy.Schema,
    log: VectorLog,
    vector: Vector,
    top_k: int,
    filters: Filters | None,
) -> list[Hit]:
    """The `top_k` passages nearest to `vector`, ties in the order of their ids."""
    passages = filtered_passages(schema, filters)
    matching = count_of(searcher, passages)
    if not matching or not len(log) or top_k < 1:
        return []
    nearest = Nearest(log, vector)
    wanted = (top_k + SPARE) * -(-max(matching, len(log)) // matching)
    while matching > MOST_LOOKED_UP and wanted <= MOST_LOOKED_UP:
        places, cosines = nearest.best(wanted)
        found = contents_of(searcher, with_contents(schema, log.keys[places].tolist(), filters))
        if len(found) >= top_k:
            known = dict(zip(log.keys[places].tolist(), cosines, strict=True))
            return _hits(searcher, found, np.array([known[key] for key, _ in found]), top_k)
        wanted *= 4
    return _among(searcher, contents_of(searcher, passages, matching), log, nearest, top_k)


def _among(
    searcher: tantivy.Searcher, found: Found, log: VectorLog, nearest: Nearest, top_k: int
) -> list[Hit]:
    """The nearest of all passages that meet the filters."""
    places = log.places_of(np.fromiter((key for key, _ in found), np.int64, len(found)))
    having = np.flatnonzero(places >= 0)
    return _hits(searcher, [found[number] for number in having.tolist()], nearest.at(places[having]), top_k)


def _hits(searcher: tantivy.Searcher, found: Found, cosines: Cosines, top_k: int) -> list[Hit]:
    """The hits of the highest cosines; only passages that may be among them are loaded."""
    rounded = np.round(cosines.astype(np.float64), COSINE_DIGITS)
    least = np.partition(rounded, -top_k)[-top_k] if len(rounded) > top_k else -np.inf
    hits = []
    for number in np.flatnonzero(rounded >= least).tolist():
        score = float(rounded[number])
        hits.append(Hit(passage_at(searcher, found[number][1]), score, cosine=score))
    return sorted(hits, key=lambda hit: (-hit.score, hit.passage.id))[:top_k]
