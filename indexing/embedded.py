"""The store in a folder: a tantivy index, no server. One process writes at a time, any number read.

Everything is in one index, so that one commit switches everything at once. An entry of it is a passage; the
first passage of a document carries the document's record, and a document without text is a record alone.
Beside the index, `store.json` names the versions of the format and of the analysis, and `vectors` holds the
vectors of contents, see `vector_log`.
"""

import json
import os
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from functools import cache
from itertools import islice
from pathlib import Path
from typing import Any, Self

import tantivy

from fundstelle.indexing import embedded_nearest
from fundstelle.indexing.analysis import ANALYSIS_VERSION
from fundstelle.indexing.closing import Closing
from fundstelle.indexing.documents import AnalysedDocument, DocumentRecord, Passage, SourceDocument
from fundstelle.indexing.embedded_index import (
    ENTRY,
    FIRST,
    any_of,
    boosts_of,
    count_of,
    entries_of,
    filtered,
    hits_of,
    open_index,
)
from fundstelle.indexing.embedded_vectors import EmbeddedVectors
from fundstelle.indexing.filters import exact_term
from fundstelle.indexing.payloads import decode_passage, decode_record
from fundstelle.indexing.ranking import best_first, weighted_terms
from fundstelle.indexing.store import Filters, Hit, Pending, StoreError, Vector, VectorSpace
from fundstelle.indexing.vectors import query_vector

VERSIONS = {"format": 2, "analysis": ANALYSIS_VERSION}
WRITER_MEMORY = 64_000_000
"""Bytes of postings that are gathered before they are written out as a segment."""


class EmbeddedStore(Closing):
    """A `PassageStore` in one folder. Made by `open`.

    A reader sees each commit of another process at its next call. The first write takes the writer's lock,
    which is held until `close`; what was not committed by then is dropped.
    """

    def __init__(self, folder: Path, index: tantivy.Index, read_only: bool) -> None:
        self._folder = folder
        self._index = index
        self._vectors = EmbeddedVectors(folder, index.schema)
        self._read_only = read_only
        self._writer: tantivy.IndexWriter | None = None
        self._seen: tuple[int, int] | None = None

    @classmethod
    def open(cls, path: str | os.PathLike[str], create: bool = True, read_only: bool = False) -> Self:
        """The store in the folder `path`, made first where there is none and `create` is set.

        Raises:
            StoreError: no store there, another program's folder, another version's store, or no access.
        """
        folder = Path(path)
        with _explained(f"open the store {folder}"):
            if not (folder / "store.json").exists():
                if read_only or not create:
                    raise StoreError(
                        f"There is no store at {folder}. Make one with `fundstelle index` first."
                    )
                _begin(folder)
            _check_versions(folder)
            return cls(folder, open_index(folder / "index"), read_only)

    @property
    def address(self) -> str:
        return str(self._folder)

    def write(self, documents: Iterable[AnalysedDocument]) -> None:
        writer = self._writing()
        with self._failing_cleanly():
            for analysed in documents:
                writer.delete_documents_by_term("document_id", exact_term(analysed.document.id))
                for entry in entries_of(analysed):
                    writer.add_document(entry)

    def delete(self, document_ids: Iterable[str]) -> None:
        writer = self._writing()
        with self._failing_cleanly():
            for document_id in document_ids:
                writer.delete_documents_by_term("document_id", exact_term(document_id))

    def commit(self) -> None:
        if self._writer is not None:
            with self._failing_cleanly():
                self._writer.commit()

    def search(self, question: str, top_k: int = 20, filters: Filters | None = None) -> list[Hit]:
        searcher = self._searcher()
        passages_with = cache(lambda term: searcher.doc_freq("terms", term))
        # Like the terms' own, these counts include passages deleted but not yet merged away.
        languages = dict(searcher.terms_with_prefix("language", ""))
        weights = weighted_terms(question, languages, passages_with)
        if not weights or top_k < 1:
            return []
        boosts = boosts_of(weights, searcher.doc_freq("role", ENTRY), passages_with)
        query = filtered(any_of(self._index.schema, boosts), self._index.schema, filters)
        return best_first(lambda limit: hits_of(searcher, query, limit), top_k)

    def vector_space(self) -> VectorSpace | None:
        with _explained(f"read the store {self._folder}"):
            log = self._vectors.log()
            return None if log is None else log.generation.space

    def vector_count(self) -> int:
        with _explained(f"read the store {self._folder}"):
            return self._vectors.count(self._searcher())

    def search_vectors(self, vector: Vector, top_k: int = 20, filters: Filters | None = None) -> list[Hit]:
        with _explained(f"read the store {self._folder}"):
            log = self._vectors.log()
            if log is None:
                return []
            query = query_vector(vector, log.generation.space)
            return embedded_nearest.search(self._searcher(), self._index.schema, log, query, top_k, filters)

    def cosines(self, vector: Vector, passages: Sequence[Passage]) -> list[float | None]:
        with _explained(f"read the store {self._folder}"):
            return self._vectors.cosines(vector, passages)

    def begin_vectors(self, space: VectorSpace, anew: bool = False) -> None:
        self._writing()
        with _explained(f"write to the store {self._folder}"):
            self._vectors.begin(space, anew)

    def pending_vectors(self) -> Pending:
        with _explained(f"read the store {self._folder}"):
            return self._vectors.pending(self._searcher())

    def write_vectors(self, passages: Sequence[Passage], vectors: Vector) -> None:
        self._writing()
        with _explained(f"write to the store {self._folder}"):
            self._vectors.write(passages, vectors)

    def settle_vectors(self) -> int:
        self._writing()
        with _explained(f"write to the store {self._folder}"):
            return self._vectors.settle(self._searcher())

    def record(self, document_id: str) -> DocumentRecord | None:
        found = (entry for entry in self._entries_of(document_id) if entry["record"])
        return next((decode_record(entry["record"][0]) for entry in found), None)

    def records(self, origin: str | None = None) -> Iterator[DocumentRecord]:
        """Every document without its text, or those that were read from the file `origin`."""
        field, value = ("role", FIRST) if origin is None else ("origin", exact_term(origin))
        for entry in self._select(field, value):
            yield decode_record(entry["record"][0])

    def records_after(self, document_id: str, limit: int) -> list[DocumentRecord]:
        """As the protocol says; names all ids, but opens only the documents that it gives."""
        terms = self._searcher().terms_with_prefix("document_id", "")
        after = exact_term(document_id)
        names = sorted(name for name, _ in terms if name > after)
        found = (
            record for name in names if (record := self.record(name)) is not None
        )  # gone, not yet merged away
        return list(islice(found, limit))

    def document(self, document_id: str) -> SourceDocument | None:
        record = self.record(document_id)
        if record is None:
            return None
        return SourceDocument(
            id=record.id,
            text="".join(passage.text for passage in self._passages_of(document_id)),
            source=record.source,
            origin=record.origin,
            title=record.title,
            language=record.language,
            pages=record.pages,
            meta=record.meta,
            content_hash=record.content_hash,
        )

    def passages(self, document_id: str | None = None) -> Iterator[Passage]:
        if document_id is not None:
            yield from self._passages_of(document_id)
            return
        for record in self.records():
            yield from self._passages_of(record.id)

    def languages(self) -> dict[str, int]:
        searcher = self._searcher()
        counts = {
            language: count_of(searcher, self._term("language", language))
            for language, _ in searcher.terms_with_prefix("language", "")
        }
        return {language: count for language, count in counts.items() if count}

    def close(self) -> None:
        if self._writer is not None:
            writer, self._writer = self._writer, None
            with _explained(f"close the store {self._folder}"):
                writer.rollback()
                writer.wait_merging_threads()

    def _writing(self) -> tantivy.IndexWriter:
        """The writer, with its lock; taken once and kept until `close`."""
        if self._read_only:
            raise StoreError(f"The store {self._folder} was opened for reading only.")
        if self._writer is None:
            with _explained(f"write to the store {self._folder}"):
                self._writer = _begin_session(self._index)
        return self._writer

    @contextmanager
    def _failing_cleanly(self) -> Iterator[None]:
        """Turn failures into a `StoreError` and give the broken writer back: the last commit stays."""
        try:
            with _explained(f"write to the store {self._folder}"):
                yield
        except StoreError:
            self._writer = None
            raise

    def _searcher(self) -> tantivy.Searcher:
        """A view of the newest commit, whoever made it."""
        with _explained(f"read the store {self._folder}"):
            status = os.stat(self._folder / "index" / "meta.json")
            if (newest := (status.st_ino, status.st_mtime_ns)) != self._seen:
                self._index.reload()
                self._seen = newest
            return self._index.searcher()

    def _term(self, field: str, value: str) -> tantivy.Query:
        return tantivy.Query.term_query(self._index.schema, field, value, index_option="basic")

    def _select(self, field: str, value: str) -> Iterator[Any]:
        """The entries with the exact term `value`, in the order of the index."""
        searcher = self._searcher()
        query = self._term(field, value)
        if count := count_of(searcher, query):
            for _, place in searcher.search(query, count, count=False).hits:
                yield searcher.doc(place)

    def _entries_of(self, document_id: str) -> Iterator[Any]:
        return self._select("document_id", exact_term(document_id))

    def _passages_of(self, document_id: str) -> list[Passage]:
        found = (
            decode_passage(entry["passage"][0]) for entry in self._entries_of(document_id) if entry["passage"]
        )
        return sorted(found, key=lambda passage: passage.start)


