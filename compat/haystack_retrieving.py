"""Haystack 1's BM25 retriever and its pipeline of retriever and reader, over this project's stores."""

from collections.abc import Mapping, Sequence
from typing import Any

from fundstelle.compat.haystack_filters import Conditions, as_stored
from fundstelle.compat.haystack_reading import BaseReader, softened
from fundstelle.compat.haystack_schema import Document
from fundstelle.indexing.addresses import open_store
from fundstelle.indexing.documents import Passage
from fundstelle.indexing.store import PassageStore


class BM25Retriever:
    """Finds passages by their words.

    Args:
        document_store: a store, or its address: what `fundstelle index` wrote to with `--store`.
        top_k: passages per query.
        scale_score: scores from 0 to 1, the logistic function of an eighth of the BM25 score; False: that score.
    """

    outgoing_edges = 1

    def __init__(
        self, document_store: PassageStore | str, top_k: int = 10, scale_score: bool = True, **ignored: Any
    ) -> None:
        if isinstance(document_store, str):
            document_store = open_store(document_store, create=False, read_only=True)
        self.document_store: PassageStore = document_store
        self.top_k, self.scale_score = top_k, scale_score

    def retrieve(
        self,
        query: str,
        filters: Conditions | None = None,
        top_k: int | None = None,
        scale_score: bool | None = None,
        **ignored: Any,
    ) -> list[Document]:
        """Passages as documents, best first. `meta` says which file each is from and where it starts there.

        Args:
            filters: see `fundstelle.compat.haystack_filters.as_stored`.

        Raises:
            ValueError: a filter is none that can be searched with.
        """
        scaled = self.scale_score if scale_score is None else scale_score
        stored = as_stored(filters, self.document_store) if filters else None
        hits = self.document_store.search(query, self.top_k if top_k is None else top_k, stored)
        return [document_of(hit.passage, softened(hit.score) if scaled else hit.score) for hit in hits]

    def retrieve_batch(
        self,
        queries: Sequence[str],
        filters: Conditions | Sequence[Conditions | None] | None = None,
        **options: Any,
    ) -> list[list[Document]]:
        """The same for several queries; options are those of `retrieve`, `filters` may be a list, one per query.

        Raises:
            ValueError: there are not as many filters as queries.
        """
        each = filters if isinstance(filters, list | tuple) else [filters] * len(queries)
        if len(each) != len(queries):
            raise ValueError(
                f"There are {len(queries)} queries and {len(each)} filters: give one for each, or one for all."
            )
        return [self.retrieve(query, one, **options) for query, one in zip(queries, each, strict=True)]

    def run(self, query: str, **options: Any) -> tuple[dict[str, Any], str]:
        """As a node of a pipeline: documents, and the name of the way out."""
        return {"documents": self.retrieve(query, **options)}, "output_1"

    def run_batch(self, queries: Sequence[str], **options: Any) -> tuple[dict[str, Any], str]:
        """As a node of a pipeline: lists of documents, and the name of the way out."""
        return {"documents": self.retrieve_batch(queries, **options)}, "output_1"


def document_of(passage: Passage, score: float | None = None) -> Document:
    """A passage as a document, named as its metadata or else its title or source says."""
    meta: dict[str, Any] = {"name": passage.title or passage.source} | dict(passage.meta)
    meta |= {
        "source": passage.source,
        "document_id": passage.document_id,
        "start": passage.start,
        "language": passage.language,
    }
    if passage.page is not None:
        meta["page"] = passage.page
    return Document(passage.text, id=passage.id, score=score, meta=meta)


class ExtractiveQAPipeline:
    """Retrieves documents and reads them."""

    _NODES = ("Retriever", "Reader")

    def __init__(self, reader: BaseReader, retriever: Any) -> None:
        self.reader, self.retriever = reader, retriever

    def run(
        self, query: str, params: Mapping[str, Any] | None = None, debug: bool | None = None
    ) -> dict[str, Any]:
        """`{"query", "no_ans_gap", "answers", "documents", "root_node", "params", "node_id"}`.

        Args:
            params: by node, as in `{"Retriever": {"top_k": 10}, "Reader": {"top_k": 5}}`; `filters` may also
                stand beside the nodes.

        Raises:
            ValueError: `params` names a node or an option that there is not.
        """
        retrieving, reading = self._options(params)
        documents = self.retriever.retrieve(query, **retrieving)
        return (
            self.reader.predict(query, documents, **reading) | {"documents": documents} | self._ending(params)
        )

    def run_batch(
        self, queries: list[str], params: Mapping[str, Any] | None = None, debug: bool | None = None
    ) -> dict[str, Any]:
        """The same for several queries: `queries`, `no_ans_gaps`, and lists of answers and of documents."""
        retrieving, reading = self._options(params)
        documents = self.retriever.retrieve_batch(queries, **retrieving)
        result = self.reader.predict_batch(queries, documents, **reading)
        return result | {"documents": documents} | self._ending(params)

    def _ending(self, params: Mapping[str, Any] | None) -> dict[str, Any]:
        return {"root_node": "Query", "params": dict(params or {}), "node_id": "Reader"}

    def _options(self, params: Mapping[str, Any] | None) -> tuple[dict[str, Any], dict[str, Any]]:
        """What the retriever and the reader are told."""
        given = dict(params or {})
        options = {name: dict(given.pop(name, None) or {}) for name in self._NODES}
        if "filters" in given:
            options["Retriever"].setdefault("filters", given.pop("filters"))
        options["Retriever"].pop("debug", None)
        unknown = [*given, *(set(options["Reader"]) - {"top_k", "batch_size", "debug"})]
        if unknown:
            raise ValueError(
                f"This pipeline has the nodes Retriever and Reader, and no {', '.join(unknown)}."
            )
        return options["Retriever"], {"top_k": options["Reader"].get("top_k")}
