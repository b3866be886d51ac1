"""Two runs side by side, question by question."""

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from fundstelle.evaluation.bootstrap import Difference, paired
from fundstelle.evaluation.datasets import DatasetError
from fundstelle.evaluation.retrieval import reciprocal_rank, success_at
from fundstelle.evaluation.rows import Row
from fundstelle.evaluation.runs import Run

ANSWERS: dict[str, Callable[[Row], float]] = {
    "exact": lambda row: 100 * row.exact,
    "f1": lambda row: 100 * row.f1,
    "segmented_f1": lambda row: 100 * row.segmented_f1,
}
RANKINGS: dict[str, Callable[[Row], float]] = {
    "success@1": lambda row: 100 * success_at(row.passage_ranks, 1),
    "success@10": lambda row: 100 * success_at(row.passage_ranks, 10),
    "MRR": lambda row: 100 * reciprocal_rank(row.passage_ranks),
}


@dataclass(frozen=True, slots=True)
class Comparison:
    """How the second run differs from the first in one figure, in points of percent.

    `only_one` counts questions that just one of the runs has; they are left out.
    """

    name: str
    figure: str
    difference: Difference
    only_one: int

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)


def compare(first: Sequence[Run], second: Sequence[Run]) -> list[Comparison]:
    """Every figure of every data set that both have; with several, of all of them together too.

    Raises:
        DatasetError: the runs have no question in common.
    """
    others = {run.name: run.rows for run in second}
    matched = {run.name: _matched(run.rows, others[run.name]) for run in first if run.name in others}
    if not any(pairs for pairs, _ in matched.values()):
        raise DatasetError("The two folders hold no run over the same questions of a file of the same name.")
    if len(matched) > 1:
        matched["all"] = _together(list(matched.values()))
    return [one for name, (pairs, lost) in matched.items() if pairs for one in _compared(name, pairs, lost)]


Pairs = list[tuple[Row, Row]]


def _matched(first: Sequence[Row], second: Sequence[Row]) -> tuple[Pairs, int]:
    """Rows of the same question, and how many questions are in one run alone."""
    others = {row.id: row for row in second}
    pairs = [(row, others[row.id]) for row in first if row.id in others]
    return pairs, len(first) + len(second) - 2 * len(pairs)


def _together(parts: Sequence[tuple[Pairs, int]]) -> tuple[Pairs, int]:
    return [pair for pairs, _ in parts for pair in pairs], sum(lost for _, lost in parts)


def _compared(name: str, pairs: Pairs, lost: int) -> list[Comparison]:
    answered = all(row.prediction is not None for pair in pairs for row in pair)
    ranked = [pair for pair in pairs if all(row.passage_ranks for row in pair)]
    measured = [(figure, value, pairs) for figure, value in ANSWERS.items() if answered]
    measured += [(figure, value, ranked) for figure, value in RANKINGS.items() if ranked]
    return [
        Comparison(
            name, figure, paired([value(one) for one, _ in both], [value(two) for _, two in both]), lost
        )
        for figure, value, both in measured
    ]
