"""The store in an Elasticsearch cluster: the same analysis, the same BM25, the same answers as the embedded one.

How a document changes at once without transactions is told in `elastic_index`.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from elasticsearch import Elasticsearch

from fundstelle.indexing import elastic_index, elastic_nearest
from fundstelle.indexing.closing import Closing
from fundstelle.indexing.documents import AnalysedDocument, DocumentRecord, Passage, SourceDocument
from fundstelle.indexing.elastic_bulk import in_groups
from fundstelle.indexing.elastic_client import Address, explained
from fundstelle.indexing.elastic_entries import passage_from, record_from, record_id
from fundstelle.indexing.elastic_foreign import ForeignIndex
from fundstelle.indexing.elastic_listing import PAGE, each, first
from fundstelle.indexing.elastic_patience import patiently, refresh, whole
from fundstelle.indexing.elastic_rebuild import rebuild
from fundstelle.indexing.elastic_search import Searcher
from fundstelle.indexing.elastic_vectors import ElasticVectors
from fundstelle.indexing.elastic_writing import Writer
from fundstelle.indexing.filters import exact_term
from fundstelle.indexing.store import Filters, Hit, Pending, StoreError, Vector, VectorSpace


class ElasticsearchStore(Closing):
    """A `PassageStore` behind an alias of a cluster. Made by `open`; many processes may write at the same time."""

    def __init__(self, client: Elasticsearch, address: Address, read_only: bool = False) -> None:
        self._client = client
        self._address = address
        self._alias = address.index
        self._read_only = read_only
        self._searcher = Searcher(client, address.index)
        self._writer = Writer(client, address.index)
        self._vectors = ElasticVectors(client, address.index, address.public, self._searcher)

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
        return cls(client, parsed, read_only)

    @property
    def address(self) -> str:
        return self._address.public

    def write(self, documents: Iterable[AnalysedDocument]) -> None:
        """Passages are sent at once; they are searched only when `commit` has written their document's record."""
        self._may_write()
        with explained("write to", self.address):
            self._writer.write(documents)

    def delete(self, document_ids: Iterable[str]) -> None:
        self._may_write()
        self._writer.delete(document_ids)

    def commit(self) -> None:
        """Each document changes in one step, one after the other: a cluster knows no larger one."""
        with explained("commit to", self.address):
            if self._writer.commit():
                self._searcher.forget()

    def search(self, question: str, top_k: int = 20, filters: Filters | None = None) -> list[Hit]:
        if top_k < 1:
            return []
        with explained("search", self.address):
            return self._searcher.search(question, top_k, filters)

    def vector_space(self) -> VectorSpace | None:
        with explained("read", self.address):
            return self._vectors.space()

    def vector_count(self) -> int:
        with explained("read", self.address):
            return self._vectors.count()

    def search_vectors(self, vector: Vector, top_k: int = 20, filters: Filters | None = None) -> list[Hit]:
        with explained("search", self.address):
            space = self._vectors.remembered_space()
            return elastic_nearest.search(self._searcher, space, vector, top_k, filters) if space else []

    def cosines(self, vector: Vector, passages: Sequence[Passage]) -> list[float | None]:
        with explained("read", self.address):
            if (space := self._vectors.remembered_space()) is None:
                return [None] * len(passages)
            return elastic_nearest.cosines(self._client, self._alias, space, vector, passages)

    def begin_vectors(self, space: VectorSpace, anew: bool = False) -> None:
        self._may_write()
        with explained("write to", self.address):
            self._vectors.begin(space, anew)

    def pending_vectors(self) -> Pending:
        with explained("read", self.address):
            return self._vectors.pending()

    def write_vectors(self, passages: Sequence[Passage], vectors: Vector) -> None:
        self._may_write()
        with explained("write to", self.address):
            self._vectors.write(passages, vectors)

    def settle_vectors(self) -> int:
        self._may_write()
        with explained("write to", self.address):
            refresh(self._client, self._alias)
        return 0

    def record(self, document_id: str) -> DocumentRecord | None:
        with explained("read", self.address):
            found = self._document_entry(document_id)
        return None if found is None else record_from(found)

    def _document_entry(self, document_id: str) -> Mapping[str, Any] | None:
        ids = [record_id(document_id)]
        docs = patiently(lambda: whole(self._client.mget(index=self._alias, ids=ids)["docs"]))
        entry: Mapping[str, Any] | None = docs[0].get("_source")
        return entry

    def records(self, origin: str | None = None) -> Iterator[DocumentRecord]:
        """Every document without its text, or those that were read from the file `origin`."""
        wanted = [_is("role", "document")]
        if origin is not None:
            wanted.append(_is("origin", exact_term(origin)))
        with explained("list", self.address):
            for hit in each(self._client, self._alias, {"bool": {"filter": wanted}}):
                yield record_from(hit["_source"])

    def records_after(self, document_id: str, limit: int) -> list[DocumentRecord]:
        with explained("list", self.address):
            hits = first(
                self._client, self._alias, _is("role", "document"), "document_id", document_id, limit
            )
            return [record_from(hit["_source"]) for hit in hits]

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
        hits = each(self._client, self._alias, {"bool": {"filter": wanted}}, order=["start"])
        return (passage_from(hit["_source"]) for hit in hits)

    def passages(self, document_id: str | None = None) -> Iterator[Passage]:
        with explained("read", self.address):
            if document_id is None:
                yield from self._all_passages()
            elif (entry := self._document_entry(document_id)) is not None:
                yield from self._passages_of(document_id, entry["generation"])

    def _all_passages(self) -> Iterator[Passage]:
        hits = each(self._client, self._alias, _is("role", "passage"), order=["document_id", "start"])
        for group in in_groups(hits, PAGE):
            for hit in self._searcher.living(group):
                yield passage_from(hit["_source"])

    def languages(self) -> dict[str, int]:
        with explained("read", self.address):
            return patiently(self._searcher.languages)

    def reindex(self) -> int:
        """Rebuild into a new index with this version's analysis and point the alias at it; the passages written.

        Questions are answered from the old index until the new one is complete. Writers are kept out meanwhile.
        """
        self._may_write()
        with explained("rebuild", self.address):
            written = rebuild(self._client, self._alias, self._address)
        self._searcher.forget()
        return written

    def _may_write(self) -> None:
        if self._read_only:
            raise StoreError(f"The store {self.address} was opened for reading only.")

    def close(self) -> None:
        """Give the connections back; what was not committed by then does not count."""
        self._client.close()


def _is(field: str, value: str) -> dict[str, Any]:
    return {"term": {field: value}}
