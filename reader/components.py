"""The reader as a Haystack component."""

import asyncio
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from threading import Lock
from typing import Any, Self

from haystack import Document, component, default_from_dict, default_to_dict
from haystack.dataclasses import ExtractedAnswer
from haystack.utils import ComponentDevice, Secret

from fundstelle.reader.confidence import Calibration, relative_evidence
from fundstelle.reader.overlaps import apart
from fundstelle.reader.reader import Reader
from fundstelle.reader.readings import Reading, Span

CONTEXT = 150
"""Characters shown on each side of an answer."""

MARK = "_fundstelle"
"""Name of the metadata value that passages of `PassageRetriever` have: what others call `odds` is not ours."""


@dataclass(frozen=True, slots=True)
class _Passage:
    id: str
    text: str


@dataclass(frozen=True, slots=True)
class _Candidate:
    document: Document
    span: Span
    logit: float

    @property
    def place(self) -> tuple[str, int, int]:
        """Where the span stands in the text that splitters made the document of."""
        origin, shift = origin_of(self.document)
        return origin, shift + self.span.start, shift + self.span.end


def origin_of(document: Document) -> tuple[str, int]:
    """The id of the text that a splitter of Haystack's made the document of, and where the document begins in it."""
    origin, start = document.meta.get("source_id"), document.meta.get("split_idx_start")
    return (origin, start) if isinstance(origin, str) and isinstance(start, int) else (document.id, 0)


def checked_top_k(top_k: int) -> int:
    """The number; ValueError if it is negative."""
    if top_k < 0:
        raise ValueError(f"top_k must be 0 or more, not {top_k}; 0 gives nothing.")
    return top_k


@component
class ExtractiveReader:
    """Finds answers to a query in documents, with calibrated scores.

    Drop-in for pipelines around `TransformersExtractiveReader`: the same inputs and outputs.
    """

    def __init__(
        self,
        model: str | None = None,
        device: ComponentDevice | None = None,
        token: Secret | None = None,
        dtype: str | None = None,
        top_k: int = 5,
        score_threshold: float | None = None,
        no_answer: bool = True,
        reader_settings: dict[str, Any] | None = None,
        hub: dict[str, Any] | None = None,
    ) -> None:
        """Nothing is loaded before `warm_up` or the first run.

        Args:
            model: folder or hub name of an extractive QA model; None: the bundled reader.
            device: where a torch model runs; None: the best there is.
            token: for private models on the hub.
            dtype: "float32", "bfloat16" or "float16"; None: what the device is fastest in.
            top_k: most answers to return, "no answer" included.
            score_threshold: least probability of an answer to return; "no answer" is not held to it.
            no_answer: rank an answer without data, whose score is the probability that no document answers.
            reader_settings: fields of `ReaderSettings`.
            hub: `revision`, `cache_dir` and the like; see `Reader.load`.
        """
        self.model = model
        self.device = device
        self.token = token
        self.dtype = dtype
        self.top_k = checked_top_k(top_k)
        self.score_threshold = score_threshold
        self.no_answer = no_answer
        self.reader_settings = reader_settings or {}
        self.hub = hub or {}
        self._loading = Lock()
        self._reader: Reader | None = None

    def to_dict(self) -> dict[str, Any]:
        """The component as a dictionary; a token is kept by the name of its environment variable."""
        names = ("model", "device", "token", "dtype", "top_k", "score_threshold", "no_answer")
        settings = {name: getattr(self, name) for name in (*names, "reader_settings", "hub")}
        return default_to_dict(self, **settings)

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> Self:
        """The component that `to_dict` described."""
        made: Self = default_from_dict(cls, data)
        return made

    def warm_up(self) -> None:
        """Load the model; a second call does nothing."""
        with self._loading:
            self._reader = self._reader or self._load()

    def _load(self) -> Reader:
        token = {"token": self.token.resolve_value()} if self.token else {}
        devices = self.device.to_torch_str() if self.device else None
        return Reader.load(
            self.model,
            device=devices,
            dtype=self.dtype,
            hub={**self.hub, **token},
            **self.reader_settings,
        )

    def close(self) -> None:
        """Free the model; the next run loads it again."""
        if self._reader:
            self._reader.close()
        self._reader = None

    @component.output_types(answers=list[ExtractedAnswer])
    def run(
        self,
        query: str,
        documents: list[Document],
        top_k: int | None = None,
        score_threshold: float | None = None,
        no_answer: bool | None = None,
    ) -> dict[str, list[ExtractedAnswer]]:
        """Answers, most probable first. None means what the component was made with; 0 means 0.

        Answers that overlap in the same text, or in overlapping splits of it, are given once.
        """
        top_k = checked_top_k(self.top_k if top_k is None else top_k)
        threshold = self.score_threshold if score_threshold is None else score_threshold
        calibration, candidates = self._candidates(query, documents)
        logits = [candidate.logit for candidate in candidates]
        answers = [
            _answer(query, candidate, probability)
            for candidate, probability in islice(
                zip(candidates, calibration.shares(logits), strict=True), top_k
            )
            if threshold is None or probability >= threshold
        ]
        if self.no_answer if no_answer is None else no_answer:
            answers.append(ExtractedAnswer(query=query, score=calibration.no_answer_probability(logits)))
        return {"answers": sorted(answers, key=lambda answer: -answer.score)[:top_k]}

    @component.output_types(answers=list[ExtractedAnswer])
    async def run_async(
        self,
        query: str,
        documents: list[Document],
        top_k: int | None = None,
        score_threshold: float | None = None,
        no_answer: bool | None = None,
    ) -> dict[str, list[ExtractedAnswer]]:
        """As `run`, in a thread, so that an event loop goes on while the model works."""
        result: dict[str, list[ExtractedAnswer]] = await asyncio.to_thread(
            self.run, query, documents, top_k, score_threshold, no_answer
        )
        return result

    def _candidates(self, query: str, documents: Sequence[Document]) -> tuple[Calibration, list[_Candidate]]:
        """How probable logits are, and all there is to answer with, best first, none overlapping another."""
        self.warm_up()
        assert self._reader is not None
        passages = [_Passage(document.id, document.content or "") for document in documents]
        readings = self._reader.read(query, passages)
        candidates = _candidates(documents, readings, self._reader.calibration)
        return self._reader.calibration, _without_overlap(candidates)


