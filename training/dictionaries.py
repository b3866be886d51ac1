"""Bilingual dictionaries in the format of dictd, as FreeDict publishes them and Debian packages them."""

import gzip
import re
from collections import Counter, defaultdict
from dataclasses import dataclass
from pathlib import Path
from typing import Self

_DIGITS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
_NUMBER = re.compile(r"^\d+\.\s*")
_END = re.compile(r"[,;:(<\[/\"|=]")
_LONGEST = 2  # words of a translation; longer ones explain instead of translating
_SHORTEST = 4  # letters of a word; articles and prepositions have no translation of their own


@dataclass(frozen=True, slots=True)
class Dictionary:
    """One translation for each word. language: BCP 47 code or name of what it translates into."""

    language: str
    words: dict[str, str]

    @classmethod
    def open(cls, index: Path) -> Self:
        """From `freedict-eng-deu.index`, beside which `freedict-eng-deu.dict.dz` lies.

        Some dictionaries list phrases under their first word, told apart by a longer pronunciation. Of a word's own
        entries the translation is taken with which most begin, and of those the one with the longest entry: rare
        senses are explained in fewer words.
        """
        text = gzip.decompress(index.with_suffix(".dict.dz").read_bytes())
        entries: defaultdict[str, list[str]] = defaultdict(list)
        for line in index.read_text(encoding="utf-8").splitlines():
            word, start, length = line.split("\t")[:3]
            entry = text[_number(start) : _number(start) + _number(length)].decode("utf-8", "replace")
            if len(word) >= _SHORTEST and _head(entry)[0] == word.casefold():
                entries[word.casefold()].append(entry)
        chosen = {word: _best(found) for word, found in entries.items()}
        return cls(index.stem.split("-")[-1], {word: one for word, one in chosen.items() if one})


def _number(digits: str) -> int:
    """dictd writes numbers in base 64."""
    value = 0
    for digit in digits:
        value = value * 64 + _DIGITS.index(digit)
    return value


def _head(entry: str) -> tuple[str, str]:
    """The headword and how it is pronounced."""
    word, _, rest = entry.split("\n", 1)[0].partition("/")
    return word.strip().casefold(), rest.partition("/")[0]


def _best(entries: list[str]) -> str | None:
    shortest = min(len(_head(entry)[1]) for entry in entries)
    votes: Counter[str] = Counter()
    lengths: Counter[str] = Counter()
    for entry in entries:
        found = _translation(entry) if len(_head(entry)[1]) == shortest else None
        if found:
            votes[found] += 1
            lengths[found] = max(lengths[found], len(entry))
    return max(votes, key=lambda one: (votes[one], lengths[one]), default=None)


def _translation(entry: str) -> str | None:
    """What the first line after the headword begins with; examples, notes and references are indented."""
    for line in entry.split("\n")[1:]:
        text = _END.split(_NUMBER.sub("", line.rstrip()), maxsplit=1)[0].replace("~", " ").strip()
        if text and not line.startswith(" "):
            return text if len(text.split()) <= _LONGEST and not text.endswith(".") else None
    return None
