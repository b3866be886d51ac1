"""Any store of ours as a Haystack `DocumentStore`, for pipelines that write with `DocumentWriter`.

A Haystack document becomes a document of one passage: split long texts before writing, as Haystack's own pipelines
do. What `fundstelle index` wrote shows as one Haystack document a document. Filters are Haystack's and are
checked on each document in turn, so they cost a walk through the store; to search, use `PassageRetriever`.
"""

import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from itertools import groupby
from typing import Any

from haystack import Document, default_from_dict, default_to_dict
from haystack.core.serialization import allow_deserialization_module
from haystack.document_stores.errors import DuplicateDocumentError
from haystack.document_stores.types import DuplicatePolicy
from haystack.utils.filters import document_matches_filter

from fundstelle.indexing.addresses import open_store
from fundstelle.indexing.analysis import index_terms
from fundstelle.indexing.documents import AnalysedDocument, Passage, SourceDocument
from fundstelle.indexing.languages import detect
from fundstelle.indexing.preparation import with_terms
from fundstelle.indexing.store import PassageStore

allow_deserialization_module("fundstelle")

REST = "_haystack"
"""Name of the metadata value that holds, as JSON, what a document has beside text and plain metadata."""

Filter = dict[str, Any]


class HaystackStore:
    """A Haystack `DocumentStore` over a `PassageStore`.

    Args:
        store: an open store, or the address of one, made on first use where there is none.
    """

    def __init__(self, store: PassageStore | str) -> None:
        self._address = store if isinstance(store, str) else store.address
        self._opened = None if isinstance(store, str) else store

    @property
    def store(self) -> PassageStore:
        """The store below; `PassageRetriever` searches it."""
        if self._opened is None:
            self._opened = open_store(self._address)
        return self._opened

    def close(self) -> None:
        """Give back the store's lock and connections; the next call opens it again."""
        if self._opened is not None:
            self._opened.close()
            self._opened = None

    def to_dict(self) -> dict[str, Any]:
        return default_to_dict(self, store=self._address)

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> "HaystackStore":
        return default_from_dict(cls, data)

    def count_documents(self) -> int:
        return sum(1 for _ in self.store.records())

    def filter_documents(self, filters: Filter | None = None) -> list[Document]:
        """The documents that `filters` match, all without; in no particular order."""
        return list(self._matching(filters))

    def write_documents(
        self, documents: list[Document], policy: DuplicatePolicy = DuplicatePolicy.NONE
    ) -> int:
        """Write and commit; the number written. NONE is FAIL, which writes nothing where a document is there already.

        OVERWRITE is the fastest: the others look up each document first.
        """
        if not isinstance(documents, list) or not all(isinstance(each, Document) for each in documents):
            raise ValueError("write_documents takes a list of Haystack documents.")
        new = {document.id: document for document in reversed(documents)}  # the first of equal ids
        if policy is DuplicatePolicy.OVERWRITE:
            new = {document.id: document for document in documents}
        else:
            known = [name for name in new if self.store.record(name) is not None]
            if policy is not DuplicatePolicy.SKIP and (known or len(new) < len(documents)):
                raise DuplicateDocumentError(f"Already there, nothing was written: {', '.join(known[:10])}")
            new = {name: document for name, document in new.items() if name not in known}
        self._write(new.values())
        return len(documents) if policy is DuplicatePolicy.OVERWRITE else len(new)

    def _write(self, documents: Iterable[Document]) -> None:
        self.store.write(map(_analysed, documents))
        self.store.commit()

    def delete_documents(self, document_ids: Sequence[str]) -> None:
        self.store.delete(document_ids)
        self.store.commit()

    def delete_all_documents(self) -> None:
        self.delete_documents([record.id for record in self.store.records()])

    def delete_by_filter(self, filters: Filter) -> int:
        """The number deleted."""
        ids = [document.id for document in self._matching(filters)]
        self.delete_documents(ids)
        return len(ids)

    def update_by_filter(self, filters: Filter, meta: dict[str, Any]) -> int:
        """Set the values of `meta` in all documents that match; their number.

        Of what `fundstelle index` wrote all else stays, until the file changes and is indexed again.
        """
        matching = self.filter_documents(filters)
        for document in matching:
            document.meta.update(meta)
        self.store.write(map(self._renewed, matching))
        self.store.commit()
        return len(matching)

    def _renewed(self, document: Document) -> AnalysedDocument:
        """A document of the store with its new metadata."""
        known, passages = self.store.document(document.id), list(self.store.passages(document.id))
        if known is None or [passage.id for passage in passages] == [document.id]:  # written here
            return _analysed(document)
        meta = _stored_meta(document)
        return with_terms(replace(known, meta=meta), [replace(passage, meta=meta) for passage in passages])

    def count_documents_by_filter(self, filters: Filter) -> int:
        return sum(1 for _ in self._matching(filters))

    def count_unique_metadata_by_filter(self, filters: Filter, metadata_fields: list[str]) -> dict[str, int]:
        """How many different values each field has among the documents that match."""
        matching = self.filter_documents(filters)
        return {field.removeprefix("meta."): len(_values(matching, field)) for field in metadata_fields}

    def get_metadata_fields_info(self) -> dict[str, dict[str, str]]:
        """For each field of the metadata, `{"type": "boolean" | "int" | "float" | "keyword"}`."""
        found = ((name, value) for document in self._matching() for name, value in document.meta.items())
        return {name: {"type": _type(value)} for name, value in found if value is not None}

    def get_metadata_field_min_max(self, metadata_field: str) -> dict[str, Any]:
        """`{"min": ..., "max": ...}`, both None where no document has the field or its values do not compare."""
        values = _values(self._matching(), metadata_field)
        try:
            return {"min": min(values, default=None), "max": max(values, default=None)}
        except TypeError:
            return {"min": None, "max": None}

    def get_metadata_field_unique_values(
        self,
        metadata_field: str,
        search_term: str | None = None,
        from_: int = 0,
        size: int = 10,
        filters: Filter | None = None,
    ) -> tuple[list[Any], int]:
        """`size` of the field's different values in the order of their text, and how many there are in all.

        Args:
            search_term: only values with this text in them, in any case.
        """
        values = _values(self._matching(filters), metadata_field)
        wanted = [value for value in values if (search_term or "").lower() in str(value).lower()]
        wanted.sort(key=lambda value: (str(value), type(value).__name__))
        return wanted[from_ : from_ + size], len(wanted)

    def _matching(self, filters: Filter | None = None) -> Iterator[Document]:
        if filters:
            document_matches_filter(
                filters, Document(content="")
            )  # a malformed one fails without documents, too
        for _, passages in groupby(self.store.passages(), key=lambda passage: passage.document_id):
            document = _restored(list(passages))
            if not filters or document_matches_filter(filters, document):
                yield document


