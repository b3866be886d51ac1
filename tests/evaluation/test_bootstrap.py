"""The paired bootstrap."""

import numpy as np
import pytest

from fundstelle.evaluation.bootstrap import paired


def test_a_clear_difference_is_clear() -> None:
    """An improvement on most questions has an interval above zero that holds the mean."""
    random = np.random.default_rng(1)
    first = random.random(300)
    difference = paired(first, first + 0.1 + 0.05 * random.standard_normal(300))
    assert 0 < difference.low < difference.mean < difference.high
    assert difference.p_value < 0.01 and difference.questions == 300


def test_equal_runs_do_not_differ() -> None:
    """A run compared with itself has no difference and no evidence of one."""
    difference = paired([0.5, 1, 0], [0.5, 1, 0])
    assert (difference.mean, difference.low, difference.high, difference.p_value) == (0, 0, 0, 1)


def test_the_interval_is_that_of_the_mean() -> None:
    """The interval's width agrees with the standard error of the mean difference."""
    gaps = np.random.default_rng(2).standard_normal(400)
    difference = paired(np.zeros(400), gaps)
    assert difference.high - difference.low == pytest.approx(2 * 1.96 * gaps.std() / 20, rel=0.05)


def test_swapping_the_runs_mirrors_the_result() -> None:
    """With the same seed, the comparison the other way round has the opposite sign."""
    first, second = [0.0, 1, 0, 1, 1], [1.0, 1, 0, 1, 0.5]
    there, back = paired(first, second), paired(second, first)
    assert (there.mean, there.low, there.high) == pytest.approx((-back.mean, -back.high, -back.low))
    assert paired(first, second) == there


@pytest.mark.parametrize(("first", "second"), [([], []), ([1.0], [1.0, 0.0])])
def test_unpaired_runs_are_refused(first: list[float], second: list[float]) -> None:
    """Runs without questions or of different length cannot be compared."""
    with pytest.raises(ValueError, match="one score of each run"):
        paired(first, second)
