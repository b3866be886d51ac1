"""Few shapes: OpenVINO prepares itself for every shape it meets, and keeps what it prepared, some 9 MB a shape.

Left alone, batches have thousands of shapes: a process that reads for days would fill its memory, and until then
pay for every new shape a third more than for one it knows. Batches are therefore cut into pieces of 8, 4, 2 and 1
windows (more windows at a time read no faster) and padded to full lengths.
"""

from collections.abc import Iterator

import numpy as np

from fundstelle.reader.engine import Batch

WINDOWS = (8, 4, 2, 1)
LENGTH = 32
"""Tokens: lengths are multiples of it."""


def few_shapes(batch: Batch, longest: int | None = None) -> Iterator[tuple[slice, Batch]]:
    """The batch in pieces, each with its place: `slice` of the windows. Padding is masked and on the right.

    `longest` is how many tokens the model has positions for: nothing is padded beyond.
    """
    start, rows = 0, len(batch.input_ids)
    while start < rows:
        size = next(size for size in WINDOWS if size <= rows - start)
        place = slice(start, start + size)
        yield place, _padded(batch, place, longest)
        start += size


def _padded(batch: Batch, place: slice, longest: int | None) -> Batch:
    """Some windows, cut to the longest of them and padded to a full length."""
    mask = batch.attention_mask[place]
    used = int(np.flatnonzero(mask.any(axis=0))[-1]) + 1 if mask.any() else mask.shape[1]
    full = used + -used % LENGTH
    extra = ((0, 0), (0, max(0, min(full, longest or full) - used)))
    types = None if batch.token_type_ids is None else np.pad(batch.token_type_ids[place, :used], extra)
    return Batch(np.pad(batch.input_ids[place, :used], extra), np.pad(mask[:, :used], extra), types)
