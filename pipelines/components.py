"""Haystack 3 components of the query pipeline, for pipelines of a user's own and for YAML.

Passages travel as Haystack documents: `id` and `content` are the passage's, `meta` holds its document's
values and, above them, `document_id`, `source`, `start`, `language`, `title` and `page`, and what the retriever
knows: `bm25`, `cosine` and `odds`.
"""

from collections.abc import Sequence
from typing import Any

from haystack import Document, ExtractedAnswer, Pipeline, component, default_from_dict, default_to_dict
from haystack.core.serialization import allow_deserialization_module

from fundstelle.indexing.addresses import open_store
from fundstelle.indexing.documents import Passage
from fundstelle.indexing.store import Filters, Hit, PassageStore
from fundstelle.pipelines.answers import Answer
from fundstelle.pipelines.contexts import CONTEXT_SIZE
from fundstelle.pipelines.merge import merge
from fundstelle.pipelines.quoting import Quoter
from fundstelle.pipelines.reading import Asked, read_all
from fundstelle.pipelines.retrieval import Kind, Retriever, checked
from fundstelle.reader import bundle
from fundstelle.reader.confidence import Calibration
from fundstelle.reader.reader import Reader
from fundstelle.reader.readings import Reading

allow_deserialization_module("fundstelle")

_EVIDENCE = ("bm25", "cosine", "odds")
_OURS = ("document_id", "source", "start", "language", "title", "page")


def document_of(hit: Hit) -> Document:
    """A hit as a Haystack document, its score the retriever's."""
    passage = hit.passage
    meta = dict(passage.meta) | {name: getattr(passage, name) for name in _OURS}
    meta |= {name: value for name in _EVIDENCE if (value := getattr(hit, name)) is not None}
    return Document(id=passage.id, content=passage.text, meta=meta, score=hit.score)


def hit_of(document: Document) -> Hit:
    """A Haystack document as a hit; one that was not made here is taken to be a whole document."""
    meta = dict(document.meta)
    source = str(meta.get("file_path", document.id))
    known: dict[str, Any] = {"document_id": document.id, "source": source, "start": 0}
    known |= {name: meta.pop(name) for name in _OURS if name in meta}
    evidence = {name: meta.pop(name) for name in _EVIDENCE if name in meta}
    passage = Passage(id=document.id, text=document.content or "", meta=meta, **known)
    return Hit(passage, document.score or 0.0, **evidence)


@component
class PassageRetriever:
    """Finds the passages of a store that match a question.

    Args:
        store: an open store, or the address of one, opened by `warm_up`.
        top_k: passages at most.
        filters: metadata that documents must have.
        retriever: "bm25", "dense" or "hybrid"; None: hybrid where the store has vectors.
        encoder: the model that made the store's vectors, by folder or name; None: the bundled one.
    """

    def __init__(
        self,
        store: PassageStore | str,
        top_k: int = 20,
        filters: Filters | None = None,
        retriever: Kind | None = None,
        encoder: str | None = None,
    ) -> None:
        self.address = store if isinstance(store, str) else store.address
        self.store = None if isinstance(store, str) else store
        self.top_k = top_k
        self.filters = filters
        self.retriever = checked(retriever)
        self.encoder = encoder
        self._retriever: Retriever | None = None

    def warm_up(self) -> None:
        self.store = self.store or open_store(self.address, create=False)
        self._retriever = self._retriever or Retriever(self.store, self.retriever, self.encoder)

    def to_dict(self) -> dict[str, Any]:
        return default_to_dict(
            self,
            store=self.address,
            top_k=self.top_k,
            filters=self.filters,
            retriever=self.retriever,
            encoder=self.encoder,
        )

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> "PassageRetriever":
        return default_from_dict(cls, data)

    @component.output_types(documents=list[Document])
    def run(
        self, query: str, top_k: int | None = None, filters: dict[str, Any] | None = None
    ) -> dict[str, list[Document]]:
        """The passages, best first; `top_k` and `filters` replace those of the component."""
        self.warm_up()
        assert self._retriever is not None
        (hits,) = self._retriever.retrieve([query], top_k or self.top_k, filters or self.filters)
        return {"documents": [document_of(hit) for hit in hits]}


@component
class SpanReader:
    """Reads documents for spans that answer a question.

    Args:
        model: None for the bundled reader, a folder or a name on the Hugging Face hub, or an open reader,
            which is saved by the folder it was loaded from.
        early_stop: leave the last documents unread where they cannot change the best answer; this takes
            the documents to come best first, with their scores.
        options: what else `Reader.load` takes, for instance `{"device": "cuda", "top_k": 5}`.
    """

    def __init__(
        self,
        model: Reader | str | None = None,
        early_stop: bool = True,
        options: dict[str, Any] | None = None,
    ) -> None:
        self.model = model
        self.reader = None if model is None or isinstance(model, str) else model
        self.early_stop = early_stop
        self.options = options or {}

    def warm_up(self) -> None:
        if self.model is None or isinstance(self.model, str):
            self.reader = self.reader or Reader.load(self.model, **self.options)

    def to_dict(self) -> dict[str, Any]:
        return default_to_dict(
            self, model=_address_of(self.model), early_stop=self.early_stop, options=self.options
        )

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> "SpanReader":
        return default_from_dict(cls, data)

    @component.output_types(readings=list[Reading], calibration=Calibration)
    def run(self, query: str, documents: list[Document]) -> dict[str, Any]:
        """One reading for each document that was read, in order, and the reader's calibration."""
        self.warm_up()
        assert self.reader is not None
        asked = Asked(query, [hit_of(document) for document in documents])
        read_all([asked], self.reader, self.reader.calibration, self.early_stop)
        return {"readings": asked.readings, "calibration": self.reader.calibration}


