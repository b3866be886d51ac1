"""Few shapes, little padding: how a batch is cut for OpenVINO.

OpenVINO prepares itself for every shape it meets, which takes 4 to 8 ms, and keeps what it prepared, some 2 MB a
shape. Left alone, batches have thousands of shapes: a process that reads for days would fill its memory. Batches are
therefore cut into pieces of 4, 2 and 1 windows (more at a time read no faster) and padded to full lengths. Where to
cut is a balance: many small pieces have little padding, but each has a price of its own.
"""

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from fundstelle.reader.engine import Batch

WINDOWS = (4, 2, 1)
LENGTH = 16
"""Tokens: lengths are multiples of it."""
PIECE = 20
"""Tokens that are computed in the time that a piece takes besides its tokens: some 2 ms (Zen 4, 8 bits, measured for
windows of 64 to 384 tokens)."""


def few_shapes(batch: Batch, longest: int | None = None) -> Iterator[tuple[slice, Batch]]:
    """The batch in pieces, each with its place: `slice` of the windows. Padding is masked and on the right.

    `longest` is how many tokens the model has positions for: nothing is padded beyond.
    """
    lengths = _lengths(batch.attention_mask, longest)
    for place in cut(lengths.tolist()):
        yield place, _padded(batch, place, int(lengths[place].max()))


def cut(lengths: Sequence[int]) -> list[slice]:
    """The places of pieces that take the least time together, for windows of these lengths in their order."""
    costs, sizes = [0], [0]
    for end in range(1, len(lengths) + 1):
        cost, size = min(
            (costs[end - size] + PIECE + size * max(lengths[end - size : end]), size)
            for size in WINDOWS
            if size <= end
        )
        costs.append(cost)
        sizes.append(size)
    places, end = [], len(lengths)
    while end:
        places.append(slice(end - sizes[end], end))
        end -= sizes[end]
    return places[::-1]


def _lengths(mask: NDArray[np.int64], longest: int | None) -> NDArray[np.int64]:
    """What each window takes: up to its last token, to a full length or to `longest`. One without tokens takes all."""
    width = mask.shape[1]
    used = np.where(mask.any(axis=1), width - mask[:, ::-1].argmax(axis=1), width)
    full: NDArray[np.int64] = used + -used % LENGTH
    return full if longest is None else np.maximum(used, np.minimum(full, longest))


def _padded(batch: Batch, place: slice, length: int) -> Batch:
    """Some windows, cut or padded to a length."""
    extra = ((0, 0), (0, max(0, length - batch.input_ids.shape[1])))

    def fitted(each: NDArray[np.int64]) -> NDArray[np.int64]:
        return np.pad(each[place, :length], extra)

    types = None if batch.token_type_ids is None else fitted(batch.token_type_ids)
    return Batch(fitted(batch.input_ids), fitted(batch.attention_mask), types)
