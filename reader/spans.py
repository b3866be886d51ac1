"""Logits to spans: the best that do not overlap, and the pairs of the SQuAD 2 scripts."""

from collections.abc import Iterable, Iterator
from heapq import heappop, heappush

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from fundstelle.reader.engine import Logits
from fundstelle.reader.readings import Span
from fundstelle.reader.windows import Integers
from fundstelle.reader.words import align, trim

Pair = tuple[float, int, int]
"""Score, first token and last token of a candidate."""


def best_pair(start: Logits, end: Logits, max_answer_length: int) -> Pair | None:
    """The best of all pairs first <= last < first + max_answer_length; None where no pair is allowed.

    `start` and `end` are (tokens,), -inf where a span may not begin or end. The best end for each start is
    the maximum of a sliding window: memory grows with the tokens, not with their square.
    Ties go to the first, then to the shortest.
    """
    if not len(start):
        return None
    width = min(max_answer_length, len(start))
    padded = np.concatenate((end, np.full(width - 1, -np.inf, dtype=np.float32)))
    ends = sliding_window_view(padded, width)
    lengths = ends.argmax(axis=1)
    totals = start + ends[np.arange(len(start)), lengths]
    first = int(totals.argmax())
    score = float(totals[first])
    return None if score == -np.inf else (score, first, first + int(lengths[first]))


def top_pairs(start: Logits, end: Logits, count: int, max_answer_length: int) -> list[Pair]:
    """Pairs of the `count` best starts and `count` best ends, best first, as the SQuAD 2 scripts do."""
    firsts, lasts = (np.argsort(-logits, kind="stable")[:count] for logits in (start, end))
    first, last = (grid.ravel() for grid in np.meshgrid(firsts, lasts, indexing="ij"))
    totals = start[first] + end[last]
    allowed = (first <= last) & (last < first + max_answer_length) & np.isfinite(totals)
    first, last, totals = first[allowed], last[allowed], totals[allowed]
    order = np.lexsort((last, first, -totals))
    return [(float(totals[i]), int(first[i]), int(last[i])) for i in order]


def border(text: str, start: int, end: int, align_to_words: bool) -> tuple[int, int]:
    """The characters of an answer whose tokens cover `[start, end)`."""
    return trim(text, *align(text, start, end)) if align_to_words else (start, end)


def separate_spans(
    text: str,
    starts: Integers,
    ends: Integers,
    start: Logits,
    end: Logits,
    *,
    top_k: int,
    max_answer_length: int,
    align_to_words: bool,
) -> Iterator[Span]:
    """The best spans of a window, best first, none overlapping another: a second answer is never crowded out.

    `starts` and `ends` are the tokens' characters (as in `EncodedPassage`), `start` and `end` their logits,
    all (tokens,). After each span the search goes on in what lies before it and behind it.
    """
    end = np.where(ends > starts, end, np.float32(-np.inf))
    segments: list[tuple[float, int, int, int, int]] = []

    def search(low: int, high: int) -> None:
        if pair := best_pair(start[low:high], end[low:high], max_answer_length):
            heappush(segments, (-pair[0], low + pair[1], low + pair[2], low, high))

    search(0, len(start))
    for _ in range(top_k):
        if not segments:
            return
        score, first, last, low, high = heappop(segments)
        a, b = border(text, int(starts[first]), int(ends[last]), align_to_words)
        yield Span(a, b, -score)
        search(low, min(first, low + int(np.searchsorted(ends[low:high], a, side="right"))))
        search(max(last + 1, low + int(np.searchsorted(starts[low:high], b))), high)


def without_overlap(spans: Iterable[Span], top_k: int) -> tuple[Span, ...]:
    """The best `top_k` spans, best first, none overlapping a better one; ties go to the first place."""
    kept: list[Span] = []
    for span in sorted(spans, key=lambda span: (-span.score, span.start, span.end)):
        if len(kept) == top_k:
            break
        if all(span.end <= other.start or other.end <= span.start for other in kept):
            kept.append(span)
    return tuple(kept)
