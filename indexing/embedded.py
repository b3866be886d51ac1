"""The store in a folder: a tantivy index, no server. One process writes at a time, any number read.

Everything is in one index, so that one commit switches everything at once. An entry of it is a passage; the
first passage of a document carries the document's record, and a document without text is a record alone.
Beside the index, `store.json` names the versions of the format and of the analysis.
"""

import json
import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import tantivy

from fundstelle.indexing.analysis import ANALYSIS_VERSION
from fundstelle.indexing.documents import AnalysedDocument, DocumentRecord, Passage, SourceDocument
from fundstelle.indexing.filters import conditions, exact_term, facts
from fundstelle.indexing.payloads import decode_passage, decode_record, encode_passage, encode_record
from fundstelle.indexing.ranking import best_first, inverse_document_frequency, weighted_terms
from fundstelle.indexing.store import Filters, Hit, StoreError

VERSIONS = {"format": 1, "analysis": ANALYSIS_VERSION}
WRITER_MEMORY = 64_000_000
"""Bytes of postings that are gathered before they are written out as a segment."""

ENTRY, FIRST = "entry", "first"


class EmbeddedStore:
    """A `PassageStore` in one folder. Made by `open`.

    A reader sees each commit of another process at its next call. The first write takes the writer's lock,
    which is held until `close`; what was not committed by then is dropped.
    """

    def __init__(self, folder: Path, index: tantivy.Index, read_only: bool) -> None:
        self._folder = folder
        self._index = index
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
            return cls(folder, _open_index(folder / "index"), read_only)

    @property
    def address(self) -> str:
        return str(self._folder)

    def write(self, documents: Iterable[AnalysedDocument]) -> None:
        writer = self._writing()
        with self._failing_cleanly():
            for analysed in documents:
                writer.delete_documents_by_term("document_id", exact_term(analysed.document.id))
                for entry in _entries(analysed):
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
        boosts = _boosts(weights, searcher.doc_freq("role", ENTRY), passages_with)
        query = _filtered(_any_of(self._index.schema, boosts), self._index.schema, filters)
        return best_first(lambda limit: _hits(searcher, query, limit), top_k)

    def record(self, document_id: str) -> DocumentRecord | None:
        found = (entry for entry in self._entries_of(document_id) if entry["record"])
        return next((decode_record(entry["record"][0]) for entry in found), None)

    def records(self, origin: str | None = None) -> Iterator[DocumentRecord]:
        """Every document without its text, or those that were read from the file `origin`."""
        field, value = ("role", FIRST) if origin is None else ("origin", exact_term(origin))
        for entry in self._select(field, value):
            yield decode_record(entry["record"][0])

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
            language: _count(searcher, self._term("language", language))
            for language, _ in searcher.terms_with_prefix("language", "")
        }
        return {language: count for language, count in counts.items() if count}

    def close(self) -> None:
        if self._writer is not None:
            writer, self._writer = self._writer, None
            with _explained(f"close the store {self._folder}"):
                writer.rollback()
                writer.wait_merging_threads()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _writing(self) -> tantivy.IndexWriter:
        """The writer, with its lock; taken once and kept until `close`."""
        if self._read_only:
            raise StoreError(f"The store {self._folder} was opened for reading only.")
        if self._writer is None:
            with _explained(f"write to the store {self._folder}"):
                self._writer = self._index.writer(WRITER_MEMORY, 1)
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
        if count := _count(searcher, query):
            for _, place in searcher.search(query, count, count=False).hits:
                yield searcher.doc(place)

    def _entries_of(self, document_id: str) -> Iterator[Any]:
        return self._select("document_id", exact_term(document_id))

    def _passages_of(self, document_id: str) -> list[Passage]:
        found = (
            decode_passage(entry["passage"][0]) for entry in self._entries_of(document_id) if entry["passage"]
        )
        return sorted(found, key=lambda passage: passage.start)


