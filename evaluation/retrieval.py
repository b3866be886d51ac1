"""Measures of a ranking: recall@k, success@k, reciprocal rank, nDCG; ranks count from 1."""

from collections.abc import Sequence
from math import log2

Ranks = Sequence[int | None]
"""The rank of every relevant passage of a question; None where it was not retrieved."""


def recall_at(ranks: Ranks, k: int) -> float:
    """The share of relevant passages among the first `k`."""
    return _within(ranks, k) / len(ranks) if ranks else 0.0


def success_at(ranks: Ranks, k: int) -> float:
    """1 if any relevant passage is among the first `k`, else 0."""
    return float(_within(ranks, k) > 0)


def reciprocal_rank(ranks: Ranks) -> float:
    """1 / rank of the first relevant passage, 0 where none was retrieved."""
    return max((1 / rank for rank in ranks if rank), default=0.0)


def ndcg_at(ranks: Ranks, k: int) -> float:
    """Discounted gain over that of the best ranking possible; a passage is relevant or it is not."""
    gain = sum(1 / log2(rank + 1) for rank in ranks if rank and rank <= k)
    ideal = sum(1 / log2(place + 1) for place in range(1, min(len(ranks), k) + 1))
    return gain / ideal if ideal else 0.0


def _within(ranks: Ranks, k: int) -> int:
    return sum(rank is not None and rank <= k for rank in ranks)
