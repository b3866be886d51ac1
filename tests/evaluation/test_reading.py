"""The reader alone, with a reader whose answers are known."""

import json
from collections.abc import Callable, Sequence
from math import inf
from pathlib import Path
from typing import Any

import pytest

from fundstelle.evaluation import metrics, reading, squad2
from fundstelle.evaluation.datasets import Dataset, load
from fundstelle.evaluation.figures import figures
from fundstelle.evaluation.reading import NOTHING_FOUND, TOGETHER
from fundstelle.evaluation.rows import Row
from fundstelle.reader.confidence import Calibration
from fundstelle.reader.readings import Reading

CONTEXT = "Der Rhein fließt bei Düsseldorf."
QUESTIONS: list[dict[str, Any]] = [
    {"id": "a", "question": "Wo fließt Der Rhein?", "answers": (("Düsseldorf", 21),), "is_impossible": False},
    {"id": "b", "question": "Wer?", "answers": (), "is_impossible": True},
    {
        "id": "c",
        "question": "Was fließt bei Düsseldorf?",
        "answers": (("Der Rhein", 0),),
        "is_impossible": False,
    },
]


@pytest.fixture
def dataset(write: Callable[..., Path]) -> Dataset:
    return load(write(*QUESTIONS, context=CONTEXT, version="v2.0"))


def test_rows_hold_what_was_read(dataset: Dataset, reader: Any) -> None:
    """A row has the best span, its odds and its place, and the scores of both ways to answer."""
    first, second, third = reading.read(dataset, reader, metrics.metric("squad"), 0.0)
    assert (first.prediction, first.exact, first.f1, first.right) == ("Düsseldorf", 1, 1, True)
    assert first.null_odds == 1.5 - 3 and first.language == "de"
    assert first.quotation and CONTEXT[first.quotation.start : first.quotation.end] == "Düsseldorf"
    assert first.probability == pytest.approx(reader.calibration.probability(1.5))
    assert (second.prediction, second.forced, second.exact, second.forced_exact) == ("", "Düsseldorf", 1, 0)
    assert not second.right and third.right
    assert third.prediction == "Rhein" and third.f1 == pytest.approx(2 / 3) and third.answerable


def test_without_a_threshold_every_question_is_answered(dataset: Dataset, reader: Any) -> None:
    """Forced to answer, the reader never says "no answer"."""
    rows = list(reading.read(dataset, reader, metrics.metric("squad"), inf))
    assert all(row.prediction == row.forced != "" for row in rows)


def test_figures_are_those_of_the_official_measure(dataset: Dataset, reader: Any) -> None:
    """Averages over the rows equal the official figures for the same predictions and odds."""
    rows = list(reading.read(dataset, reader, metrics.metric("squad"), 0.0))
    given = {row.id: row.prediction or "" for row in rows}
    forced = {row.id: row.forced or "" for row in rows}
    odds = {row.id: row.null_odds or 0.0 for row in rows}
    ours = figures(rows)
    abstaining, best = squad2.evaluate(dataset, given), squad2.evaluate(dataset, forced, odds, 0.0)
    assert {name: ours[name] for name in abstaining} == abstaining
    assert {name: ours[name] for name in best if "best" in name} == {
        name: value for name, value in best.items() if "best" in name
    }
    assert ours["abstaining_f1"] == best["f1"]


def test_many_questions_keep_their_order(write: Callable[..., Path], reader: Any) -> None:
    """Questions are handed to the reader in groups and come back each with its own answer."""
    many = [{"id": str(number), "answers": (("Rhein", 4),)} for number in range(2 * TOGETHER + 1)]
    dataset = load(write(*many))
    rows = list(reading.read(dataset, reader, metrics.metric("squad")))
    assert [row.id for row in rows] == [question.id for question in dataset.questions]


def test_a_paragraph_without_a_span_is_no_answer(dataset: Dataset) -> None:
    """Where the reader finds nothing, the prediction is empty and the odds are beyond any threshold."""

    class Blind:
        calibration = Calibration()

        def read_batch(self, requests: Sequence[Any]) -> list[list[Reading]]:
            return [[Reading(passage.id, (), 0.0) for passage in passages] for _, passages in requests]

    row, *_ = reading.read(dataset, Blind(), metrics.metric("squad"))
    assert (row.prediction, row.null_odds, row.probability, row.quotation) == ("", NOTHING_FOUND, 0, None)


@pytest.mark.parametrize("name", ["squad", "squad1", "mlqa:de"])
def test_every_metric_judges_unanswerable_questions(dataset: Dataset, reader: Any, name: str) -> None:
    """Silence is right where there is no answer, whatever the metric."""
    rows = list(reading.read(dataset, reader, metrics.metric(name), 0.0))
    assert rows[1].exact == 1 and rows[1].forced_exact == 0


def test_a_question_without_a_prediction_scores_zero() -> None:
    """A row that has no prediction stays in the total."""
    rows = [
        Row("a", "de", "?", ("Rhein",), prediction="Rhein", exact=1, f1=1),
        Row("b", "de", "?", ("Köln",)),
    ]
    found = figures(rows)
    assert (found["exact"], found["total"], found["missing"]) == (50, 2, 1)


@pytest.mark.slow
def test_the_bundled_reader_keeps_its_level(shared: Path) -> None:
    """The bundled reader answers visible questions as well as its seed is known to, less one point."""
    from fundstelle.reader.reader import Reader

    dataset = load(shared / "eval" / "xquad.en.json")
    with Reader.load() as opened:
        found = figures(list(reading.read(dataset, opened, metrics.metric("squad"))))
    assert found["f1"] > 73.6, json.dumps(found)
