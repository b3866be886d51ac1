"""Scores a prediction for its row: by the run's metric and by the one that treats all scripts alike."""

from collections.abc import Sequence

from fundstelle.evaluation import segmented
from fundstelle.evaluation.overlap import Metric

RIGHT_FROM = 0.5
"""F1, over words and in scripts without spaces characters, from which an answer counts as right."""


def is_right(text: str, golds: Sequence[str]) -> bool:
    """Whether an answer is one of `golds`, border words aside: what a probability speaks of."""
    return bool(golds) and segmented.score(text, golds).f1 >= RIGHT_FROM


def scores(metric: Metric, prediction: str, forced: str, golds: Sequence[str]) -> dict[str, float | bool]:
    """The score fields of a row: `prediction` is what was answered, `forced` the best span."""
    answered, fair = metric(prediction, golds), segmented.score(prediction, golds)
    best = answered if forced == prediction else metric(forced, golds)
    return {
        "exact": answered.exact,
        "f1": answered.f1,
        "segmented_exact": fair.exact,
        "segmented_f1": fair.f1,
        "forced_exact": best.exact,
        "forced_f1": best.f1,
        "right": is_right(forced, golds),
    }


def exact_rank(metric: Metric, answers: Sequence[str], golds: Sequence[str]) -> int | None:
    """The rank, from 1, of the first answer that matches a gold answer exactly; None where none does."""
    ranked = enumerate(answers, 1)
    return next((rank for rank, text in ranked if golds and metric(text, golds).exact), None)
