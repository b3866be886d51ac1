"""Do probabilities mean what they say: reliability diagram, expected calibration error, Brier score."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

BINS = 15


@dataclass(frozen=True, slots=True)
class Bin:
    """Questions whose probability lies in `(low, high]` (the first bin holds 0 too).

    `probability` is their mean, `accuracy` the share of them that were right; both 0 in an empty bin.
    """

    low: float
    high: float
    count: int
    probability: float
    accuracy: float


def reliability(probabilities: Sequence[float], right: Sequence[float], bins: int = BINS) -> list[Bin]:
    """The reliability diagram in `bins` of equal width."""
    given, true = np.asarray(probabilities, float), np.asarray(right, float)
    if given.shape != true.shape:
        raise ValueError(f"{given.size} probabilities do not match {true.size} outcomes; give one of each.")
    if given.size and not ((given >= 0) & (given <= 1)).all():
        raise ValueError("Probabilities lie between 0 and 1; these do not.")
    edges = np.linspace(0, 1, bins + 1)
    places = np.clip(np.searchsorted(edges, given, side="left") - 1, 0, bins - 1)
    counts = np.bincount(places, minlength=bins)
    filled = np.maximum(counts, 1)
    mean = np.bincount(places, weights=given, minlength=bins) / filled
    accuracy = np.bincount(places, weights=true, minlength=bins) / filled
    columns = (edges[:-1].tolist(), edges[1:].tolist(), counts.tolist(), mean.tolist(), accuracy.tolist())
    return [Bin(*values) for values in zip(*columns, strict=True)]


def expected_calibration_error(
    probabilities: Sequence[float], right: Sequence[float], bins: int = BINS
) -> float:
    """Mean distance of probability and accuracy over bins of equal width, weighted by their questions.

    Source: Guo et al. 2017, On Calibration of Modern Neural Networks.
    """
    return error_of(reliability(probabilities, right, bins))


def error_of(diagram: Sequence[Bin]) -> float:
    """The expected calibration error that a diagram shows; 0 over no questions."""
    total = sum(one.count for one in diagram)
    return sum(one.count * abs(one.probability - one.accuracy) for one in diagram) / total if total else 0.0


def brier(probabilities: Sequence[float], right: Sequence[float]) -> float:
    """Mean squared distance of probability and outcome."""
    given, true = np.asarray(probabilities, float), np.asarray(right, float)
    return float(np.mean((given - true) ** 2)) if given.size else 0.0
