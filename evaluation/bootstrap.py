"""Is one run better than another: a paired bootstrap over questions."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

RESAMPLES = 10_000
_AT_ONCE = 250  # resamples drawn together: 250 x 10,000 questions are 20 MB


@dataclass(frozen=True, slots=True)
class Difference:
    """How much the second run is above the first, in the unit of the values.

    `low` and `high` bound it with probability `confidence`; `p_value` is how often, both ways counted,
    chance alone would turn the sign.
    """

    mean: float
    low: float
    high: float
    p_value: float
    questions: int
    confidence: float


def paired(
    first: Sequence[float],
    second: Sequence[float],
    *,
    confidence: float = 0.95,
    resamples: int = RESAMPLES,
    seed: int = 0,
) -> Difference:
    """Compare two runs question by question: `first[i]` and `second[i]` are scores of the same question.

    Percentile bootstrap of the mean difference; the same seed gives the same interval.
    Source: Efron and Tibshirani 1993, An Introduction to the Bootstrap; Koehn 2004 for paired systems.
    """
    if len(first) != len(second) or not len(first):
        raise ValueError("A paired comparison needs questions, and one score of each run for every one.")
    gaps = np.asarray(second, np.float64) - np.asarray(first, np.float64)
    means = _resampled_means(gaps, resamples, np.random.default_rng(seed))
    tail = (1 - confidence) / 2
    low, high = np.quantile(means, [tail, 1 - tail])
    beyond = min((means <= 0).mean(), (means >= 0).mean())
    p_value = min(1.0, 2 * max(float(beyond), 1 / resamples))
    return Difference(float(gaps.mean()), float(low), float(high), p_value, len(gaps), confidence)


def _resampled_means(
    gaps: np.ndarray[tuple[int], np.dtype[np.float64]], resamples: int, random: np.random.Generator
) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    size = len(gaps)
    sizes = [min(_AT_ONCE, resamples - done) for done in range(0, resamples, _AT_ONCE)]
    return np.concatenate([gaps[random.integers(0, size, (count, size))].mean(axis=1) for count in sizes])
