"""What abstaining below a threshold does to EM and F1; precision and recall of "no answer"."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from fundstelle.evaluation.overlap import Score


@dataclass(frozen=True, slots=True)
class Trial:
    """One question: how sure the system is of its best span, and how good that span is."""

    confidence: float
    score: Score
    answerable: bool


@dataclass(frozen=True, slots=True)
class Point:
    """Answering where the confidence is at least `threshold`; all but the threshold are shares of 1."""

    threshold: float
    exact: float
    f1: float
    answered: float


@dataclass(frozen=True, slots=True)
class NoAnswer:
    """How well a system says "no answer": precision, recall and their harmonic mean, shares of 1."""

    precision: float
    recall: float
    f1: float


def curve(trials: Sequence[Trial], points: int = 101) -> list[Point]:
    """EM and F1 at up to `points` thresholds, spread evenly over the questions ordered by confidence.

    Abstaining earns a full score where the question has no answer and none where it has.
    """
    if not trials:
        return []
    ordered = sorted(trials, key=lambda trial: trial.confidence)
    confidence = np.array([trial.confidence for trial in ordered])
    silent = np.cumsum([0.0] + [float(not trial.answerable) for trial in ordered])
    exact = silent + _from_here([trial.score.exact for trial in ordered])
    f1 = silent + _from_here([trial.score.f1 for trial in ordered])
    starts = np.flatnonzero(np.diff(confidence, prepend=-np.inf) > 0)  # equal confidences stand together
    chosen = starts[np.unique(np.linspace(0, len(starts) - 1, min(points, len(starts))).round().astype(int))]
    size = len(ordered)
    return [
        Point(float(confidence[at]), float(exact[at]) / size, float(f1[at]) / size, 1 - int(at) / size)
        for at in chosen
    ]


def no_answer(abstained: Sequence[bool], answerable: Sequence[bool]) -> NoAnswer:
    """Precision: share of the unanswered that have no answer; recall: share of those left unanswered."""
    right = sum(silent and not has for silent, has in zip(abstained, answerable, strict=True))
    precision = right / max(1, sum(abstained))
    recall = right / max(1, len(answerable) - sum(answerable))
    return NoAnswer(precision, recall, 2 * precision * recall / max(precision + recall, 1e-12))


def _from_here(values: Sequence[float]) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    """For every place, what the values from there to the end add up to; one more place than values."""
    return np.append(np.cumsum(np.asarray(values, np.float64)[::-1])[::-1], 0.0)
