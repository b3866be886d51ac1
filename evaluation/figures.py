"""Averages over rows, by language too: every figure of a report is made here and from nothing but rows."""

from collections.abc import Callable, Iterable, Sequence
from itertools import groupby
from statistics import fmean, median

from fundstelle.evaluation import calibration, retrieval, squad2
from fundstelle.evaluation.overlap import Score
from fundstelle.evaluation.rows import Row
from fundstelle.evaluation.squad2 import Figures
from fundstelle.evaluation.thresholds import Trial, no_answer

CUTS = (1, 3, 5, 10, 20, 50, 100)
"""The k of recall@k."""


def figures(rows: Sequence[Row]) -> Figures:
    """All figures these rows support; EM, F1, recall and other shares in percent, times in milliseconds."""
    found: Figures = {"questions": len(rows)}
    if any(row.prediction is not None for row in rows):
        found |= answer_figures(rows)
    if any(row.passage_ranks for row in rows):
        found |= ranking_figures([row for row in rows if row.passage_ranks])
    return found | time_figures(rows)


def by_language(rows: Sequence[Row]) -> dict[str, Figures]:
    """The figures of each language apart, in alphabetical order of their codes."""
    ordered = sorted(rows, key=lambda row: row.language)
    return {language: figures(list(part)) for language, part in groupby(ordered, lambda row: row.language)}


def answer_figures(rows: Sequence[Row]) -> Figures:
    """Exact match and F1 under SQuAD 2.0's names, and what is beside them."""
    found = squad2.averages(Score(row.exact, row.f1) for row in rows)
    for prefix, part in (("HasAns", _answerable(rows)), ("NoAns", [row for row in rows if not row.gold])):
        if part:
            means = squad2.averages(Score(row.exact, row.f1) for row in part)
            found |= {f"{prefix}_{name}": value for name, value in means.items()}
    found |= {f"segmented_{name}": _percent(rows, f"segmented_{name}") for name in ("exact", "f1")}
    found |= {
        f"HasAns_forced_{name}": _percent(_answerable(rows), f"forced_{name}") for name in ("exact", "f1")
    }
    found["missing"] = sum(row.prediction is None for row in rows)
    return found | _odds_figures(rows) | _probability_figures(rows) | _system_figures(rows)


def ranking_figures(rows: Sequence[Row]) -> Figures:
    """Recall, success, nDCG and reciprocal rank, in percent, over questions that have a right passage."""
    deepest = max((rank for row in rows for rank in row.passage_ranks if rank), default=1)
    found: Figures = {}
    for k in (cut for cut in CUTS if cut <= max(10, deepest)):
        found[f"recall@{k}"] = _mean(retrieval.recall_at(row.passage_ranks, k) for row in rows)
        found[f"success@{k}"] = _mean(retrieval.success_at(row.passage_ranks, k) for row in rows)
        found[f"paragraph@{k}"] = _mean(retrieval.success_at([row.paragraph_rank], k) for row in rows)
    found["MRR"] = _mean(retrieval.reciprocal_rank(row.passage_ranks) for row in rows)
    found["nDCG@10"] = _mean(retrieval.ndcg_at(row.passage_ranks, 10) for row in rows)
    found["misses"] = sum(not any(row.passage_ranks) for row in rows)
    return found


def time_figures(rows: Sequence[Row]) -> Figures:
    """Mean, median and 95th percentile of every time, in milliseconds a question."""
    found: Figures = {}
    for name in sorted({name for row in rows for name in row.timings}):
        times = sorted(row.timings[name] for row in rows if name in row.timings)
        found |= {
            f"{name}_mean": fmean(times),
            f"{name}_median": median(times),
            f"{name}_p95": times[min(len(times) - 1, int(0.95 * len(times)))],
        }
    return found


def trials(rows: Sequence[Row]) -> list[Trial]:
    """The rows as trials of abstaining by probability; rows without one are left out."""
    return [
        Trial(row.probability, Score(row.forced_exact, row.forced_f1), row.answerable)
        for row in rows
        if row.probability is not None
    ]


def outcomes(rows: Sequence[Row]) -> tuple[list[float], list[float]]:
    """Probabilities of the best spans, beside 1 for those that are right and 0 for the others."""
    known = [row for row in rows if row.probability is not None]
    return [row.probability or 0.0 for row in known], [float(row.right) for row in known]


def says_no_answer(row: Row) -> bool:
    """The system says "no answer" where it gives none, or finds none likelier than any."""
    return row.prediction == "" or (row.no_answer_probability or 0.0) > 0.5


def _odds_figures(rows: Sequence[Row]) -> Figures:
    """What SQuAD 2.0's null odds allow: abstaining above 0, and above the best threshold."""
    odds = {row.id: row.null_odds for row in rows if row.null_odds is not None}
    if len(odds) != len(rows):
        return {}
    raw = {row.id: Score(row.forced_exact, row.forced_f1) for row in rows}
    answerable = {row.id: row.answerable for row in rows}
    at_zero = squad2.averages(
        Score(*[float(not row.gold)] * 2) if odds[row.id] > 0 else raw[row.id] for row in rows
    )
    best = squad2.best_thresholds(raw, {row.id: row.forced or "" for row in rows}, odds, answerable)
    return {"abstaining_exact": at_zero["exact"], "abstaining_f1": at_zero["f1"]} | best


def _probability_figures(rows: Sequence[Row]) -> Figures:
    probabilities, right = outcomes(rows)
    if not probabilities:
        return {}
    found: Figures = {
        "right": _mean(right),
        "ece": calibration.expected_calibration_error(probabilities, right),
        "brier": calibration.brier(probabilities, right),
    }
    if any(not row.gold for row in rows):
        silent = no_answer([says_no_answer(row) for row in rows], [row.answerable for row in rows])
        found["no_answer_precision"] = 100 * silent.precision
        found["no_answer_recall"] = 100 * silent.recall
        found["no_answer_f1"] = 100 * silent.f1
    return found


def _system_figures(rows: Sequence[Row]) -> Figures:
    """What only a run of the whole system has: top-n accuracy, the loss to its ceiling, passages read."""
    judged = [row for row in rows if row.ceiling_f1 is not None]
    if not judged:
        return {}
    found: Figures = {
        f"top_{n}_exact": _mean(float(0 < (row.answer_rank or 0) <= n) for row in judged) for n in (1, 3, 5)
    }
    for name in ("exact", "f1"):
        ceiling = _percent(judged, f"ceiling_{name}")
        found |= {f"ceiling_{name}": ceiling, f"loss_{name}": ceiling - _percent(judged, f"forced_{name}")}
    found["passages_read_mean"] = fmean(row.passages_read or 0 for row in rows)
    return found


def _answerable(rows: Sequence[Row]) -> list[Row]:
    return [row for row in rows if row.gold]


def _percent(rows: Sequence[Row], name: str) -> float:
    value: Callable[[Row], float] = lambda row: getattr(row, name)  # noqa: E731
    return _mean(map(value, rows))


def _mean(values: Iterable[float]) -> float:
    listed = list(values)
    return 100.0 * squad2.plain_sum(listed) / len(listed) if listed else 0.0
