"""The rows nearest to a vector: by looking at all of them, and beyond `EXACT_ROWS` by an index that looks at few.

Looking at all is exact, needs no building and takes some 50 ms of a core for a million rows of 384 numbers. The
index is usearch's HNSW graph over the rows at 8 bits; what it finds is weighed again by the rows themselves. It
covers the first rows of a log, those that came later are looked at one by one; so it may lag behind, and is never
wrong.
"""

import os
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fundstelle.indexing.store import Vector
from fundstelle.indexing.vector_log import Places, VectorLog

EXACT_ROWS = 500_000
"""Up to so many rows all are looked at: some 25 ms of a core, a small part of what reading takes."""

REBUILT_SHARE = 0.1
"""The index is extended when more than this share of the rows came after it."""

CONNECTIVITY, EXPANSION_ADD = 32, 128
OVERSAMPLING, LEAST_EXPANSION = 4, 256
"""The graph is asked for more than is wanted, as thoroughly: 8 bits are too few for the order of near ones."""

PIECE = 100_000
"""Rows by which the index grows before it is saved: a minute or two of two cores."""

PART = 10_000
"""Rows added at a time; the first ones by one thread, since several may leave rows of a small graph unconnected."""

Cosines = NDArray[np.float32]


def cosines_of(rows: NDArray[Any], vector: Vector) -> Cosines:
    """The products of every row (n, width) with `vector` (width,)."""
    import numkong

    if not len(rows):
        return np.empty(0, np.float32)
    query = vector.astype(rows.dtype)[None]
    return np.asarray(numkong.cdist(query, rows, "dot"), dtype=np.float32).reshape(-1)


class Nearest:
    """Searches one state of a log for rows."""

    def __init__(self, log: VectorLog, vector: Vector, exact_rows: int | None = None) -> None:
        self._log = log
        self._vector = vector
        limit = EXACT_ROWS if exact_rows is None else exact_rows
        self._graph = load_graph(log) if len(log) > limit else None
        self._all: Cosines | None = None

    @property
    def is_approximate(self) -> bool:
        """Whether an index is asked, and not every row looked at."""
        return self._graph is not None

    def best(self, count: int) -> tuple[Places, Cosines]:
        """About the `count` nearest rows, nearest first; all of them where there are no more."""
        if self._graph is None or count * OVERSAMPLING > len(self._log) // 4:
            return _highest(self.all(), count)
        covered = len(self._graph)
        self._graph.expansion_search = max(LEAST_EXPANSION, count * OVERSAMPLING)
        found = self._graph.search(self._vector, count * OVERSAMPLING).keys.astype(np.int64)
        later = np.arange(covered, len(self._log))
        places = np.concatenate([found, later])
        cosines = np.concatenate([self.at(found), cosines_of(self._log.rows[covered:], self._vector)])
        best, values = _highest(cosines, count)
        return places[best], values

    def at(self, places: Places) -> Cosines:
        """The cosines of some rows."""
        if self._all is not None:
            return self._all[places]
        return cosines_of(self._log.rows[places], self._vector)

    def all(self) -> Cosines:
        """The cosines of all rows."""
        if self._all is None:
            self._all = cosines_of(self._log.rows, self._vector)
        return self._all


def _highest(values: Cosines, count: int) -> tuple[Places, Cosines]:
    """The places of the `count` highest values, highest first, and these values."""
    count = min(count, len(values))
    places = np.argpartition(-values, count - 1)[:count] if count else np.empty(0, np.int64)
    places = places[np.lexsort((places, -values[places]))]
    return places, values[places]


def load_graph(log: VectorLog) -> Any | None:
    """The index of the log's first rows, mapped from its file once; None where there is none that can be read."""
    if log.graph is None:
        path = log.generation.file("nearest")
        log.graph = (_restored(path, view=True) if path.exists() else None) or False
    return log.graph or None


def extend_graph(log: VectorLog, exact_rows: int | None = None) -> int:
    """Let the index grow by a piece and save it, where the log is so large that it needs one; rows still to come.

    What is saved is of use: the rows behind it are looked at one by one.
    """
    limit = EXACT_ROWS if exact_rows is None else exact_rows
    if len(log) <= limit:
        return 0
    path = log.generation.file("nearest")
    graph = _started(path, log.width)
    few = REBUILT_SHARE * len(log)
    if len(log) - len(graph) <= few:
        return 0
    end = len(graph) + PIECE
    if len(log) - end <= few:
        end = len(log)
    for part in np.array_split(np.arange(len(graph), end), (end - len(graph)) // PART + 1):
        threads = len(os.sched_getaffinity(0)) if len(graph) >= PART else 1
        graph.add(part, np.asarray(log.rows[part]), threads=threads)
    draft = path.with_name(f"{path.name}.draft")
    graph.save(draft)
    draft.replace(path)
    return len(log) - end


def _started(path: Path, width: int) -> Any:
    """The index as it was saved last, or an empty one."""
    from usearch.index import Index

    saved = _restored(path, view=False) if path.exists() else None
    return saved or Index(
        ndim=width, metric="cos", dtype="i8", connectivity=CONNECTIVITY, expansion_add=EXPANSION_ADD
    )


def _restored(path: Path, view: bool) -> Any | None:
    """The index in a file; None where it is none."""
    from usearch.index import Index

    try:
        return Index.restore(path, view=view)
    except (RuntimeError, ValueError):
        return None
