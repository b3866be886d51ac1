"""The whole system: every question over the whole collection, through the pipeline that users have."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from fundstelle.evaluation.collection import Places
from fundstelle.evaluation.datasets import Dataset, Question
from fundstelle.evaluation.judging import exact_rank, scores
from fundstelle.evaluation.overlap import Metric
from fundstelle.evaluation.reading import Paragraph, best_span
from fundstelle.evaluation.rows import Quotation, Row
from fundstelle.evaluation.searching import BEGINNING, SHOWN
from fundstelle.pipelines.answers import Answer, QueryResult
from fundstelle.pipelines.neighbours import Run
from fundstelle.pipelines.query import QueryPipeline
from fundstelle.pipelines.reading import PassageReader
from fundstelle.pipelines.retrieval import Retriever
from fundstelle.reader.confidence import Calibration
from fundstelle.reader.readings import Reading, Text


@dataclass(slots=True)
class CountingReader:
    """A reader that counts the passages it is given."""

    reader: PassageReader
    calibration: Calibration
    passages: int = 0

    def read_batch(self, requests: Sequence[tuple[str, Sequence[Text]]]) -> list[list[Reading]]:
        self.passages += sum(_passages(text) for _, texts in requests for text in texts)
        return self.reader.read_batch(requests)


def _passages(text: Text) -> int:
    return len(text.passages) if isinstance(text, Run) else 1


@dataclass(frozen=True, slots=True)
class Answering:
    """How questions are asked: passages retrieved, answers wanted, least probability of an answer given."""

    retriever_top_k: int = 20
    top_k: int = 5
    threshold: float | None = None


USUAL = Answering()


def answer(
    dataset: Dataset,
    retriever: Retriever,
    places: Places,
    reader: PassageReader,
    metric: Metric,
    how: Answering = USUAL,
) -> Iterator[Row]:
    """One row a question, in order, each asked by itself as a user would.

    The prediction is the best answer where its probability reaches the threshold (the calibration's unless
    `how` sets one), else "". The right paragraph is also read alone: the ceiling of what retrieval allows.
    """
    counting = CountingReader(reader, reader.calibration)
    pipeline = QueryPipeline(retriever.store, counting, retriever=retriever)
    least = reader.calibration.threshold if how.threshold is None else how.threshold
    for question in dataset.questions:
        counting.passages = 0
        result = pipeline.ask(
            question.text, top_k=how.top_k, retriever_top_k=how.retriever_top_k, threshold=0.0
        )
        ceiling = _ceiling(question, reader, metric) if question.golds else {}
        yield _row(question, dataset.label, result, places, metric, least, counting.passages, ceiling)


def _ceiling(question: Question, reader: PassageReader, metric: Metric) -> dict[str, float]:
    ((reading,),) = reader.read_batch([(question.text, [Paragraph(question.id, question.context)])])
    score = metric(best_span(question, reading), question.gold_texts)
    return {"ceiling_exact": score.exact, "ceiling_f1": score.f1}


def _row(
    question: Question,
    language: str,
    result: QueryResult,
    places: Places,
    metric: Metric,
    threshold: float,
    passages_read: int,
    ceiling: dict[str, float],
) -> Row:
    best = result.answers[0] if result.answers else None
    forced = best.text if best else ""
    prediction = forced if best and best.probability >= threshold else ""
    passages = [found.passage for found in result.passages]
    ranks, paragraph_rank = places.ranks(question, passages)
    return Row.of(
        question,
        language,
        prediction=prediction,
        forced=forced,
        probability=best.probability if best else 0.0,
        no_answer_probability=result.no_answer_probability,
        score=best.reader_score if best else None,
        null_score=best.null_score if best else None,
        answers=tuple(one.text for one in result.answers),
        answer_rank=exact_rank(metric, [one.text for one in result.answers], question.gold_texts),
        quotation=_quotation(best) if best else None,
        passage_ranks=tuple(ranks),
        paragraph_rank=paragraph_rank,
        retrieved=tuple(passage.text[:BEGINNING] for passage in passages[:SHOWN]),
        passages_read=passages_read,
        timings=dict(result.timings),
        **ceiling,
        **scores(metric, prediction, forced, question.gold_texts),
    )


def _quotation(answer: Answer) -> Quotation:
    start = answer.start - answer.context_start
    return Quotation(answer.context, start, start + len(answer.text), answer.source)
