"""Windows to batches: of like length, filled up to a budget of tokens."""

from collections.abc import Sequence

import numpy as np

from fundstelle.reader.engine import Batch
from fundstelle.reader.windows import Window


def plan(lengths: Sequence[int], token_budget: int) -> list[list[int]]:
    """Indices of windows per batch, longest windows first, so that memory runs out at once or never.

    A batch holds at most `token_budget` tokens with its padding; a longer window is a batch of its own.
    """
    batches: list[list[int]] = []
    width = 0
    for index in sorted(range(len(lengths)), key=lambda i: (-lengths[i], i)):
        if not batches or (len(batches[-1]) + 1) * width > token_budget:
            batches.append([])
            width = lengths[index]
        batches[-1].append(index)
    return batches


def collate(windows: Sequence[Window], pad_id: int, padding_side: str, token_types: bool) -> Batch:
    """Pad windows to the longest of them."""
    width = max(len(window.input_ids) for window in windows)
    ids = np.full((len(windows), width), pad_id, dtype=np.int64)
    mask = np.zeros_like(ids)
    types = np.zeros_like(ids)
    for row, window in enumerate(windows):
        place = slice(padding(window, width, padding_side), None)
        place = slice(place.start, place.start + len(window.input_ids))
        ids[row, place], mask[row, place], types[row, place] = window.input_ids, 1, window.token_type_ids
    return Batch(ids, mask, types if token_types else None)


def padding(window: Window, width: int, padding_side: str) -> int:
    """How many padding tokens stand before the window in a batch of this width."""
    return width - len(window.input_ids) if padding_side == "left" else 0
