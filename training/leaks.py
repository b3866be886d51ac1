"""Keeps evaluation data out of training: whatever shares a piece of text with a held-out paragraph is left out."""

import unicodedata
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Self

from fundstelle.evaluation.datasets import load

SHINGLE = 64
"""Bytes of a shared piece, letters and digits alone: some 64 Latin letters, or 21 Chinese characters. Shorter pieces
are found in unrelated texts (names, titles of offices)."""


class HeldOut:
    """Questions and paragraphs that must not be trained on."""

    def __init__(self, pairs: Iterable[tuple[str, str]]) -> None:
        """From (question, paragraph) pairs."""
        self._questions: set[bytes] = set()
        self._pieces: set[int] = set()
        self._shared: dict[str, bool] = {}
        contexts: set[str] = set()
        for question, context in pairs:
            self._questions.add(_plain(question))
            contexts.add(context)
        self._contexts = {_plain(context) for context in contexts} - {b""}
        for plain in self._contexts:
            self._pieces.update(_pieces(plain))

    @classmethod
    def of_files(cls, files: Iterable[Path]) -> Self:
        """From files in SQuAD format."""
        questions = (one for file in files for one in load(file, offsets="report").questions)
        return cls((one.text, one.context) for one in questions)

    def knows(self, question: str, context: str) -> bool:
        """Whether the same question, the same paragraph, or one with a common piece of text, is held out."""
        if _plain(question) in self._questions:
            return True
        if context not in self._shared:  # asked again for every question of a paragraph
            self._shared[context] = self._shares(_plain(context))
        return self._shared[context]

    def _shares(self, context: bytes) -> bool:
        return context in self._contexts or any(piece in self._pieces for piece in _pieces(context))


def _plain(text: str) -> bytes:
    folded = unicodedata.normalize("NFKC", text).casefold()
    return "".join(filter(str.isalnum, folded)).encode("utf-8", "ignore")


def _pieces(text: bytes) -> Iterator[int]:
    """Hashes of every piece of `SHINGLE` bytes, so that a match of that length is found wherever it starts."""
    return (hash(text[i : i + SHINGLE]) for i in range(len(text) - SHINGLE + 1))
