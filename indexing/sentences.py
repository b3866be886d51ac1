"""Where a text may be cut: the borders of pages, headings, paragraphs, sentences and lines, each with its price.

Sentences are found by `sentencex`, which knows the full stops and abbreviations of some 300 languages.
It wants well-formed text, loses the white space between paragraphs and takes time quadratic in a
paragraph with unclosed quotation marks, so it is given one bounded paragraph at a time in which every
white space and lone surrogate is a plain space: same length, same offsets.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Sequence
from itertools import accumulate

import regex
from sentencex import segment  # type: ignore[import-untyped]

PAGE = HEADING = 0.0
PARAGRAPH = 0.1
SENTENCE = 0.4
LINE = 0.5
CLAUSE = 0.8
WORD = AFTER_HEADING = 1.2
PIECE = 2.0

BLOCK = 4000
"""Characters of a paragraph that are searched for sentences at once."""

_BLANK_LINES = regex.compile(r"\n[^\S\n]*\n\s*")
_HEADING_LINE = regex.compile(r"^#{1,6}[^\S\n][^\n]*\n\s*", regex.MULTILINE)
_UNPLAIN = regex.compile(r"[\s\ud800-\udfff]")
_INSIDE_CLUSTER = regex.compile(
    r"(?<=[\p{GCB=Prepend}\u200d])"
    r"|(?=[\p{GCB=Extend}\p{GCB=ZWJ}\p{GCB=SpacingMark}\p{GCB=V}\p{GCB=T}])"
    r"|(?<=\p{GCB=L})(?=[\p{GCB=LV}\p{GCB=LVT}])"
    r"|(?<=\p{GCB=RI})(?=\p{GCB=RI})"
    r"|(?<=\p{ccc=9}\p{GCB=Extend}{0,4})(?=\p{L})"
    r"|(?<=\r)(?=\n)"
)


def may_cut(text: str, position: int) -> bool:
    """Whether `position` surely lies between two grapheme clusters (some that do are refused)."""
    return not _INSIDE_CLUSTER.match(text, position)


def borders(text: str, pages: Sequence[int] = (), language: str = "und") -> dict[int, float]:
    """The places where `text` may be cut, in order, with the price of a cut there; the last is its end.

    Args:
        pages: offsets in `text` at which a page starts.
        language: BCP 47 code of the text; decides which abbreviations are known.
    """
    prices: dict[int, float] = {}
    for start, end in _paragraphs(text):
        prices.update(dict.fromkeys(_line_ends(text, start, end), LINE))
        prices.update(dict.fromkeys(_sentence_ends(text, start, end, language), SENTENCE))
        prices[end] = PARAGRAPH
    for heading in _HEADING_LINE.finditer(text):
        prices |= {heading.start(): HEADING, heading.end(): AFTER_HEADING}
    prices.update(dict.fromkeys(pages, PAGE))
    inner = sorted(position for position in prices if 0 < position < len(text))
    kept = {position: prices[position] for position in inner if may_cut(text, position)}
    return kept | {len(text): PAGE}


def pages_within(pages: Sequence[int], start: int, end: int) -> list[int]:
    """The page starts inside `(start, end)`, counted from `start`."""
    return [page - start for page in pages[bisect_right(pages, start) : bisect_left(pages, end)]]


def _paragraphs(text: str) -> Iterator[tuple[int, int]]:
    start = 0
    for blank in _BLANK_LINES.finditer(text):
        yield start, blank.end()
        start = blank.end()
    if start < len(text):
        yield start, len(text)


def _line_ends(text: str, start: int, end: int) -> Iterator[int]:
    position = text.find("\n", start, end) + 1
    while position:
        yield position
        position = text.find("\n", position, end) + 1


def _sentence_ends(text: str, start: int, end: int, language: str) -> Iterator[int]:
    """Ends of the sentences in `text[start:end]` but the last, whose end is the paragraph's."""
    for block in range(start, end, BLOCK):
        plain = _UNPLAIN.sub(" ", text[block : min(block + BLOCK, end)])
        yield from accumulate(map(len, segment(language, plain)[:-1]), initial=block)
