"""Best pairs and shares of windows."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from fundstelle.compat.candidates import best_pairs

LOGITS = st.integers(1, 12).flatmap(
    lambda size: st.tuples(*[st.lists(st.integers(-9, 9), min_size=size, max_size=size)] * 2)
)


@given(LOGITS, st.integers(1, 20), st.integers(1, 14), st.none() | st.integers(0, 3))
def test_pairs_are_the_best_that_are_allowed(
    logits: tuple[list[int], list[int]], count: int, length: int, apart: int | None
) -> None:
    """Going through all pairs from best to worst gives the same pairs."""
    start, end = (np.asarray(values, dtype=np.float32) for values in logits)
    every = sorted(
        (-(start[i] + end[j]), i, j) for i in range(len(start)) for j in range(i, min(i + length, len(end)))
    )
    chosen: list[tuple[float, int, int]] = []
    for negative, i, j in every:
        near = apart is not None and any(abs(i - a) <= apart or abs(j - b) <= apart for _, a, b in chosen)
        if not near and len(chosen) < count:
            chosen.append((float(-negative), i, j))
    assert list(best_pairs(start, end, count, length, apart)) == chosen
