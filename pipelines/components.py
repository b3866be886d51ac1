"""Haystack 3 components of the query pipeline, for pipelines of a user's own and for YAML.

Passages travel as Haystack documents: `id` and `content` are the passage's, `meta` holds its document's
values and, above them, `document_id`, `source`, `start`, `language`, `title` and `page`, and what the retriever
knows: `bm25`, `cosine` and `odds`. The document's own values of these names are in `meta["_fundstelle"]`, by which
passages are told from documents of others.
"""

from collections.abc import Sequence
from dataclasses import asdict
from threading import Lock
from typing import Any

from haystack import Document, ExtractedAnswer, Pipeline, component, default_from_dict, default_to_dict
from haystack.core.serialization import allow_deserialization_module

from fundstelle.indexing.addresses import open_store
from fundstelle.indexing.documents import Passage, identifier
from fundstelle.indexing.store import Filters, Hit, PassageStore
from fundstelle.pipelines.answers import Answer
from fundstelle.pipelines.contexts import CONTEXT_SIZE
from fundstelle.pipelines.merge import merge
from fundstelle.pipelines.quoting import Quoter
from fundstelle.pipelines.reading import Asked, read_all
from fundstelle.pipelines.retrieval import Kind, Retriever, checked
from fundstelle.reader import bundle
from fundstelle.reader.components import MARK, checked_top_k, origin_of
from fundstelle.reader.confidence import Calibration
from fundstelle.reader.reader import Reader
from fundstelle.reader.readings import Reading
from fundstelle.reader.settings import ReaderSettings

allow_deserialization_module("fundstelle")

_EVIDENCE = ("bm25", "cosine", "odds")
_OURS = ("document_id", "source", "start", "language", "title", "page")


def document_of(hit: Hit) -> Document:
    """A hit as a Haystack document, its score the retriever's."""
    passage = hit.passage
    ours = {name: getattr(passage, name) for name in _OURS}
    evidence = {name: value for name in _EVIDENCE if (value := getattr(hit, name)) is not None}
    hidden = {name: passage.meta[name] for name in (*_OURS, *_EVIDENCE, MARK) if name in passage.meta}
    own = {name: value for name, value in passage.meta.items() if name not in hidden}
    meta = {**own, **ours, **evidence, MARK: hidden}
    return Document(id=passage.id, content=passage.text, meta=meta, score=hit.score)


def hit_of(document: Document) -> Hit:
    """A Haystack document as a hit; one that is no passage of ours is taken to be a whole document, or a split."""
    meta = dict(document.meta)
    evidence = {name: meta.pop(name) for name in _EVIDENCE if name in meta and MARK in meta}
    ours = _place_of(document)
    if _is_ours(document):
        ours |= {name: meta.pop(name) for name in _OURS if name in meta}
    meta |= meta.pop(MARK, {})
    passage = Passage(id=document.id, text=document.content or "", meta=meta, **ours)
    return Hit(passage, document.score or 0.0, **evidence)


def _is_ours(document: Document) -> bool:
    """Whether it was made here, or by `PassageSplitter`, whose ids say where passages stand."""
    meta = document.meta
    return MARK in meta or document.id == identifier(meta.get("document_id"), meta.get("start"))


def _place_of(document: Document) -> dict[str, Any]:
    """What can be said of any document; other metadata may mean anything, whatever it is called."""
    meta, (origin, start) = document.meta, origin_of(document)
    source = str(meta.get("source") or meta.get("file_path") or origin)
    language = str(meta.get("language") or "und")
    return {"document_id": origin, "source": source, "start": start, "language": language}


@component
class PassageRetriever:
    """Finds the passages of a store that match a question.

    Args:
        store: an open store, or the address of one, opened by `warm_up`.
        top_k: passages at most.
        filters: metadata that documents must have, as in `{"language": "de", "team": ["hr", "it"]}`.
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
        self.top_k = checked_top_k(top_k)
        self.filters = _checked_filters(filters)
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
        count = checked_top_k(self.top_k if top_k is None else top_k)
        wanted = self.filters if filters is None else _checked_filters(filters)
        (hits,) = self._retriever.retrieve([query], count, wanted)
        return {"documents": [document_of(hit) for hit in hits]}


def _checked_filters(filters: Filters | None) -> Filters | None:
    """The filters; ValueError if they are in Haystack's form, which names facts that no passage has."""
    if filters and "operator" in filters and ("field" in filters or "conditions" in filters):
        raise ValueError(
            'PassageRetriever takes values by name, such as {"language": "de", "team": ["hr", "it"]}: all must '
            "hold, and of a list one value. Haystack's fields and operators are for HaystackStore."
        )
    return filters


@component
class SpanReader:
    """Reads documents for spans that answer a question.

    Args:
        model: None for the bundled reader, a folder or a name on the Hugging Face hub, or an open reader,
            which is saved by the folder it was loaded from and its settings.
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
        self._loading = Lock()

    def warm_up(self) -> None:
        if self.model is None or isinstance(self.model, str):
            with self._loading:
                self.reader = self.reader or Reader.load(self.model, **self.options)

    def to_dict(self) -> dict[str, Any]:
        options = self.options
        if self.model is not None and not isinstance(self.model, str):
            options = _options_of(self.model.settings)
        return default_to_dict(
            self, model=_address_of(self.model), early_stop=self.early_stop, options=options
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


def _options_of(settings: ReaderSettings) -> dict[str, Any]:
    """What `Reader.load` has to be told for these settings."""
    default = asdict(ReaderSettings())
    return {name: value for name, value in asdict(settings).items() if value != default[name]}


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
        self.top_k = checked_top_k(top_k)
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
        count = checked_top_k(self.top_k if top_k is None else top_k)
        calibration = calibration or Calibration()
        merged = merge([hit_of(document) for document in documents], readings, calibration)
        least = next(each for each in (threshold, self.threshold, calibration.threshold) if each is not None)
        quoter = Quoter(self.store, self.context_size)
        answers = [
            quoter.answer(finding) for finding in merged.findings[:count] if finding.probability >= least
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
    passage_start = hit_of(document).passage.start
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
