"""The figures of the official SQuAD 2.0 script, and what it leaves open."""

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fundstelle.evaluation import squad2
from fundstelle.evaluation.datasets import Dataset, DatasetError, Gold, Question, load
from fundstelle.evaluation.overlap import Score

SETS = ["squad2-dev-a", "xquad.de", "xquad.en", "xquad.es", "xquad.hi", "xquad.zh"]


def dataset(*golds: str | None) -> Dataset:
    """Questions "0", "1", ...: one gold answer each, or none."""
    questions = (
        Question(str(number), "?", gold or "x", (Gold(gold, 0),) if gold is not None else ())
        for number, gold in enumerate(golds)
    )
    return Dataset("made", "v2.0", tuple(questions))


@pytest.mark.parametrize("name", SETS)
def test_figures_equal_the_official_script(shared: Path, name: str) -> None:
    """Every figure, with and without no-answer values, prints as the official script prints it."""
    recorded = shared / "parity" / "official-scripts"
    questions = load(shared / "eval" / f"{name}.json")
    predictions = _json(recorded / f"{name}.predictions.json")
    odds = _json(recorded / f"{name}.na_prob.json")
    expected = _json(recorded / f"{name}.expected.json")
    ours = {
        "evaluate-v2.0": squad2.evaluate(questions, predictions),
        "evaluate-v2.0 with na_prob, -t 1.0": squad2.evaluate(questions, predictions, odds, 1.0),
        "evaluate-v2.0 with na_prob, -t 0.5": squad2.evaluate(questions, predictions, odds, 0.5),
    }
    assert {key: json.dumps(value) for key, value in ours.items()} == {
        key: json.dumps(value) for key, value in expected.items() if key in ours
    }


def test_a_missing_prediction_counts_as_wrong() -> None:
    """A question without a prediction stays in every total and scores nothing, with or without an answer."""
    questions = dataset("Rhein", "Köln", None)
    figures = squad2.evaluate(questions, {"0": "Rhein"}, {"0": 0.1, "1": 9.0, "2": 9.0}, 1.0)
    assert figures["total"] == 3 and figures["exact"] == pytest.approx(100 / 3)
    assert figures["NoAns_exact"] == 0 and figures["HasAns_exact"] == 50
    assert figures["best_exact"] == pytest.approx(100 / 3)


def test_a_missing_no_answer_value_is_a_sentence() -> None:
    """Predictions without a no-answer value are counted and the first is named."""
    with pytest.raises(DatasetError, match="1 predicted questions have no no-answer value, the first is '0'"):
        squad2.evaluate(dataset("Rhein"), {"0": "Rhein"}, {})


def test_values_for_unknown_questions_change_nothing() -> None:
    """Predictions and no-answer values for questions that the file has not are passed over."""
    questions, known = dataset("Rhein", None), {"0": "Rhein", "1": ""}
    odds = {"0": 0.0, "1": 1.0}
    more = squad2.evaluate(questions, known | {"x": "Rhein"}, odds | {"y": 0.5})
    assert more == squad2.evaluate(questions, known, odds)


@pytest.mark.parametrize(
    ("prediction", "golds", "exact", "f1"),
    [
        ("The  Rhein!", ["rhein"], 1, 1),
        ("der Rhein", ["Rhein"], 0, 2 / 3),
        ("東京。", ["東京"], 0, 0),
        ("", [], 1, 1),
        ("Rhein", [], 0, 0),
        ("the", [], 1, 1),
        ("", ["Rhein"], 0, 0),
        ("", ["the", "Rhein"], 0, 0),
        ("an", ["the"], 1, 1),
        ("Köln am Rhein", ["Rhein", "Köln am"], 0, 0.8),
    ],
)
def test_one_answer(prediction: str, golds: list[str], exact: float, f1: float) -> None:
    """Normalisation, empty answers and the best of several gold answers are as in the script."""
    assert squad2.score(prediction, golds) == Score(exact, pytest.approx(f1))


def test_squad1_differs_where_answers_vanish() -> None:
    """By SQuAD 1.1 two answers that normalise to nothing match exactly and earn no F1."""
    assert squad2.score_v1("an", ["the"]) == Score(1, 0)
    assert squad2.evaluate_v1(dataset("Rhein", "Köln"), {"0": "Rhein"}) == {"exact_match": 50, "f1": 50}


@given(
    st.lists(
        st.tuples(
            st.sampled_from(["Rhein", None]), st.sampled_from(["Rhein", "am Rhein", ""]), st.floats(0, 1)
        ),
        min_size=1,
        max_size=12,
    )
)
def test_no_threshold_beats_the_best(rows: list[tuple[str | None, str, float]]) -> None:
    """Evaluating at any observed threshold never exceeds `best_*`, and the stated threshold reaches it."""
    questions = dataset(*(gold for gold, _, _ in rows))
    predictions = {str(number): text for number, (_, text, _) in enumerate(rows)}
    odds = {str(number): value for number, (_, _, value) in enumerate(rows)}
    figures = squad2.evaluate(questions, predictions, odds, 1.0)
    for name in ("exact", "f1"):
        at = [squad2.evaluate(questions, predictions, odds, value)[name] for value in odds.values()]
        assert max(at) <= figures[f"best_{name}"] + 1e-9


def _json(path: Path) -> Any:
    return json.loads(path.read_text("utf-8"))
