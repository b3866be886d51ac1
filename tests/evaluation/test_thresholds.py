"""Abstaining below a threshold."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fundstelle.evaluation.overlap import Score
from fundstelle.evaluation.thresholds import NoAnswer, Trial, curve, no_answer

TRIALS = st.lists(
    st.builds(
        Trial,
        st.sampled_from([0.0, 0.25, 0.5, 0.75, 1.0]),
        st.builds(Score, st.sampled_from([0.0, 1.0]), st.floats(0, 1)),
        st.booleans(),
    ).map(lambda one: one if one.answerable else Trial(one.confidence, Score(0, 0), False)),
    min_size=1,
    max_size=30,
)


@given(TRIALS)
def test_every_point_equals_abstaining_by_hand(trials: list[Trial]) -> None:
    """Each point is the mean score with silence below its threshold; every threshold has one."""
    points = curve(trials)
    assert [point.threshold for point in points] == sorted({trial.confidence for trial in trials})
    for point in points:
        spoken = [trial.confidence >= point.threshold for trial in trials]
        f1 = [
            one.score.f1 if said else float(not one.answerable)
            for one, said in zip(trials, spoken, strict=True)
        ]
        assert point.f1 == pytest.approx(sum(f1) / len(trials))
        assert point.answered == pytest.approx(sum(spoken) / len(trials))


def test_a_long_curve_is_thinned_and_keeps_its_ends() -> None:
    """With more thresholds than asked for, the first and the last stay."""
    points = curve([Trial(number / 1000, Score(1, 1), True) for number in range(1000)], points=11)
    assert len(points) == 11 and (points[0].threshold, points[-1].threshold) == (0, 0.999)
    assert points[0].answered == 1


def test_no_questions_no_curve() -> None:
    """Nothing to judge gives no points."""
    assert curve([]) == []


def test_no_answer_is_judged_as_retrieval_of_unanswerable_questions() -> None:
    """Precision and recall count unanswered questions against unanswerable ones."""
    assert no_answer([True, True, False, False], [False, True, False, True]) == NoAnswer(0.5, 0.5, 0.5)
    assert no_answer([True, False, False], [False, False, True]).f1 == pytest.approx(2 / 3)
    assert no_answer([False], [True]) == NoAnswer(0, 0, 0)