def _begin(folder: Path) -> None:
    """Make `folder` a store, unless something else lives there."""
    folder.mkdir(parents=True, exist_ok=True)
    if any(not entry.name.startswith("store.json") for entry in folder.iterdir()):
        raise StoreError(f"{folder} holds something else than a store. Name an empty or a new folder.")
    draft = folder / "store.json.draft"
    draft.write_text(json.dumps(VERSIONS) + "\n", encoding="utf-8")
    draft.replace(folder / "store.json")


def _check_versions(folder: Path) -> None:
    try:
        found = json.loads((folder / "store.json").read_text(encoding="utf-8"))
    except ValueError:
        found = None
    if found != VERSIONS:
        raise StoreError(
            f"The store {folder} was made by another version of Fundstelle. "
            "Delete the folder, or name a new one, and index the documents again."
        )


def _begin_session(index: tantivy.Index) -> tantivy.IndexWriter:
    """A writer that two defects of tantivy 0.27 cannot harm.

    It numbers a session's first operation like the commit before it, so a merge that starts early takes that
    operation for committed and may lose it: let it be one that deletes nothing. And it refuses to write a file
    that a killed writer left behind: let such files be removed first.
    """
    writer = index.writer(WRITER_MEMORY, 1)
    writer.delete_documents_by_term("document_id", exact_term(""))
    writer.garbage_collect_files()
    return writer


@contextmanager
def _explained(doing: str) -> Iterator[None]:
    """Failures of the index and of the disk as one sentence that says what to do."""
    try:
        yield
    except (OSError, ValueError, RuntimeError) as error:
        if "LockBusy" in str(error):
            raise StoreError(
                f"Cannot {doing}: another process is writing to it. Try again when it is done."
            ) from error
        raise StoreError(
            f"Cannot {doing}: {error}. Check the folder, its permissions and the free space."
        ) from error