def _schema() -> tantivy.Schema:
    builder = tantivy.SchemaBuilder()
    for name in ("document_id", "origin", "language", "role", "facts"):
        builder.add_text_field(name, tokenizer_name="raw", index_option="basic")
    builder.add_text_field("terms", tokenizer_name="whitespace", index_option="freq")
    for name in ("passage", "record"):
        builder.add_bytes_field(name, stored=True)
    return builder.build()


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
            f"The store {folder} was made by another version of Fundstelle ({found}, here {VERSIONS}). "
            "Delete the folder, or name a new one, and index the documents again."
        )


def _open_index(folder: Path) -> tantivy.Index:
    folder.mkdir(exist_ok=True)
    index = tantivy.Index(_schema(), str(folder), reuse=True)
    index.config_reader("manual")
    index.register_tokenizer(
        "whitespace", tantivy.TextAnalyzerBuilder(tantivy.Tokenizer.whitespace()).build()
    )
    return index


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


def _entries(analysed: AnalysedDocument) -> Iterator[tantivy.Document]:
    """The passages of a document; the first carries the document's record."""
    document = analysed.document
    rows: Sequence[tuple[Passage | None, str, str]] = [(None, "", "")]
    if analysed.passages:
        rows = list(zip(analysed.passages, analysed.terms, analysed.title_terms, strict=True))
    for number, (passage, terms, title_terms) in enumerate(rows):
        entry = tantivy.Document()
        entry.add_text("document_id", exact_term(document.id))
        entry.add_text("role", ENTRY)
        if number == 0:
            entry.add_text("role", FIRST)
            entry.add_text("origin", exact_term(document.origin))
            entry.add_bytes("record", encode_record(analysed))
        if passage is not None:
            _add_passage(entry, passage, f"{terms} {title_terms}")
        yield entry


def _add_passage(entry: tantivy.Document, passage: Passage, terms: str) -> None:
    entry.add_text("terms", terms)
    entry.add_text("language", passage.language)
    for fact in facts(passage):
        entry.add_text("facts", fact)
    entry.add_bytes("passage", encode_passage(passage))


def _boosts(
    weights: Mapping[str, float], entries: int, passages_with: Callable[[str], int]
) -> dict[str, float]:
    """What replaces tantivy's inverse document frequency of each term by its weight."""
    return {
        term: weight / inverse_document_frequency(entries, passages_with(term))
        for term, weight in weights.items()
    }


def _any_of(schema: tantivy.Schema, boosts: Mapping[str, float]) -> tantivy.Query:
    return tantivy.Query.boolean_query(
        [(tantivy.Occur.Should, _boosted_term(schema, term, boost)) for term, boost in boosts.items()]
    )


def _boosted_term(schema: tantivy.Schema, term: str, boost: float) -> tantivy.Query:
    query = tantivy.Query.term_query(schema, "terms", term, index_option="freq")
    return tantivy.Query.boost_query(query, boost)


def _filtered(query: tantivy.Query, schema: tantivy.Schema, filters: Filters | None) -> tantivy.Query:
    """`query` within the passages that meet `filters`, which add nothing to the score."""
    clauses = [(tantivy.Occur.Must, query)]
    for alternatives in conditions(filters or {}):
        condition = tantivy.Query.term_set_query(schema, "facts", alternatives)
        clauses.append((tantivy.Occur.Must, tantivy.Query.const_score_query(condition, 0.0)))
    return tantivy.Query.boolean_query(clauses) if len(clauses) > 1 else query


def _hits(searcher: tantivy.Searcher, query: tantivy.Query, limit: int) -> list[Hit]:
    found = searcher.search(query, limit, count=False).hits
    return [Hit(decode_passage(searcher.doc(place)["passage"][0]), score) for score, place in found]


def _count(searcher: tantivy.Searcher, query: tantivy.Query) -> int:
    return int(searcher.search(query, 1, count=True).count or 0)  # type: ignore[attr-defined]
