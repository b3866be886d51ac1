"""The query pipeline: retrieve passages, read them in groups, merge what was read into answers."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from time import perf_counter
from typing import Protocol

from fundstelle.indexing.documents import Passage
from fundstelle.indexing.languages import detect
from fundstelle.indexing.store import Filters, Hit, PassageStore
from fundstelle.pipelines.answers import Answer, QueryResult, RetrievedPassage, Support
from fundstelle.pipelines.contexts import CONTEXT_SIZE
from fundstelle.pipelines.merge import Candidate, Finding, merge
from fundstelle.pipelines.quoting import Quoter
from fundstelle.pipelines.stopping import next_group, settled
from fundstelle.reader.confidence import Calibration
from fundstelle.reader.readings import Reading, Text


class PassageReader(Protocol):
    """What the pipeline needs of a reader; `fundstelle.reader.Reader` is one."""

    calibration: Calibration

    def read_batch(self, requests: Sequence[tuple[str, Sequence[Text]]]) -> list[list[Reading]]: ...


class QueryPipeline:
    """Asks questions of a store with a reader.

    Args:
        store: where passages are found.
        reader: what reads them.
        calibration: turns scores into probabilities; the reader's own unless given.
        context_size: characters of context around an answer.
    """

    def __init__(
        self,
        store: PassageStore,
        reader: PassageReader,
        *,
        calibration: Calibration | None = None,
        context_size: int = CONTEXT_SIZE,
    ) -> None:
        self.store = store
        self.reader = reader
        self.calibration = calibration or reader.calibration
        self.context_size = context_size

    def ask(
        self,
        question: str,
        *,
        top_k: int = 5,
        retriever_top_k: int = 20,
        filters: Filters | None = None,
        threshold: float | None = None,
        early_stop: bool = True,
    ) -> QueryResult:
        """The answers to one question; see `ask_many`."""
        return self.ask_many(
            [question],
            top_k=top_k,
            retriever_top_k=retriever_top_k,
            filters=filters,
            threshold=threshold,
            early_stop=early_stop,
        )[0]

    def ask_many(
        self,
        questions: Sequence[str],
        *,
        top_k: int = 5,
        retriever_top_k: int = 20,
        filters: Filters | None = None,
        threshold: float | None = None,
        early_stop: bool = True,
    ) -> list[QueryResult]:
        """One result per question, in order; passages of all questions are read in shared batches.

        Args:
            questions: in any language.
            top_k: answers at most.
            retriever_top_k: passages retrieved and, unless reading stops early, read.
            filters: metadata that documents must have.
            threshold: least probability of an answer; None: what the calibration says.
            early_stop: leave passages unread that cannot change the best answer. Answers below the best
                one come from what was read: False reads everything and gives the best lower answers.

        Raises:
            ValueError: a question is empty, or a number is out of range.
        """
        _check(questions, top_k, retriever_top_k, threshold)
        asked = [self._retrieve(question, retriever_top_k, filters) for question in questions]
        self._read(asked, early_stop)
        least = self.calibration.threshold if threshold is None else threshold
        languages = self.store.languages()
        return [self._result(each, detect(each.question, among=languages), top_k, least) for each in asked]

    def _retrieve(self, question: str, top_k: int, filters: Filters | None) -> "_Asked":
        started = perf_counter()
        hits = self.store.search(question, top_k, filters)
        return _Asked(question, hits, retrieve_ms=_milliseconds_since(started))

    def _read(self, asked: Sequence["_Asked"], early_stop: bool) -> None:
        """Read one group of every question that is not settled, until all are."""
        pending = [each for each in asked if each.hits]
        while pending:
            started = perf_counter()
            requests = [each.next_request() for each in pending]
            for each, readings in zip(pending, self.reader.read_batch(requests), strict=True):
                each.readings.extend(readings)
            spent = _milliseconds_since(started) / sum(len(passages) for _, passages in requests)
            for each, (_, passages) in zip(pending, requests, strict=True):
                each.read_ms += spent * len(passages)
            pending = [each for each in pending if not each.finished(self.calibration, early_stop)]

    def _result(self, asked: "_Asked", language: str, top_k: int, threshold: float) -> QueryResult:
        started = perf_counter()
        merged = merge(asked.hits, asked.readings, self.calibration)
        quoter = Quoter(self.store, self.context_size)
        chosen = [finding for finding in merged.findings[:top_k] if finding.probability >= threshold]
        answers = [_answer_of(finding, quoter) for finding in chosen]
        spent = asked.retrieve_ms + asked.read_ms + _milliseconds_since(started)
        return QueryResult(
            question=asked.question,
            language=language,
            answers=answers,
            no_answer_probability=merged.no_answer_probability,
            passages=[RetrievedPassage(hit.passage, hit.score) for hit in asked.hits],
            timings={
                "retrieve_ms": round(asked.retrieve_ms, 3),
                "read_ms": round(asked.read_ms, 3),
                "total_ms": round(spent, 3),
            },
        )


@dataclass(slots=True)
class _Asked:
    """A question on its way: what was retrieved, and what has been read of it so far."""

    question: str
    hits: list[Hit]
    retrieve_ms: float
    read_ms: float = 0.0
    readings: list[Reading] = field(default_factory=list)

    def next_request(self) -> tuple[str, list[Passage]]:
        size = next_group(len(self.readings))
        return self.question, [hit.passage for hit in self.hits[len(self.readings) :][:size]]

    def finished(self, calibration: Calibration, early_stop: bool) -> bool:
        if len(self.readings) >= len(self.hits):
            return True
        return early_stop and settled(self.hits, self.readings, calibration)


def _answer_of(finding: Finding, quoter: Quoter) -> Answer:
    best, passage = finding.best, finding.best.hit.passage
    context = quoter.context(best)
    others = zip(finding.places[1:], finding.probabilities[1:], strict=True)
    return Answer(
        text=best.text,
        probability=finding.probability,
        document_id=passage.document_id,
        source=passage.source,
        start=best.start,
        end=best.end,
        page=quoter.page(best),
        language=passage.language,
        passage_id=passage.id,
        context=context.text,
        context_start=context.start,
        reader_score=best.span.score,
        null_score=best.null_score,
        retriever_score=best.hit.score,
        support=tuple(_support_of(place, probability) for place, probability in others),
    )


def _support_of(place: Candidate, probability: float) -> Support:
    passage = place.hit.passage
    return Support(passage.document_id, passage.source, place.start, place.end, probability)


def _check(questions: Sequence[str], top_k: int, retriever_top_k: int, threshold: float | None) -> None:
    for question in questions:
        if not question.strip():
            raise ValueError("The question is empty: ask something, as in 'When was the bridge built?'.")
    if top_k < 1 or retriever_top_k < 1:
        raise ValueError("top_k and retriever_top_k must be at least 1.")
    if threshold is not None and not 0.0 <= threshold <= 1.0:
        raise ValueError(f"threshold is a probability, from 0 to 1, not {threshold}.")


def _milliseconds_since(started: float) -> float:
    return (perf_counter() - started) * 1000
