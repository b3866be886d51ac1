"""The reader alone: every question over the paragraph it was written for, through the product's reader."""

from collections.abc import Iterator
from dataclasses import dataclass
from math import inf
from time import perf_counter

from fundstelle.evaluation.datasets import Dataset, Question
from fundstelle.evaluation.judging import scores
from fundstelle.evaluation.overlap import Metric
from fundstelle.evaluation.rows import Quotation, Row
from fundstelle.pipelines.reading import PassageReader
from fundstelle.reader.confidence import Calibration
from fundstelle.reader.readings import Reading

TOGETHER = 32
"""Questions handed to the reader at once: enough to fill its batches, few enough to show progress."""

NOTHING_FOUND = 1000.0
"""Null odds of a question whose paragraph gave no span at all: above any difference of logits."""


@dataclass(frozen=True, slots=True)
class Paragraph:
    """A text to read."""

    id: str
    text: str


def read(dataset: Dataset, reader: PassageReader, metric: Metric, na_threshold: float = inf) -> Iterator[Row]:
    """One row a question, in the data set's order.

    The prediction is the best span of the question's own paragraph, and "" where its null odds (null score
    less span score, as the SQuAD 2.0 scripts have it) exceed `na_threshold`. `timings` shares the time of
    a group of questions evenly among them.
    """
    for first in range(0, len(dataset.questions), TOGETHER):
        group = dataset.questions[first : first + TOGETHER]
        started = perf_counter()
        found = reader.read_batch([(one.text, [Paragraph(one.id, one.context)]) for one in group])
        spent = (perf_counter() - started) * 1000 / len(group)
        for question, (reading,) in zip(group, found, strict=True):
            yield _row(question, dataset.language, reading, reader.calibration, metric, na_threshold, spent)


def best_span(question: Question, reading: Reading) -> str:
    """The text of the reading's best span; "" where it has none."""
    span = reading.spans[0] if reading.spans else None
    return question.context[span.start : span.end] if span else ""


def _row(
    question: Question,
    language: str,
    reading: Reading,
    calibration: Calibration,
    metric: Metric,
    na_threshold: float,
    spent: float,
) -> Row:
    span = reading.spans[0] if reading.spans else None
    forced = best_span(question, reading)
    odds = reading.null_score - span.score if span else NOTHING_FOUND
    prediction = "" if odds > na_threshold else forced
    probability = calibration.probability(-odds) if span else 0.0
    return Row.of(
        question,
        language,
        prediction=prediction,
        forced=forced,
        probability=probability,
        no_answer_probability=1 - probability,
        score=span.score if span else None,
        null_score=reading.null_score,
        null_odds=odds,
        quotation=Quotation(question.context, span.start, span.end) if span else None,
        timings={"read_ms": round(spent, 3)},
        **scores(metric, prediction, forced, question.gold_texts),
    )
