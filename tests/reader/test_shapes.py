"""Few shapes: every window keeps its tokens, the engine meets a bounded number of shapes, and little is padded."""

from functools import cache

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from fundstelle.reader.engine import Batch
from fundstelle.reader.shapes import LENGTH, PIECE, WINDOWS, cut, few_shapes


@given(lengths=st.lists(st.integers(1, 300), min_size=1, max_size=40), typed=st.booleans())
def test_pieces_are_the_batch_in_few_shapes(lengths: list[int], typed: bool) -> None:
    """Each window comes once, in its place, with all its tokens; what is added is masked."""
    width = max(lengths)
    mask = (np.arange(width) < np.array(lengths)[:, None]).astype(np.int64)
    ids = np.arange(len(lengths) * width).reshape(len(lengths), width) * mask
    batch = Batch(ids, mask, mask.copy() if typed else None)
    seen: list[int] = []
    for place, piece in few_shapes(batch):
        rows, length = piece.input_ids.shape
        assert rows in WINDOWS
        assert length % LENGTH == 0
        assert length - LENGTH < max(lengths[place])
        assert (piece.token_type_ids is None) is not typed
        for row, number in enumerate(range(len(lengths))[place]):
            assert piece.attention_mask[row].sum() == lengths[number]
            kept = piece.attention_mask[row].astype(bool)
            assert piece.input_ids[row][kept].tolist() == ids[number, : lengths[number]].tolist()
            seen.append(number)
    assert seen == list(range(len(lengths)))


def test_nothing_is_padded_beyond_the_models_positions() -> None:
    """A window near the longest that a model takes is padded to that, and not to a full length beyond."""
    batch = Batch(np.ones((1, 299), dtype=np.int64), np.ones((1, 299), dtype=np.int64), None)
    ((_, piece),) = few_shapes(batch, longest=300)
    assert piece.input_ids.shape == (1, 300)


@given(lengths=st.lists(st.integers(1, 24).map(LENGTH.__mul__), max_size=12))
def test_no_other_way_to_cut_costs_less(lengths: list[int]) -> None:
    """The pieces follow each other and cost, padding and their own price together, no more than any others."""

    def cost(first: int, last: int) -> int:
        return PIECE + (last - first) * max(lengths[first:last])

    @cache
    def least(first: int) -> int:
        """By looking at every way to cut the windows from there on."""
        sizes = [size for size in WINDOWS if first + size <= len(lengths)]
        return min((cost(first, first + size) + least(first + size) for size in sizes), default=0)

    places = cut(lengths)
    assert [number for place in places for number in range(len(lengths))[place]] == list(range(len(lengths)))
    assert sum(cost(place.start, place.stop) for place in places) == least(0)
