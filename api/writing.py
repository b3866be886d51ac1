"""Writing while the service answers: one writer of the store, shared by the running job and by deletions.

The embedded store has one writer at a time, held by lock. It is taken when something is to be written and
given back as soon as nothing is, so that `fundstelle index` can write to the same store in between.
"""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from threading import Lock, RLock

from fundstelle.indexing.addresses import open_store
from fundstelle.indexing.closing import Closing
from fundstelle.indexing.documents import AnalysedDocument, DocumentRecord, Passage, SourceDocument
from fundstelle.indexing.store import Filters, Hit, PassageStore, Pending, Vector, VectorSpace


class StoreWriter:
    """Opens the store at `address` for writing while there is a session, and closes it with the last one."""

    def __init__(self, address: str) -> None:
        self._address = address
        self._opening = Lock()
        self._turn = RLock()
        self._store: PassageStore | None = None
        self._sessions = 0

    @contextmanager
    def session(self) -> Iterator[PassageStore]:
        """The store, for one thread; several sessions may go on at a time. Raises StoreError."""
        with self._opening:
            if self._store is None:
                self._store = open_store(self._address, create=True)
            store = self._store
            self._sessions += 1
        try:
            yield SharedStore(store, self._turn)
        finally:
            with self._opening:
                self._sessions -= 1
                if not self._sessions:
                    self._store = None
                    store.close()


class SharedStore(Closing):
    """A `PassageStore` that takes turns with others on the same one.

    What is deleted waits for the writing or the commit that follows it, so that another one's commit cannot
    fall between the two and show a document that is gone and not yet there again.
    """

    def __init__(self, store: PassageStore, turn: RLock) -> None:
        self._store = store
        self._turn = turn
        self._deleted: list[str] = []

    @property
    def address(self) -> str:
        return self._store.address

    def write(self, documents: Iterable[AnalysedDocument]) -> None:
        with self._turn:
            self._delete_now()
            self._store.write(documents)

    def delete(self, document_ids: Iterable[str]) -> None:
        self._deleted += document_ids
        with self._turn:
            self._store.delete(())  # takes the writer's lock, or fails, at once

    def commit(self) -> None:
        with self._turn:
            self._delete_now()
            self._store.commit()

    def _delete_now(self) -> None:
        self._store.delete(self._deleted)
        self._deleted = []

    def search(self, question: str, top_k: int = 20, filters: Filters | None = None) -> list[Hit]:
        return self._store.search(question, top_k, filters)

    def vector_space(self) -> VectorSpace | None:
        return self._store.vector_space()

    def vector_count(self) -> int:
        return self._store.vector_count()

    def search_vectors(self, vector: Vector, top_k: int = 20, filters: Filters | None = None) -> list[Hit]:
        return self._store.search_vectors(vector, top_k, filters)

    def cosines(self, vector: Vector, passages: Sequence[Passage]) -> list[float | None]:
        return self._store.cosines(vector, passages)

    def begin_vectors(self, space: VectorSpace, anew: bool = False) -> None:
        with self._turn:
            self._store.begin_vectors(space, anew)

    def pending_vectors(self) -> Pending:
        return self._store.pending_vectors()

    def write_vectors(self, passages: Sequence[Passage], vectors: Vector) -> None:
        with self._turn:
            self._store.write_vectors(passages, vectors)

    def settle_vectors(self) -> int:
        with self._turn:
            return self._store.settle_vectors()

    def record(self, document_id: str) -> DocumentRecord | None:
        return self._store.record(document_id)

    def records(self, origin: str | None = None) -> Iterator[DocumentRecord]:
        return self._store.records(origin)

    def records_after(self, document_id: str, limit: int) -> list[DocumentRecord]:
        return self._store.records_after(document_id, limit)

    def document(self, document_id: str) -> SourceDocument | None:
        return self._store.document(document_id)

    def passages(self, document_id: str | None = None) -> Iterator[Passage]:
        return self._store.passages(document_id)

    def languages(self) -> dict[str, int]:
        return self._store.languages()

    def close(self) -> None:
        """Nothing: the session's end closes the store."""
