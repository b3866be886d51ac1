"""Words of an answer in any language, where splitting at spaces is not enough."""

import string
import sys
import unicodedata
from functools import cache

import regex

SPACELESS = r"\p{Han}\p{Hiragana}\p{Katakana}\p{Thai}\p{Lao}\p{Khmer}\p{Myanmar}"
"""Scripts that do not put spaces between words."""

_SEGMENT = regex.compile(rf"(?=[{SPACELESS}])\X|[^{SPACELESS}]+")


def segments(text: str) -> list[str]:
    """Words at spaces; in scripts without spaces each user-perceived character is one.

    `segments("2015年在 Köln")` is `["2015", "年", "在", "Köln"]`; a Thai vowel stays with its consonant.
    """
    return [str(segment) for word in text.split() for segment in _SEGMENT.findall(word)]


def without_punctuation(text: str) -> str:
    """`text` less all that Unicode or ASCII calls punctuation, as the MLQA script takes it away."""
    return text.translate(_deletions())


@cache
def punctuation() -> frozenset[str]:
    """Every character of the Unicode categories P* and of ASCII's punctuation."""
    everything = map(chr, range(sys.maxunicode + 1))
    return frozenset(one for one in everything if unicodedata.category(one)[0] == "P").union(
        string.punctuation
    )


@cache
def _deletions() -> dict[int, None]:
    return {ord(character): None for character in punctuation()}
