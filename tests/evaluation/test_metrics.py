"""Metric names."""

import pytest

from fundstelle.evaluation.datasets import Dataset, Gold, Question
from fundstelle.evaluation.metrics import MetricError, metric, official, resolve


def dataset(name: str, language: str = "und", *golds: Gold) -> Dataset:
    return Dataset(name, "1.1", (Question("a", "?", "der Rhein", golds),), language)


@pytest.mark.parametrize(
    ("name", "language", "resolved"),
    [
        ("xquad.de", "de", "squad"),
        ("mlqa.de.de.dev", "de", "mlqa:de"),
        ("dev-context-vi-question-en", "vi", "mlqa:vi"),
        ("squad2-dev-a", "und", "squad"),
        ("mlqa", "und", "squad"),
    ],
)
def test_auto_goes_by_the_files_name(name: str, language: str, resolved: str) -> None:
    """MLQA's files are judged by MLQA's measure in their language, all others by SQuAD's."""
    assert resolve("auto", dataset(name, language)) == resolved


@pytest.mark.parametrize("name", ["squad", "squad1", "mlqa:th"])
def test_a_named_metric_is_taken_at_its_word(name: str) -> None:
    """A metric's name means that metric for any file."""
    assert resolve(name, dataset("mlqa.de.de.dev", "de")) == name


@pytest.mark.parametrize("name", ["", "mlqa", "mlqa:", "bleu", "squad:de"])
def test_an_unknown_metric_is_refused(name: str) -> None:
    """Anything else is refused with the names there are."""
    with pytest.raises(MetricError, match="choose squad, squad1, mlqa:LANG"):
        resolve(name, dataset("x"))


def test_each_name_measures_its_own_way() -> None:
    """The German article counts for SQuAD's measure and not for MLQA's."""
    assert metric("squad")("der Rhein", ["Rhein"]).exact == 0
    assert metric("mlqa:de")("der Rhein", ["Rhein"]).exact == 1
    answered = dataset("x", "de", Gold("Rhein", 4))
    assert official("squad", answered, {"a": "Rhein"})["HasAns_exact"] == 100
    assert official("squad1", answered, {"a": "Rhein"}) == {"exact_match": 100, "f1": 100}
    assert official("mlqa:de", answered, {"a": "den Rhein"}) == {"exact_match": 100, "f1": 100}


def test_a_language_is_known_in_either_case_and_checked() -> None:
    """MLQA:DE would leave the German article in, and a name that is no code would leave every article in."""
    assert (
        resolve("mlqa:DE", dataset("x")) == "mlqa:de"
        and resolve("mlqa:zh-Hans", dataset("x")) == "mlqa:zh-Hans"
    )
    with pytest.raises(ValueError, match="'german' is no language code"):
        resolve("mlqa:german", dataset("x"))


@pytest.mark.parametrize("name", ["squad1", "mlqa:de"])
def test_a_metric_that_cannot_judge_says_so(name: str) -> None:
    """Unanswerable questions and no-answer values belong to SQuAD 2.0's measure."""
    with pytest.raises(MetricError, match="without an answer"):
        official(name, dataset("x"), {"a": ""})
    with pytest.raises(MetricError, match="--metric squad"):
        official(name, dataset("x", "de", Gold("Rhein", 4)), {"a": ""}, {"a": 0.5})
