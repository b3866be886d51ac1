"""The store in an Elasticsearch cluster: the same analysis, the same BM25, the same answers as the embedded one.

How a document changes at once without transactions is told in `elastic_index`.
"""

import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from types import TracebackType
from typing import Any, Self

from elasticsearch import ApiError, Elasticsearch, NotFoundError

from fundstelle.indexing import elastic_index
from fundstelle.indexing.documents import AnalysedDocument, DocumentRecord, Passage, SourceDocument
from fundstelle.indexing.elastic_bulk import Action, bulk, in_groups
from fundstelle.indexing.elastic_client import Address, explained
from fundstelle.indexing.elastic_entries import (
    document_entry,
    generation_of,
    passage_entry,
    passage_from,
    record_from,
)
from fundstelle.indexing.elastic_foreign import ForeignIndex
from fundstelle.indexing.elastic_listing import each
from fundstelle.indexing.elastic_rebuild import rebuild
from fundstelle.indexing.filters import conditions, exact_term
from fundstelle.indexing.ranking import best_first, inverse_document_frequency, question_terms, weighted_terms
from fundstelle.indexing.store import Filters, Hit, StoreError

COUNTS_SECONDS = 10.0
"""How long the number of passages per language is remembered; ranking needs it only roughly up to date."""

IDS = 500
"""Documents that are looked up in one request."""


