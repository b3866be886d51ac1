"""Probabilities: rivals share one, the file keeps the weights, and nothing overflows."""

import json
import math
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fundstelle.reader.confidence import WORDS_ALONE, Calibration, relative_evidence

LOGITS = st.lists(st.floats(-1e4, 1e4), max_size=20)


@given(LOGITS)
def test_rivals_share_one_probability(logits: list[float]) -> None:
    """Shares keep the order of the logits and add up to no more than 1, however large the logits."""
    shares = Calibration().shares(logits)
    assert all(0.0 <= share <= 1.0 for share in shares)
    assert math.fsum(shares) <= 1.0 + 1e-9
    ranked = sorted(zip(logits, shares, strict=True))
    assert [share for _, share in ranked] == sorted(shares)


@given(st.floats(-50, 50), st.floats(-1, 0))
def test_a_span_without_rivals_has_the_logistic_probability(margin: float, evidence: float) -> None:
    """One span alone: its share is the sigmoid of its logit, and grows with margin and evidence."""
    calibration = Calibration()
    probability = calibration.probability(margin, evidence)
    assert calibration.shares([calibration.logit(margin, evidence)])[0] == pytest.approx(probability)
    assert calibration.probability(margin + 1, evidence) >= probability
    assert calibration.probability(margin, evidence + 0.1) >= probability


@given(st.lists(st.floats(-100, 100), min_size=1, max_size=10))
def test_scores_of_any_scale_are_evidence_within_bounds(scores: list[float]) -> None:
    """A better score is never worse evidence, the best is 0, and none is below that of a passage without a word."""
    evidence = [relative_evidence(score, scores) for score in sorted(scores)]
    assert evidence == sorted(evidence)
    assert -1.0 <= evidence[0] <= evidence[-1] == 0.0


def test_scores_that_may_be_negative_are_no_evidence() -> None:
    """Where a score may lie below 0, as a reranker's logits do, its ratio to the best one means nothing."""
    assert [relative_evidence(score, [8.0, 2.0]) for score in (8.0, 2.0)] == [0.0, -0.75]
    for scores in ([0.1, -5.0], [-5.0, -0.1], [0.0, 0.0]):
        assert [relative_evidence(score, scores) for score in scores] == [0.0, 0.0]


def test_weighed_evidence_counts_in_its_unit() -> None:
    """Log-odds stand for themselves, whatever the scores beside them are."""
    assert relative_evidence(-4.0, [3.0], odds=-2 * WORDS_ALONE) == -2.0


@given(st.lists(st.floats(-100, 100), min_size=1, max_size=10))
def test_support_lies_between_the_best_place_and_independence(logits: list[float]) -> None:
    """Without support the best place counts alone; with all of it, places add up their odds."""
    best, every = Calibration(support=0.0).combined(logits), Calibration(support=1.0).combined(logits)
    assert best == max(logits)
    assert math.exp(every - best) == pytest.approx(math.fsum(math.exp(each - best) for each in logits))
    assert best <= Calibration(support=0.5).combined(logits) <= every


@given(LOGITS.filter(bool))
def test_no_answer_grows_as_answers_fade(logits: list[float]) -> None:
    """Weaker answers make "no answer" likelier, and without any it is certain."""
    calibration = Calibration()
    assert calibration.no_answer_probability([]) == 1.0
    faded = calibration.no_answer_probability([each - 1 for each in logits])
    assert 0.0 <= calibration.no_answer_probability(logits) <= faded <= 1.0


def test_a_calibration_survives_its_file(tmp_path: Path) -> None:
    """Saved and loaded it is the same; a model without a file has the defaults."""
    calibration = Calibration(intercept=-1.5, margin=0.4, evidence=3.0, support=0.9, threshold=0.2)
    assert Calibration.load(tmp_path) == Calibration()
    calibration.save(tmp_path)
    assert Calibration.load(tmp_path) == calibration
    endless = Calibration(stop=math.inf)
    endless.save(tmp_path)
    assert Calibration.load(tmp_path) == endless


@pytest.mark.parametrize("content", ["", "[]", '{"margin": "x"}', '{"slope": 1}', '{"margin": null}'])
def test_a_broken_file_is_named(tmp_path: Path, content: str) -> None:
    """What is not a calibration is refused, with the file and what to do."""
    (tmp_path / "calibration.json").write_text(content)
    with pytest.raises(ValueError, match=r"calibration\.json.*fit it again"):
        Calibration.load(tmp_path)


def test_the_file_is_plain_json(tmp_path: Path) -> None:
    """One object of numbers, so that people can read and change it."""
    Calibration(stop=7.5).save(tmp_path)
    assert json.loads((tmp_path / "calibration.json").read_text())["stop"] == 7.5