def _address_of(model: Reader | str | None) -> str | None:
    if model is None or isinstance(model, str):
        return model
    if model.tokenizer_path is None:
        raise ValueError(
            "This reader was not loaded from a folder: give the name of a model instead to save it."
        )
    folder = model.tokenizer_path.parent
    return None if folder == bundle.path() else str(folder)


@component
class AnswerMerger:
    """Makes answers of what was read.

    Args:
        store: where neighbouring passages and pages are looked up, open or as an address; without it,
            contexts end with their passages.
        top_k: answers at most.
        threshold: least probability of an answer; None: what the calibration says.
        context_size: characters of context around an answer.
    """

    def __init__(
        self,
        store: PassageStore | str | None = None,
        top_k: int = 5,
        threshold: float | None = None,
        context_size: int = CONTEXT_SIZE,
    ) -> None:
        self.address = store if isinstance(store, str | None) else store.address
        self.store = None if isinstance(store, str) else store
        self.top_k = top_k
        self.threshold = threshold
        self.context_size = context_size

    def warm_up(self) -> None:
        if self.address is not None:
            self.store = self.store or open_store(self.address, create=False)

    def to_dict(self) -> dict[str, Any]:
        return default_to_dict(
            self,
            store=self.address,
            top_k=self.top_k,
            threshold=self.threshold,
            context_size=self.context_size,
        )

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> "AnswerMerger":
        return default_from_dict(cls, data)

    @component.output_types(answers=list[ExtractedAnswer], no_answer_probability=float)
    def run(
        self,
        query: str,
        documents: list[Document],
        readings: list[Reading],
        calibration: Calibration | None = None,
        top_k: int | None = None,
        threshold: float | None = None,
    ) -> dict[str, Any]:
        """Answers, most probable first; `top_k` and `threshold` replace those of the component."""
        self.warm_up()
        calibration = calibration or Calibration()
        merged = merge([hit_of(document) for document in documents], readings, calibration)
        least = next(each for each in (threshold, self.threshold, calibration.threshold) if each is not None)
        quoter = Quoter(self.store, self.context_size)
        answers = [
            quoter.answer(finding)
            for finding in merged.findings[: top_k or self.top_k]
            if finding.probability >= least
        ]
        return {
            "answers": _extracted(query, answers, documents),
            "no_answer_probability": merged.no_answer_probability,
        }


def _extracted(query: str, answers: Sequence[Answer], documents: Sequence[Document]) -> list[ExtractedAnswer]:
    by_id = {document.id: document for document in documents}
    return [extracted_answer(query, answer, by_id[answer.passage_id]) for answer in answers]


def extracted_answer(query: str, answer: Answer, document: Document) -> ExtractedAnswer:
    """An answer in Haystack's form.

    `document_offset` counts in the content of `document`, a passage; the place in the whole document is
    in `meta`, as `start` and `end` beside `document_id`, `source`, `page` and the rest of our answer.
    """
    passage_start = int(document.meta.get("start", 0))
    meta = {
        name: getattr(answer, name)
        for name in (
            "document_id",
            "source",
            "start",
            "end",
            "page",
            "language",
            "reader_score",
            "null_score",
            "retriever_score",
            "bm25",
            "cosine",
        )
    }
    meta["support"] = [
        {"document_id": other.document_id, "source": other.source, "start": other.start, "end": other.end}
        for other in answer.support
    ]
    return ExtractedAnswer(
        query=query,
        score=answer.probability,
        data=answer.text,
        document=document,
        context=answer.context,
        document_offset=_span(answer, passage_start),
        context_offset=_span(answer, answer.context_start),
        meta=meta,
    )


def _span(answer: Answer, origin: int) -> ExtractedAnswer.Span:
    return ExtractedAnswer.Span(answer.start - origin, answer.end - origin)


def build_query_pipeline(
    store: PassageStore | str,
    reader: Reader | str | None = None,
    *,
    early_stop: bool = True,
    retriever: Kind | None = None,
    encoder: str | None = None,
) -> Pipeline:
    """Retriever -> reader -> merger as a Haystack pipeline, to run, extend or save as YAML.

    The arguments are those of `PassageRetriever` and `SpanReader`.

    Run it with `pipeline.run({"retriever": {"query": q}, "reader": {"query": q}, "merger": {"query": q}})`.
    To load its YAML in a new process, import this module first: it tells Haystack that our names are safe.
    """
    pipeline = Pipeline()
    pipeline.add_component("retriever", PassageRetriever(store, retriever=retriever, encoder=encoder))
    pipeline.add_component("reader", SpanReader(reader, early_stop))
    pipeline.add_component("merger", AnswerMerger(store))
    pipeline.connect("retriever.documents", "reader.documents")
    pipeline.connect("retriever.documents", "merger.documents")
    pipeline.connect("reader.readings", "merger.readings")
    pipeline.connect("reader.calibration", "merger.calibration")
    return pipeline
