"""Splits a document into passages that fit the reader's window together with a question.

The passages are a partition of the text. Where to cut is chosen as a typesetter breaks a paragraph into
lines: every border has a price, every passage that is not full has a price, and the cheapest way through
the document wins. So passages are nearly full, of like size, and end with a paragraph or a sentence.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import accumulate, pairwise

import regex

from fundstelle.indexing.documents import Passage, SourceDocument, identifier
from fundstelle.indexing.sentences import CLAUSE, PAGE, PIECE, WORD, borders, may_cut, pages_within
from fundstelle.indexing.tokens import TokenCounter

PASSAGE_TOKENS = 180
"""A window has 256 tokens: 4 special ones, 72 for the question and these."""

STRETCH = 100_000
"""Characters that are split together; bounds memory and time for documents of any length."""

CHARACTERS_PER_TOKEN = 12
"""A passage of 180 tokens has at most 2,160 characters, even where white space or rules cost no token."""

_SMALLEST = 1 / 20
"""The part of a full passage below which a unit is joined to a neighbour before passages are chosen."""

_CLAUSE_END = regex.compile(r"[,;:،؛—–)\]}][\p{Pf}\p{Pe}\"']*\s+|[，；：、､·][\p{Pf}\p{Pe}]*\s*")
_WORD_END = regex.compile(r"\s+")
# Flags first: the pattern for clusters alone takes quadratic time on a run of them.
_CLUSTER = regex.compile(r"\p{RI}{2}[\p{GCB=Extend}\p{GCB=SpacingMark}\u200d]*|\X")
_STRETCH_ENDS = ("\n\n", "\n", " ")


@dataclass(slots=True)
class _Unit:
    """A piece of text that no passage border divides: its end, its size in tokens, the price of its end."""

    end: int
    size: float
    price: float


def split(
    document: SourceDocument,
    counter: TokenCounter,
    *,
    limit: int = PASSAGE_TOKENS,
    detect: Callable[[str], str] | None = None,
) -> list[Passage]:
    """The passages of `document`, in order: `"".join(p.text for p in passages) == document.text`.

    Args:
        counter: counts the tokens of the reader's tokenizer.
        limit: tokens of a passage at most, special tokens left out.
        detect: gives the language of a passage's text; without it, that of the document.
    """
    if limit < 1:
        raise ValueError(f"A passage needs at least 1 token, not {limit}.")
    ends = [0, *_passage_ends(document, counter, limit)]
    return [_passage(document, start, end, detect) for start, end in pairwise(ends)]


def _passage(document: SourceDocument, start: int, end: int, detect: Callable[[str], str] | None) -> Passage:
    text = document.text[start:end]
    return Passage(
        id=identifier(document.id, start),
        document_id=document.id,
        text=text,
        start=start,
        source=document.source,
        language=detect(text) if detect else document.language,
        title=document.title,
        page=document.page_of(start),
        meta=document.meta,
    )


def _passage_ends(document: SourceDocument, counter: TokenCounter, limit: int) -> Iterator[int]:
    for start, end in _stretches(document.text):
        text = document.text[start:end]
        prices = borders(text, pages_within(document.pages, start, end), document.language)
        units = _join_small(_units(text, 0, prices, counter, limit), limit)
        yield from (start + cut for cut in _cheapest_cuts(units, limit))


def _stretches(text: str) -> Iterator[tuple[int, int]]:
    start = 0
    while start < len(text):
        end = _stretch_end(text, start)
        yield start, end
        start = end


def _stretch_end(text: str, start: int) -> int:
    full = start + STRETCH
    if full >= len(text):
        return len(text)
    for mark in _STRETCH_ENDS:
        end = text.rfind(mark, start + STRETCH // 2, full) + len(mark)
        if end >= len(mark) and may_cut(text, end):
            return end
    return next((end for end in range(full, full - STRETCH // 2, -1) if may_cut(text, end)), full)


def _units(
    text: str, offset: int, prices: dict[int, float], counter: TokenCounter, limit: int
) -> Iterator[_Unit]:
    """The text between neighbouring borders, divided further where it is larger than a passage."""
    parts = [text[start:end] for start, end in pairwise([0, *prices])]
    for part, count, (end, price) in zip(parts, counter.counts(parts), prices.items(), strict=True):
        size = max(count, len(part) / CHARACTERS_PER_TOKEN)
        if size <= limit or len(part) == 1:
            yield _Unit(offset + end, size, price)
        else:
            finer = dict.fromkeys(*_finer_ends(part, counter)) | {len(part): price}
            yield from _units(part, offset + end - len(part), finer, counter, limit)


def _finer_ends(text: str, counter: TokenCounter) -> tuple[list[int], float]:
    """Where to cut inside a sentence, and the price: between clauses, else words, else pieces of words."""
    for pattern, price in ((_CLAUSE_END, CLAUSE), (_WORD_END, WORD)):
        ends = [match.end() for match in pattern.finditer(text) if match.end() < len(text)]
        if ends := [end for end in ends if may_cut(text, end)]:
            return ends, price
    return _word_pieces(text, counter), PIECE


def _word_pieces(text: str, counter: TokenCounter) -> list[int]:
    """Ends of tokens: in scripts without spaces they are the nearest thing to words."""
    clusters = set(accumulate(map(len, _CLUSTER.findall(text)))) - {len(text)}
    tokens = clusters.intersection(counter.token_ends(text))
    return sorted(tokens or clusters) or [len(text) // 2]


def _join_small(units: Iterable[_Unit], limit: int) -> list[_Unit]:
    """Joins a unit of few tokens, such as a heading, to the neighbour across its dearer border."""
    joined: list[_Unit] = []
    for unit in units:
        before = joined[-1] if joined else _Unit(0, limit, PAGE)
        is_small = min(before.size, unit.size) < limit * _SMALLEST
        backward = unit.size < limit * _SMALLEST and before.price > unit.price
        if is_small and before.size + unit.size <= limit and (backward or before.size < limit * _SMALLEST):
            before.end, before.size, before.price = unit.end, before.size + unit.size, unit.price
        else:
            joined.append(unit)
    return joined


def _cheapest_cuts(units: Sequence[_Unit], limit: int) -> list[int]:
    """The ends of the passages that together cost least."""
    costs, previous = [0.0], [0]
    for last in range(len(units)):
        choices = _choices(units, last, costs, limit)
        cost, first = min(choices)
        costs.append(cost + units[last].price)
        previous.append(first)
    ends = []
    last = len(units)
    while last:
        ends.append(units[last - 1].end)
        last = previous[last]
    return ends[::-1]


def _choices(
    units: Sequence[_Unit], last: int, costs: Sequence[float], limit: int
) -> Iterator[tuple[float, int]]:
    """Every passage that may end with unit `last`: what everything up to its end costs, and its first unit."""
    size = 0.0
    for first in range(last, -1, -1):
        size += units[first].size
        if size > limit and first < last:
            return
        yield costs[first] + (1 - size / limit) ** 2, first
