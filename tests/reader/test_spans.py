"""Logits to spans."""

from itertools import pairwise, product

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from fundstelle.reader.readings import Span
from fundstelle.reader.spans import best_pair, separate_spans, top_pairs, without_overlap

LOGITS = st.lists(st.integers(-20, 20), min_size=1, max_size=24).flatmap(
    lambda starts: st.tuples(
        st.just(np.array(starts, np.float32)),
        st.lists(st.integers(-20, 20), min_size=len(starts), max_size=len(starts)).map(
            lambda ends: np.array(ends, np.float32)
        ),
    )
)
Both = tuple[NDArray[np.float32], NDArray[np.float32]]


def pairs(start: NDArray[np.float32], end: NDArray[np.float32], longest: int) -> list[tuple[float, int, int]]:
    """All that are allowed, best first."""
    every = [
        (float(start[i] + end[j]), i, j)
        for i, j in product(range(len(start)), repeat=2)
        if i <= j < i + longest and np.isfinite(start[i] + end[j])
    ]
    return sorted(every, key=lambda pair: (-pair[0], pair[1], pair[2]))


def spans(start: NDArray[np.float32], end: NDArray[np.float32], **options: int) -> list[Span]:
    """Separate spans over one-letter tokens with a space between."""
    text = " ".join("x" * len(start))
    places = np.arange(len(start)) * 2
    settings = {"top_k": 3, "max_answer_length": 30, "align_to_words": True} | options
    return list(separate_spans(text, places, places + 1, start, end, **settings))


@given(LOGITS, st.integers(1, 40))
def test_the_best_pair_is_the_best_of_all_pairs(both: Both, longest: int) -> None:
    """No pair within the length limit is better, ties going to the first and shortest."""
    assert best_pair(*both, longest) == pairs(*both, longest)[0]


def test_no_pair_is_none() -> None:
    """Where no span may end there is no span."""
    assert best_pair(np.zeros(3, np.float32), np.full(3, -np.inf, np.float32), 30) is None
    assert best_pair(np.zeros(0, np.float32), np.zeros(0, np.float32), 30) is None
    assert top_pairs(np.zeros(0, np.float32), np.zeros(0, np.float32), 20, 30) == []


@given(LOGITS, st.integers(1, 40))
def test_top_pairs_with_all_starts_and_ends_are_all_pairs(both: Both, longest: int) -> None:
    """With as many starts and ends as there are tokens nothing is missing."""
    assert top_pairs(*both, 99, longest) == pairs(*both, longest)


@given(LOGITS, st.integers(0, 6), st.integers(1, 40))
def test_separate_spans_are_the_greedy_choice(both: Both, top_k: int, longest: int) -> None:
    """The first is the best of all; none overlaps; each is within the limit; scores fall."""
    found = spans(*both, top_k=top_k, max_answer_length=longest)
    assert len(found) == min(top_k, len(found))
    for span in found:
        assert 1 <= (span.end - span.start + 1) // 2 <= longest
    for one, other in pairwise(found):
        assert one.score >= other.score
    for one, other in product(found, repeat=2):
        assert one is other or one.end <= other.start or other.end <= one.start
    if top_k:
        assert found[0].score == pairs(*both, longest)[0][0]


def test_variants_of_one_answer_leave_room_for_another() -> None:
    """25 variants of a span at 18 and another at 14: both come back (peers' D9)."""
    start, end = np.full(40, -10, np.float32), np.full(40, -10, np.float32)
    start[:5], end[5:10] = 9, 9
    start[30], end[31] = 7, 7
    assert [span.score for span in spans(start, end, top_k=2)] == [18, 14]


def test_top_k_0_is_no_span() -> None:
    """0 means 0."""
    assert spans(np.zeros(3, np.float32), np.zeros(3, np.float32), top_k=0) == []


def test_an_answer_has_a_longest_length() -> None:
    """A start peak at the first and an end peak at the last token are not one answer (peers' D7)."""
    start, end = np.zeros(300, np.float32), np.zeros(300, np.float32)
    start[0] = end[-1] = 10
    assert all((span.end - span.start + 1) // 2 <= 30 for span in spans(start, end))


def test_small_differences_rank() -> None:
    """Scores that bfloat16 or a squashing function would make equal keep their order (peers' D16)."""
    start = np.array([18.00, -50, 18.02, -50, 18.05, -50, 18.10], np.float32)
    end = np.where(start > 0, np.float32(0), np.float32(-50))
    assert [span.start // 2 for span in spans(start, end, top_k=4)] == [6, 4, 2, 0]


def test_memory_does_not_grow_with_the_square() -> None:
    """Spans of 200,000 tokens are found, which a square of all pairs (160 GB) would not be."""
    start, end = np.zeros(200_000, np.float32), np.zeros(200_000, np.float32)
    start[150_000] = end[150_003] = 5
    assert best_pair(start, end, 30) == (10.0, 150_000, 150_003)


def test_overlap_across_windows_is_resolved() -> None:
    """The same span from two windows is one; what overlaps a better one goes; ties go to the first place."""
    found = [Span(0, 5, 3.0), Span(0, 5, 4.0), Span(4, 9, 3.5), Span(20, 25, 1.0), Span(10, 15, 1.0)]
    assert without_overlap(found, 3) == (Span(0, 5, 4.0), Span(10, 15, 1.0), Span(20, 25, 1.0))
    assert without_overlap(found, 0) == ()