class ElasticsearchStore:
    """A `PassageStore` behind an alias of a cluster. Made by `open`; many processes may write at the same time."""

    def __init__(self, client: Elasticsearch, address: Address, index: str, read_only: bool = False) -> None:
        self._client = client
        self._address = address
        self._alias = address.index
        self._index = index
        self._read_only = read_only
        self._pending: dict[str, Action | None] = {}
        self._counts: tuple[float, dict[str, int]] = (-COUNTS_SECONDS, {})

    @classmethod
    def open(
        cls, address: str, create: bool = True, read_only: bool = False, any_version: bool = False
    ) -> "ElasticsearchStore | ForeignIndex":
        """The store at an address as `Address` describes it; with `?field=`, an index of somebody else's.

        Args:
            any_version: open an index of another version, too; good for `reindex` alone.

        Raises:
            StoreError: no connection, no such index (without `create`), or one made by another version.
        """
        parsed = Address.parse(address)
        client = parsed.connect()
        if "field" in parsed.options:
            return ForeignIndex.open(client, parsed)
        with explained("open", parsed.public):
            index = elastic_index.behind(client, parsed.index)
            if index is None:
                if read_only or not create:
                    raise StoreError(
                        f"There is no store at {parsed.public}. Make one with `fundstelle index` first."
                    )
                shards = int(parsed.options.get("shards", "1"))
                index = elastic_index.create(
                    client, parsed.index, shards, parsed.options.get("replicas", "0-1")
                )
            if not any_version:
                elastic_index.check_versions(client, index, parsed.public)
        return cls(client, parsed, index, read_only)

    @property
    def address(self) -> str:
        return self._address.public

    def write(self, documents: Iterable[AnalysedDocument]) -> None:
        """Passages are sent at once; they are searched only when `commit` has written their document's record."""
        self._may_write()
        with explained("write to", self.address):
            bulk(self._client, self._passage_actions(documents))

    def _passage_actions(self, documents: Iterable[AnalysedDocument]) -> Iterator[Action]:
        for analysed in documents:
            generation = generation_of(analysed)
            for passage, terms, title_terms in zip(
                analysed.passages, analysed.terms, analysed.title_terms, strict=True
            ):
                yield {
                    "_op_type": "index",
                    "_index": self._alias,
                    "_id": f"{passage.id}-{generation}",
                    **passage_entry(passage, f"{terms} {title_terms}", generation),
                }
            self._pending[analysed.document.id] = document_entry(analysed, generation)

    def delete(self, document_ids: Iterable[str]) -> None:
        self._may_write()
        self._pending.update(dict.fromkeys(document_ids))

    def commit(self) -> None:
        """Write the records of what was written, which is what makes it count; then clear away old generations."""
        if not self._pending:
            return
        with explained("commit to", self.address):
            self._client.indices.refresh(index=self._alias)
            bulk(self._client, self._record_actions())
            self._client.indices.refresh(index=self._alias)
            for ids in in_groups(self._pending, IDS):
                bulk(self._client, self._removals(ids))
            self._client.indices.refresh(index=self._alias)
        self._pending = {}
        self._counts = (-COUNTS_SECONDS, {})

    def _record_actions(self) -> Iterator[Action]:
        for document_id, entry in self._pending.items():
            base = {"_index": self._alias, "_id": _record_id(document_id)}
            yield {"_op_type": "delete", **base} if entry is None else {"_op_type": "index", **base, **entry}

    def _removals(self, document_ids: Sequence[str]) -> Iterator[Action]:
        """Deletes the passages of these documents that belong to no living generation."""
        living = [entry["generation"] for name in document_ids if (entry := self._pending[name])]
        query = {
            "bool": {
                "filter": [
                    _is("role", "passage"),
                    {"terms": {"document_id": [*map(exact_term, document_ids)]}},
                ],
                "must_not": [{"terms": {"generation": living}}],
            }
        }
        for hit in each(self._client, self._alias, query, source=False):
            yield {"_op_type": "delete", "_index": self._alias, "_id": hit["_id"]}

    def search(self, question: str, top_k: int = 20, filters: Filters | None = None) -> list[Hit]:
        if top_k < 1:
            return []
        with explained("search", self.address):
            return self._search(question, top_k, filters)

    def _search(self, question: str, top_k: int, filters: Filters | None, attempts: int = 3) -> list[Hit]:
        try:
            query = self._query(question, filters)
            return [] if query is None else best_first(lambda limit: self._hits(query, limit), top_k)
        except ApiError as error:
            # A rebuild may remove the old index between two requests: the alias leads to the new one.
            if attempts == 1 or error.meta.status not in {404, 503}:
                raise
        time.sleep(0.1)
        return self._search(question, top_k, filters, attempts - 1)

    def _query(self, question: str, filters: Filters | None) -> dict[str, Any] | None:
        languages = self._passages_per_language()
        counts = self._passages_with(question_terms(question, languages))
        weights = weighted_terms(question, languages, counts.__getitem__)
        if not weights:
            return None
        passages = sum(languages.values())
        clauses = [
            {"term": {"terms": {"value": term, "boost": weight / self._own_idf(passages, counts[term])}}}
            for term, weight in weights.items()
        ]
        alternatives = [{"terms": {"facts": facts}} for facts in conditions(filters or {})]
        return {"bool": {"should": clauses, "minimum_should_match": 1, "filter": alternatives}}

    @staticmethod
    def _own_idf(passages: int, containing: int) -> float:
        return inverse_document_frequency(passages, min(passages, containing))

    def _hits(self, query: dict[str, Any], limit: int) -> list[Hit]:
        """The best `limit` living passages, or all there are."""
        size = limit
        while True:
            found = self._client.search(
                index=self._alias,
                query=query,
                size=size,
                search_type="dfs_query_then_fetch",
                track_total_hits=False,
                allow_partial_search_results=False,
            )["hits"]["hits"]
            living = self._living({hit["_source"]["document_id"] for hit in found})
            hits = [
                Hit(passage_from(hit["_source"]), hit["_score"])
                for hit in found
                if living.get(hit["_source"]["document_id"]) == hit["_source"]["generation"]
            ]
            if len(hits) >= limit or len(found) < size:
                return hits[:limit]
            size *= 2

    def _living(self, document_ids: Iterable[str]) -> dict[str, str]:
        """The living generation of each document. Looked up in real time, not as of the last refresh."""
        ids = [_record_id(document_id) for document_id in document_ids]
        if not ids:
            return {}
        reply = self._client.mget(index=self._alias, ids=ids, source_includes=["document_id", "generation"])
        found = (entry["_source"] for entry in reply["docs"] if entry.get("found"))
        return {entry["document_id"]: entry["generation"] for entry in found}

    def _passages_per_language(self) -> dict[str, int]:
        counted, counts = self._counts
        if time.monotonic() - counted >= COUNTS_SECONDS:
            counts = self._count_languages()
            self._counts = (time.monotonic(), counts)
        return counts

    def _count_languages(self) -> dict[str, int]:
        reply = self._client.search(
            index=self._alias,
            size=0,
            allow_partial_search_results=False,
            query=_is("role", "passage"),
            aggregations={"languages": {"terms": {"field": "language", "size": 1000}}},
        )
        return {each["key"]: each["doc_count"] for each in reply["aggregations"]["languages"]["buckets"]}

    def _passages_with(self, terms: Sequence[str]) -> dict[str, int]:
        """How many passages hold each term."""
        if not terms:
            return {}
        names = {str(number): {"term": {"terms": term}} for number, term in enumerate(terms)}
        reply = self._client.search(
            index=self._alias,
            size=0,
            allow_partial_search_results=False,
            aggregations={"terms": {"filters": {"filters": names}}},
        )
        buckets = reply["aggregations"]["terms"]["buckets"]
        return {term: buckets[str(number)]["doc_count"] for number, term in enumerate(terms)}

    def record(self, document_id: str) -> DocumentRecord | None:
        with explained("read", self.address):
            found = self._document_entry(document_id)
        return None if found is None else record_from(found)

    def _document_entry(self, document_id: str) -> Mapping[str, Any] | None:
        try:
            entry: Mapping[str, Any] = self._client.get(index=self._alias, id=_record_id(document_id))[
                "_source"
            ]
        except NotFoundError:
            return None
        return entry

    def records(self, origin: str | None = None) -> Iterator[DocumentRecord]:
        """Every document without its text, or those that were read from the file `origin`."""
        wanted = [_is("role", "document")]
        if origin is not None:
            wanted.append(_is("origin", exact_term(origin)))
        with explained("list", self.address):
            for hit in each(self._client, self._alias, {"bool": {"filter": wanted}}):
                yield record_from(hit["_source"])

    def document(self, document_id: str) -> SourceDocument | None:
        with explained("read", self.address):
            entry = self._document_entry(document_id)
            if entry is None:
                return None
            passages = self._passages_of(document_id, entry["generation"])
            return record_from(entry).with_text("".join(passage.text for passage in passages))

    def _passages_of(self, document_id: str, generation: str) -> Iterator[Passage]:
        wanted = [
            _is("role", "passage"),
            _is("document_id", exact_term(document_id)),
            _is("generation", generation),
        ]
        hits = each(self._client, self._alias, {"bool": {"filter": wanted}}, order="start")
        return (passage_from(hit["_source"]) for hit in hits)

    def passages(self, document_id: str | None = None) -> Iterator[Passage]:
        if document_id is None:
            for record in self.records():
                yield from self.passages(record.id)
            return
        with explained("read", self.address):
            entry = self._document_entry(document_id)
            if entry is not None:
                yield from self._passages_of(document_id, entry["generation"])

    def languages(self) -> dict[str, int]:
        with explained("read", self.address):
            return self._count_languages()

    def reindex(self) -> int:
        """Rebuild into a new index with this version's analysis and point the alias at it; the passages written.

        Questions are answered from the old index until the new one is complete. Writers are kept out meanwhile.
        """
        self._may_write()
        with explained("rebuild", self.address):
            written = rebuild(self._client, self._alias, self._address)
        self._counts = (-COUNTS_SECONDS, {})
        return written

    def _may_write(self) -> None:
        if self._read_only:
            raise StoreError(f"The store {self.address} was opened for reading only.")

    def close(self) -> None:
        """Give the connections back; what was not committed by then does not count."""
        self._client.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def _record_id(document_id: str) -> str:
    return f"document-{exact_term(document_id)}"


def _is(field: str, value: str) -> dict[str, Any]:
    return {"term": {field: value}}
