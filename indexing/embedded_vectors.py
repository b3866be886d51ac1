"""The vectors of an embedded store: a log of rows beside the index, which says what passages they stand for.

The index knows each passage's content key, the log each key's row. So the index alone decides what is found, by
its commits, and neither deletes nor crashes can part the two.
"""

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import tantivy

from fundstelle.indexing.documents import Passage
from fundstelle.indexing.embedded_index import contents_of, filtered_passages, passage_at
from fundstelle.indexing.store import Pending, StoreError, Vector, VectorSpace
from fundstelle.indexing.vector_log import Generation, VectorLog
from fundstelle.indexing.vector_nearest import cosines_of, extend_graph
from fundstelle.indexing.vectors import check_fit, check_same, content_key, query_vector

FEW_DEAD = 1000
"""Rows that no passage needs any more are cleared away when they are more than this, and more than the others."""

ATTEMPTS = 3
"""At opening files that a writer may just be replacing."""

COSINE_DIGITS = 5
"""Decimals of a cosine: the rows have no more."""


class EmbeddedVectors:
    """The vectors of the store in `folder`, whose index has `schema`."""

    def __init__(self, folder: Path, schema: tantivy.Schema) -> None:
        self._folder = folder
        self._schema = schema
        self._log: VectorLog | None = None

    def log(self) -> VectorLog | None:
        """The newest rows, whoever wrote them; None where the store has no vectors."""
        for attempt in range(ATTEMPTS):
            try:
                generation = Generation.current(self._folder)
                if generation is None:
                    return None
                if self._log is None or self._log.generation != generation or not self._log.is_current():
                    self._log = VectorLog(generation)
                return self._log
            except (FileNotFoundError, ValueError) as error:  # replaced since its name was read, or damaged
                if attempt == ATTEMPTS - 1:
                    raise StoreError(
                        f"The vectors of the store {self._folder} are damaged: {error}. "
                        "Make them anew with `fundstelle index --new-vectors`."
                    ) from error
        return None

    def begin(self, space: VectorSpace, anew: bool) -> None:
        found = self._space(ignoring_damage=anew)
        if found is not None and (found == space or not anew):
            check_same(str(self._folder), found, space)
            return
        generation = Generation.new(self._folder, space)
        generation.begin()
        generation.establish()

    def _space(self, ignoring_damage: bool) -> VectorSpace | None:
        """The space of the vectors that are there; damaged ones are an error, or as good as none."""
        try:
            log = self.log()
        except StoreError:
            if not ignoring_damage:
                raise
            return None
        return log.generation.space if log else None

    def write(self, passages: Sequence[Passage], vectors: Vector) -> None:
        """Append the rows of contents that have none yet."""
        log = self._begun()
        check_fit(passages, vectors, log.generation.space)
        keys = np.array([content_key(passage) for passage in passages], dtype=np.int64)
        _, first = np.unique(keys, return_index=True)
        new = first[log.places_of(keys[first]) < 0]
        self._log = log.append(keys[new].tolist(), vectors[new])

    def _begun(self) -> VectorLog:
        log = self.log()
        if log is None:
            raise StoreError(
                f"The store {self._folder} has no room for vectors yet: call begin_vectors first."
            )
        return log

    def count(self, searcher: tantivy.Searcher) -> int:
        """Passages that have a vector."""
        log = self.log()
        return 0 if log is None else int((log.places_of(self._keys(searcher)) >= 0).sum())

    def pending(self, searcher: tantivy.Searcher) -> Pending:
        """The contents without a vector."""
        log = self._begun()
        found = contents_of(searcher, filtered_passages(self._schema, None))
        keys, first = np.unique(np.array([key for key, _ in found], dtype=np.int64), return_index=True)
        places = [found[number][1] for number in first[log.places_of(keys) < 0]]

        def passages() -> Iterator[Passage]:
            for place in places:
                yield passage_at(searcher, place)

        return Pending(len(places), passages())

    def settle(self, searcher: tantivy.Searcher) -> int:
        """Clear dead rows away where they are many, and index a piece of the rest where they are very many; rows that
        are still to be indexed.
        """
        log = self._begun()
        dead = ~np.isin(log.keys, self._keys(searcher))
        if dead.sum() > max(FEW_DEAD, len(log) // 2):
            log.without(dead).establish()
            log = self._begun()
        return extend_graph(log)

    def _keys(self, searcher: tantivy.Searcher) -> "np.ndarray[tuple[int], np.dtype[np.int64]]":
        """The content keys of all passages."""
        found = contents_of(searcher, filtered_passages(self._schema, None))
        return np.fromiter((key for key, _ in found), np.int64, len(found))

    def cosines(self, vector: Vector, passages: Sequence[Passage]) -> list[float | None]:
        """The cosine of `vector` and each passage's."""
        log = self.log()
        if log is None or not passages:
            return [None] * len(passages)
        vector = query_vector(vector, log.generation.space)
        places = log.places_of(np.array([content_key(passage) for passage in passages], dtype=np.int64))
        values = cosines_of(log.rows[np.maximum(places, 0)], vector) if len(log) else np.zeros(len(places))
        return [
            None if place < 0 else round(float(value), COSINE_DIGITS)
            for place, value in zip(places, values, strict=True)
        ]