def _analysed(document: Document) -> AnalysedDocument:
    text = document.content or ""
    language, title = detect(text), str(document.meta.get("title", ""))
    meta = _stored_meta(document)
    source = SourceDocument(
        id=document.id,
        text=text,
        source=str(document.meta.get("file_path", document.id)),
        origin=document.id,
        title=title,
        language=language,
        meta=meta,
    )
    passage = Passage(document.id, document.id, text, 0, source.source, language, title, meta=meta)
    return AnalysedDocument(source, [passage], [index_terms(text, language)], [index_terms(title, language)])


def _stored_meta(document: Document) -> dict[str, Any]:
    """The metadata that a store can filter by, and all else as one value more."""
    plain = {name: value for name, value in document.meta.items() if isinstance(value, str | int | float)}
    rest = _rest(document, plain)
    return {**plain, REST: rest} if rest != "{}" else plain


def _rest(document: Document, plain: dict[str, Any]) -> str:
    """What `plain` and the text do not say of a document, as JSON."""
    fields = document.to_dict(flatten=False)
    rest = {name: fields[name] for name in ("blob", "score", "embedding", "sparse_embedding") if fields[name]}
    if document.content is None:
        rest["content"] = None
    if plain != document.meta or REST in plain:
        rest["meta"] = document.meta
    try:
        return json.dumps(rest)
    except TypeError as error:
        raise ValueError(
            f"Document {document.id} holds what JSON cannot: {error}. Convert it first."
        ) from error


def _restored(passages: Sequence[Passage]) -> Document:
    meta = dict(passages[0].meta)
    rest = json.loads(str(meta.pop(REST, "{}")))
    text = "".join(passage.text for passage in passages)
    return Document.from_dict({"id": passages[0].document_id, "content": text, "meta": meta, **rest})


def _values(documents: Iterable[Document], field: str) -> list[Any]:
    """The different values of a field of the metadata; 1, 1.0, "1" and True are four."""
    name = field.removeprefix("meta.")
    values = (document.meta.get(name) for document in documents)
    return list({(type(each), json.dumps(each)): each for each in values if each is not None}.values())


def _type(value: Any) -> str:
    names = {bool: "boolean", int: "int", float: "float"}
    return names.get(type(value), "keyword")
