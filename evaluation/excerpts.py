"""Pieces of a context around an answer, cut so that marks can be set: what a report quotes of an error."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from fundstelle.evaluation.rows import Row

AROUND = 120
"""Characters shown on each side of an answer."""

GOLD, FOUND = "gold", "found"


@dataclass(frozen=True, slots=True)
class Mark:
    """Characters `[start, end)` that are a gold answer or the system's."""

    start: int
    end: int
    kind: str


@dataclass(frozen=True, slots=True)
class Excerpt:
    """A part of a text: pieces with the kinds of the marks that cover them, "" for none."""

    pieces: tuple[tuple[str, str], ...]
    before: bool  # more text stands before
    after: bool


def excerpts(row: Row) -> list[Excerpt]:
    """Where the gold answer stands and where the system's was found, together where they are close."""
    golds = [
        Mark(start, start + len(text), GOLD) for text, start in zip(row.gold, row.gold_starts, strict=True)
    ]
    found = row.quotation
    if found is None:
        return [excerpt(row.context, golds[:1] or [Mark(0, 0, GOLD)], golds)]
    mark = Mark(found.start, found.end, FOUND)
    if found.context != row.context:
        own = [excerpt(row.context, golds[:1], golds)] if golds else []
        return [*own, excerpt(found.context, [mark], [mark])]
    near = [gold for gold in golds[:1] if abs(gold.start - mark.start) < 2 * AROUND]
    if near or not golds:
        return [excerpt(row.context, [*near, mark], [*golds, mark])]
    return [excerpt(row.context, [one], [*golds, mark]) for one in (golds[0], mark)]


def excerpt(text: str, focus: Sequence[Mark], marks: Sequence[Mark]) -> Excerpt:
    """The text around `focus`, with all `marks` that lie in it."""
    low = max(0, min(mark.start for mark in focus) - AROUND)
    high = min(len(text), max(mark.end for mark in focus) + AROUND)
    inside = [mark for mark in marks if mark.start < high and mark.end > low]
    cuts = sorted({low, high, *(min(high, max(low, at)) for one in inside for at in (one.start, one.end))})
    pieces = tuple((text[start:end], _kinds(inside, start, end)) for start, end in pairwise(cuts))
    return Excerpt(pieces, low > 0, high < len(text))


def _kinds(marks: Sequence[Mark], start: int, end: int) -> str:
    return " ".join(sorted({mark.kind for mark in marks if mark.start <= start and end <= mark.end}))
