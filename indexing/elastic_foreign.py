"""Somebody else's Elasticsearch index, searched as it is: read-only, with its own analyser."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from heapq import nsmallest
from typing import Any, Self

from elasticsearch import Elasticsearch, NotFoundError

from fundstelle.indexing.closing import Closing
from fundstelle.indexing.documents import AnalysedDocument, DocumentRecord, Passage, SourceDocument
from fundstelle.indexing.elastic_client import Address, explained
from fundstelle.indexing.elastic_listing import each
from fundstelle.indexing.elastic_patience import patiently
from fundstelle.indexing.languages import detect
from fundstelle.indexing.store import Filters, Hit, Pending, StoreError, Vector, VectorSpace


class ForeignIndex(Closing):
    """A `PassageStore` over the text field of an existing index; each of its documents is one passage.

    `--store elasticsearch://host/index?field=body&title=headline`. Filters are exact matches on the index's own
    fields. Long texts are read in windows.
    """

    def __init__(self, client: Elasticsearch, address: Address) -> None:
        self._client = client
        self._address = address
        self._index = address.index
        self._field = address.options["field"]
        self._title = address.options.get("title", "")

    @classmethod
    def open(cls, client: Elasticsearch, address: Address) -> Self:
        """Raises StoreError where the index or the field is not there."""
        with explained("open", address.public):
            fields = client.field_caps(index=address.index, fields="*")["fields"]
        wanted = [address.options[name] for name in ("field", "title") if name in address.options]
        if missing := [name for name in wanted if name not in fields]:
            known = ", ".join(sorted(name for name, kinds in fields.items() if "text" in kinds)) or "none"
            raise StoreError(
                f"{address.public}: no field {', '.join(missing)}; its text fields are: {known}."
            )
        return cls(client, address)

    @property
    def address(self) -> str:
        return self._address.public

    def search(self, question: str, top_k: int = 20, filters: Filters | None = None) -> list[Hit]:
        if top_k < 1 or not question.strip():
            return []
        fields = [self._field, *([self._title] if self._title else [])]
        query = {
            "bool": {
                "must": {"multi_match": {"query": question, "fields": fields, "type": "most_fields"}},
                "filter": [_condition(name, value) for name, value in (filters or {}).items()],
            }
        }
        with explained("search", self.address):
            hits = patiently(lambda: self._hits(query, top_k))
        return [Hit(self._passage(hit), hit["_score"], bm25=hit["_score"]) for hit in hits]

    def _hits(self, query: Mapping[str, Any], size: int) -> list[Mapping[str, Any]]:
        hits: list[Mapping[str, Any]] = self._client.search(
            index=self._index,
            query=query,
            size=size,
            search_type="dfs_query_then_fetch",
            allow_partial_search_results=False,
        )["hits"]["hits"]
        return hits

    def _passage(self, hit: Mapping[str, Any]) -> Passage:
        text = _value(hit["_source"], self._field)
        return Passage(
            id=hit["_id"],
            document_id=hit["_id"],
            text=text,
            start=0,
            source=f"{self._index}/{hit['_id']}",
            language=detect(text),
            title=_value(hit["_source"], self._title) if self._title else "",
        )

    def vector_space(self) -> VectorSpace | None:
        """None: it is searched by words alone."""
        return None

    def vector_count(self) -> int:
        return 0

    def search_vectors(self, vector: Vector, top_k: int = 20, filters: Filters | None = None) -> list[Hit]:
        return []

    def cosines(self, vector: Vector, passages: Sequence[Passage]) -> list[float | None]:
        return [None] * len(passages)

    def begin_vectors(self, space: VectorSpace, anew: bool = False) -> None:
        raise self._refusal()

    def pending_vectors(self) -> Pending:
        raise self._refusal()

    def write_vectors(self, passages: Sequence[Passage], vectors: Vector) -> None:
        raise self._refusal()

    def settle_vectors(self) -> int:
        raise self._refusal()

    def record(self, document_id: str) -> DocumentRecord | None:
        document = self.document(document_id)
        return None if document is None else _record(document)

    def records(self, origin: str | None = None) -> Iterator[DocumentRecord]:
        for passage in self.passages():
            if origin in (None, passage.source):
                yield _record(_document(passage))

    def records_after(self, document_id: str, limit: int) -> list[DocumentRecord]:
        """As the protocol says. Somebody else's ids cannot be sorted by the cluster: all are read."""
        return nsmallest(
            limit,
            (record for record in self.records() if record.id > document_id),
            key=lambda record: record.id,
        )

    def document(self, document_id: str) -> SourceDocument | None:
        return next((_document(passage) for passage in self.passages(document_id)), None)

    def passages(self, document_id: str | None = None) -> Iterator[Passage]:
        with explained("read", self.address):
            if document_id is None:
                hits: Iterable[Mapping[str, Any]] = each(self._client, self._index, {"match_all": {}})
            else:
                hits = self._get(document_id)
            for hit in hits:
                yield self._passage(hit)

    def _get(self, document_id: str) -> list[Mapping[str, Any]]:
        try:
            return [self._client.get(index=self._index, id=document_id).body]
        except NotFoundError:
            return []

    def languages(self) -> dict[str, int]:
        """All of them counted as undetermined: finding out would mean reading the whole index."""
        with explained("read", self.address):
            return {"und": int(self._client.count(index=self._index)["count"])}

    def write(self, documents: Iterable[AnalysedDocument]) -> None:
        raise self._refusal()

    def delete(self, document_ids: Iterable[str]) -> None:
        raise self._refusal()

    def commit(self) -> None:
        raise self._refusal()

    def _refusal(self) -> StoreError:
        return StoreError(
            f"{self.address} is somebody else's index and only read. To write, name an index without ?field=."
        )

    def close(self) -> None:
        self._client.close()


def _condition(name: str, value: Any) -> dict[str, Any]:
    return {"terms": {name: [value] if isinstance(value, str) else list(value)}}


def _value(source: Mapping[str, Any], path: str) -> str:
    """The text at a field's path: `a.b` is b within a, or a field of that whole name."""
    value: Any = source.get(path)
    if value is None:
        value = source
        for name in path.split("."):
            value = value.get(name) if isinstance(value, Mapping) else None
    if isinstance(value, list):
        return "\n".join(map(str, value))
    return "" if value is None else str(value)


def _document(passage: Passage) -> SourceDocument:
    return SourceDocument(
        id=passage.document_id,
        text=passage.text,
        source=passage.source,
        origin=passage.source,
        title=passage.title,
        language=passage.language,
    )


def _record(document: SourceDocument) -> DocumentRecord:
    return DocumentRecord(
        id=document.id,
        source=document.source,
        origin=document.origin,
        title=document.title,
        language=document.language,
        pages=(),
        meta={},
        content_hash="",
        characters=len(document.text),
        passages=1,
    )
