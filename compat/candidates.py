"""Logits of windows to candidates as the old APIs chose them: best pairs, and shares by softmax."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from fundstelle.reader.engine import Logits
from fundstelle.reader.reader import WindowLogits
from fundstelle.reader.spans import Pair

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class LogShares:
    """Logarithms of softmax shares: of a window's passage tokens, (tokens,), and of its null answer."""

    start: Floats
    end: Floats
    null: float


def shares(windows: Sequence[WindowLogits], *, together: bool) -> list[LogShares]:
    """How likely each token is to begin and to end the answer, by softmax over passage tokens and null.

    together: one softmax over all windows, shifted so that "no answer" weighs 1 in each and counts once:
        shares of different windows compare. Otherwise each window is by itself, as the old APIs had it.
        For a single window the two are the same.
    """
    groups = [windows] if together and windows else [[window] for window in windows]
    return [share for group in groups for share in _shares(group)]


def _shares(windows: Sequence[WindowLogits]) -> Iterator[LogShares]:
    starts = [window.start.astype(np.float64) - window.null_start for window in windows]
    ends = [window.end.astype(np.float64) - window.null_end for window in windows]
    start_total, end_total = (
        np.logaddexp.reduce(np.concatenate((*parts, [0.0]))) for parts in (starts, ends)
    )
    for start, end in zip(starts, ends, strict=True):
        yield LogShares(start - start_total, end - end_total, -float(start_total + end_total))


def best_pairs(
    start: Logits | Floats, end: Logits | Floats, count: int, max_answer_length: int, apart: int | None = None
) -> Iterator[Pair]:
    """The `count` best of all pairs first <= last < first + max_answer_length, best first.

    `start` and `end` are (tokens,), -inf where a span may not begin or end. Ties go to the first, then to
    the shortest. `apart`: starts of two pairs, and ends of two pairs, are more than this many tokens apart;
    None: they may be anything.
    """
    if not len(start):
        return
    width = min(max_answer_length, len(start))
    padded = np.concatenate((end, np.full(width - 1, -np.inf, dtype=end.dtype)))
    totals = start[:, None] + sliding_window_view(padded, width)  # (first token, length - 1)
    lasts = np.arange(len(start))[:, None] + np.arange(width)
    for _ in range(count):
        first, longer = divmod(int(totals.argmax()), width)
        last, score = first + longer, float(totals[first, longer])
        if score == -np.inf:
            return
        yield score, first, last
        if apart is None:
            totals[first, longer] = -np.inf
        else:
            totals[max(first - apart, 0) : first + apart + 1] = -np.inf
            totals[abs(lasts - last) <= apart] = -np.inf
