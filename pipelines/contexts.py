"""The text around an answer, cut where a reader would cut it: between sentences, or else between words."""

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import regex

from fundstelle.indexing.documents import Passage

CONTEXT_SIZE = 300
"""Characters of context around an answer, unless told otherwise."""

# A sentence starts after a full stop of any script (and what closes it), or after an empty line.
_SENTENCE_START = regex.compile(
    r"(?:\p{Sentence_Terminal=Yes}[\p{Pe}\p{Pf}\"']*(?:\s+|(?<=[。！？．｡]))|\n\s*\n\s*)(?=\S)"
)
_WORD_START = regex.compile(r"\s+(?=\S)")
_CHARACTER = regex.compile(r"\X")
_BORDERS = (_SENTENCE_START, _WORD_START, _CHARACTER)  # each is tried where the one before is too far off


@dataclass(frozen=True, slots=True)
class Context:
    """Part of a document's text: `document_text[start : start + len(text)] == text`."""

    text: str
    start: int


def context_of(start: int, end: int, passages: Sequence[Passage], size: int = CONTEXT_SIZE) -> Context:
    """About `size` characters around the range `[start, end)` of a document.

    `passages` are passages of that document; those that join with the one that holds the range widen
    what can be shown. The context holds the whole range, however small `size` is, and is at most `size`
    long unless the range itself is longer.
    """
    text, offset = _joined(start, passages)
    first, last = _window(start - offset, end - offset, len(text), size)
    first, last = _trimmed(text, first, last, start - offset, end - offset)
    return Context(text[first:last], offset + first)


def reaches_beyond(start: int, end: int, passage: Passage, size: int = CONTEXT_SIZE) -> bool:
    """Whether the context of `[start, end)` would like text from before or after `passage`."""
    margin = max(size - (end - start), 0) // 2
    return start - margin < passage.start or end + margin > passage.start + len(passage.text)


def around(passages: Iterable[Passage], start: int, end: int) -> list[Passage]:
    """Those of a document's `passages`, given in order, that hold a character of `[start, end)`."""
    found = []
    for passage in passages:
        if passage.start >= end:
            break
        if passage.start + len(passage.text) > start:
            found.append(passage)
    return found


def _joined(position: int, passages: Sequence[Passage]) -> tuple[str, int]:
    """The longest unbroken text of `passages` that holds `position`, and its offset in the document."""
    text, offset = "", 0
    for passage in sorted(passages, key=lambda passage: passage.start):
        if text and passage.start == offset + len(text):
            text += passage.text
        elif text and offset <= position < offset + len(text):
            break
        else:
            text, offset = passage.text, passage.start
    return text, offset


def _window(start: int, end: int, length: int, size: int) -> tuple[int, int]:
    """`size` characters with the range in their middle, moved inwards at the borders of the text."""
    spare = max(size - (end - start), 0)
    first = max(start - spare // 2, 0)
    last = min(first + max(size, end - start), length)
    return max(min(first, last - size), 0), last


def _trimmed(text: str, first: int, last: int, start: int, end: int) -> tuple[int, int]:
    """The window with its ragged borders moved to those of sentences or words, never into the range."""
    if first > 0:
        before = text[max(first - 2, 0) : start]
        first = _first_border(before, first, start)
    if last < len(text):
        last = _last_border(text[end : last + 1], last, end)
    return first, last


def _first_border(before: str, first: int, start: int) -> int:
    """The first sentence start in the part before the range if that keeps half of it, else a word start."""
    offset = start - len(before)
    for borders in _BORDERS:
        positions: list[int] = [offset + match.end() for match in borders.finditer(before)]
        nearest = bisect_left(positions, first)
        if nearest < len(positions) and (positions[nearest] - first) * 2 <= start - first:
            return positions[nearest]
    return first


def _last_border(after: str, last: int, end: int) -> int:
    """The last sentence end in the part after the range if it keeps half of it, else a word end."""
    for borders in _BORDERS:
        positions = [end + len(after[: match.end()].rstrip()) for match in borders.finditer(after)]
        nearest = bisect_right(positions, last) - 1
        if nearest >= 0 and (last - positions[nearest]) * 2 <= last - end:
            return positions[nearest]
    return last
