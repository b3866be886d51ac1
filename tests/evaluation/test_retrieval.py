"""Measures of a ranking."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fundstelle.evaluation.retrieval import Ranks, ndcg_at, recall_at, reciprocal_rank, success_at

RANKS = st.lists(st.integers(1, 50), max_size=5, unique=True).flatmap(
    lambda found: st.integers(0, 2).map(lambda missed: [*found, *[None] * missed])
)


@pytest.mark.parametrize(
    ("ranks", "recall", "success", "reciprocal", "ndcg"),
    [
        ([1], 1, 1, 1, 1),
        ([3], 1, 1, 1 / 3, 0.5),
        ([11], 0, 0, 1 / 11, 0),
        ([None], 0, 0, 0, 0),
        ([], 0, 0, 0, 0),
        ([2, None], 0.5, 1, 0.5, 0.63093 / 1.63093),
        ([3, 1], 1, 1, 1, 1.5 / 1.63093),
    ],
)
def test_known_rankings(ranks: Ranks, recall: float, success: float, reciprocal: float, ndcg: float) -> None:
    """Measures at 10 equal figures worked out by hand."""
    assert recall_at(ranks, 10) == recall
    assert success_at(ranks, 10) == success
    assert reciprocal_rank(ranks) == reciprocal
    assert ndcg_at(ranks, 10) == pytest.approx(ndcg, abs=1e-5)


@given(RANKS, st.integers(1, 60))
def test_measures_lie_between_0_and_1_and_grow_with_k(ranks: Ranks, k: int) -> None:
    """Looking further never loses a passage, and recall never exceeds success."""
    assert 0 <= recall_at(ranks, k) <= recall_at(ranks, k + 1) <= 1
    assert recall_at(ranks, k) <= success_at(ranks, k)
    assert 0 <= ndcg_at(ranks, k) <= 1 + 1e-9
