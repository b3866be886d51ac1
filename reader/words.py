"""Where answers may begin and end: whole words, or whole characters where words are no help.

Words are no help in scripts without spaces, and where endings are written onto them that are no part of
an answer: of the answers people marked in Korean every second one ends before the end of its word.
"""

import regex

_BY_CHARACTER = (
    r"\p{Han}\p{Hiragana}\p{Katakana}\p{Bopomofo}\p{Yi}\p{Thai}\p{Lao}\p{Khmer}\p{Myanmar}"
    r"\p{Tai_Tham}\p{Tai_Le}\p{New_Tai_Lue}\p{Tai_Viet}"
    r"\p{Hangul}"
)
_IN_WORD = rf"[[\p{{L}}\p{{M}}\p{{N}}\p{{Pc}}\p{{GCB=Prepend}}\u00ad\u200c\u200d\u2060]--[{_BY_CHARACTER}ー]]"
_UNIT = regex.compile(
    rf"(?:(?={_IN_WORD})\X|(?<=\p{{N}})[.,٫٬](?=\p{{N}}))+"  # a word, or a number with its separators
    r"|\X",  # or else a character as people see it
    regex.VERSION1,
)
_CHARACTER = regex.compile(r"\X")
_RUN = regex.compile(r"\s|\S+")
BLANK = regex.compile(r"[\s\p{Cc}[\p{Cf}--\p{GCB=Prepend}]]+", regex.VERSION1)
"""Characters that nobody sees: no answer begins with, ends with or consists of them."""

_DETACHED = frozenset(",;:、，；：،؛।॥。｡")
"""Marks that join or end what stands before them and are never part of a name."""
_CLOSERS = dict(zip("([{「『《〈【（［", ")]}」』》〉】）］", strict=True))
_QUOTES = frozenset('"“”„«»‹›')
"""Quotation marks that open in one language and close in another."""
_OPENERS = {closer: opener for opener, closer in _CLOSERS.items()}

REACH = 256
"""Characters by which a border moves out, at most: what goes on for longer is a key or data, and no word."""


def align(text: str, start: int, end: int) -> tuple[int, int]:
    """Move the borders of `[start, end)` out to the words, or characters as people see them, they cut.

    Neither border character may be blank.
    """
    return _unit(text, start)[0], _unit(text, end - 1)[1]


def trim(text: str, start: int, end: int) -> tuple[int, int]:
    """Leave out what surrounds an answer and is not part of it: blanks, joining marks, single brackets.

    An answer that consists of such marks alone stays as it is.
    """
    low, high = start, end
    characters = _characters(text, start, end)
    while characters and _is_rim(characters[0], text[low:high], _CLOSERS, _OPENERS):
        low += len(characters.pop(0))
    while characters and (
        _is_rim(characters[-1], text[low:high], _OPENERS, _CLOSERS) or _ends_sentence(text[low:high])
    ):
        high -= len(characters.pop())
    return (low, high) if characters else (start, end)


def _is_rim(mark: str, span: str, partners: dict[str, str], others: dict[str, str]) -> bool:
    """Whether the character at the edge of the span is no part of the answer.

    `partners` holds brackets whose partner must be in the span, `others` those that cannot have one there.
    """
    if mark in partners:
        return span.count(partners[mark]) < span.count(mark)
    if mark in _QUOTES:
        return sum(character in _QUOTES for character in span) % 2 == 1
    return mark in others or mark in _DETACHED or BLANK.fullmatch(mark) is not None


def _ends_sentence(span: str) -> bool:
    """Whether the full stop at the end is one, not an abbreviation's: it stands behind a bracket or quote."""
    return span[-1] == "." and (span[-2:-1] in _QUOTES or span[-2:-1] in _OPENERS)


def _characters(text: str, start: int, end: int) -> list[str]:
    """The characters as people see them; white space belongs to none but itself."""
    return [
        character
        for run in _RUN.finditer(text, start, end)
        for character in _CHARACTER.findall(text, run.start(), run.end())
    ]


def _unit(text: str, position: int) -> tuple[int, int]:
    """The range of the word or visible character that holds `text[position]`, which is not white space.

    Where the word goes on beyond `REACH`, its border is that of the character.
    """
    low, high = position, position + 1
    while low and position - low < REACH and not text[low - 1].isspace():
        low -= 1
    while high < len(text) and high - position <= REACH and not text[high].isspace():
        high += 1
    word, character = (
        next(found for found in pattern.finditer(text, low, high) if found.end() > position)
        for pattern in (_UNIT, _CHARACTER)
    )
    return (
        word.start() if position - word.start() < REACH else character.start(),
        word.end() if word.end() - position <= REACH else character.end(),
    )