def _candidates(
    documents: Sequence[Document], readings: Sequence[Reading], calibration: Calibration
) -> Iterator[_Candidate]:
    scores = [document.score or 0.0 for document in documents if _odds(document) is None]
    for document, reading in zip(documents, readings, strict=True):
        evidence = relative_evidence(document.score or 0.0, scores, _odds(document))
        for span in reading.spans:
            logit = calibration.logit(span.score - reading.null_score, evidence)
            yield _Candidate(document, span, logit)


def _odds(document: Document) -> float | None:
    """How much likelier the passage is than the best one, as `PassageRetriever` weighed it."""
    return document.meta.get("odds") if MARK in document.meta else None


def _without_overlap(candidates: Iterator[_Candidate]) -> list[_Candidate]:
    """The candidates, best first, less those that share characters of a source with a better one."""
    return apart(sorted(candidates, key=lambda candidate: (-candidate.logit, candidate.place)))


def _answer(query: str, candidate: _Candidate, probability: float) -> ExtractedAnswer:
    document, span = candidate.document, candidate.span
    text = document.content or ""
    shown = text[_widen(text, span.start, -1) : _widen(text, span.end, 1)]
    offset = span.start - _widen(text, span.start, -1)
    return ExtractedAnswer(
        query=query,
        score=probability,
        data=text[span.start : span.end],
        document=document,
        context=shown,
        document_offset=ExtractedAnswer.Span(span.start, span.end),
        context_offset=ExtractedAnswer.Span(offset, offset + span.end - span.start),
        meta=_page(document, text, span),
    )


def _widen(text: str, position: int, step: int) -> int:
    """The border of the context on one side of an answer: `CONTEXT` away, or the last blank before that."""
    far = min(max(position + step * CONTEXT, 0), len(text))
    if far in (0, len(text)):
        return far
    blanks = (i for i in range(far, position, -step) if text[i].isspace())
    return next(blanks, far) + (step < 0)


def _page(document: Document, text: str, span: Span) -> dict[str, Any]:
    page = document.meta.get("page_number")
    return {"answer_page_number": page + text[: span.start].count("\f")} if isinstance(page, int) else {}
