"""Reliability diagrams and the errors read from them."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fundstelle.evaluation.calibration import (
    BINS,
    brier,
    error_of,
    expected_calibration_error,
    reliability,
)

PAIRS = st.lists(st.tuples(st.floats(0, 1), st.booleans()), max_size=40)


@given(PAIRS)
def test_every_question_is_in_one_bin_that_spans_its_probability(pairs: list[tuple[float, bool]]) -> None:
    """Bins partition the questions, and the mean probability of each lies within its bounds."""
    diagram = reliability(*_columns(pairs))
    assert len(diagram) == BINS and sum(one.count for one in diagram) == len(pairs)
    for one in diagram:
        assert not one.count or one.low - 1e-9 <= one.probability <= one.high + 1e-9


@given(PAIRS)
def test_the_error_is_bounded_below_by_the_overall_gap(pairs: list[tuple[float, bool]]) -> None:
    """The error is at most 1 and at least the distance of mean probability and mean accuracy."""
    probabilities, right = _columns(pairs)
    error = expected_calibration_error(probabilities, right)
    gap = abs(np.mean(probabilities) - np.mean(right)) if pairs else 0
    assert gap - 1e-9 <= error <= 1


def test_a_known_diagram() -> None:
    """Edges belong to the bin below them, and the error weighs bins by their questions."""
    diagram = reliability([0.0, 0.5, 0.5, 1.0], [0, 1, 0, 1], bins=2)
    assert [(one.count, one.probability, one.accuracy) for one in diagram] == [
        (3, pytest.approx(1 / 3), pytest.approx(1 / 3)),
        (1, 1, 1),
    ]
    assert error_of(diagram) == pytest.approx(0)
    assert expected_calibration_error([0.9, 0.9], [1, 0]) == pytest.approx(0.4)
    assert brier([0.9, 0.9], [1, 0]) == pytest.approx((0.01 + 0.81) / 2)


def test_no_questions_no_error() -> None:
    """Nothing to judge is no error."""
    assert expected_calibration_error([], []) == 0 and brier([], []) == 0


@pytest.mark.parametrize(
    ("probabilities", "right"), [([0.5], []), ([1.5], [1]), ([-0.1], [0]), ([float("nan")], [0])]
)
def test_what_is_no_probability_is_refused(probabilities: list[float], right: list[float]) -> None:
    """Columns of different length and values outside 0 to 1 are refused."""
    with pytest.raises(ValueError, match=r"probabilities|Probabilities"):
        reliability(probabilities, right)


def _columns(pairs: list[tuple[float, bool]]) -> tuple[list[float], list[float]]:
    return [probability for probability, _ in pairs], [float(right) for _, right in pairs]
