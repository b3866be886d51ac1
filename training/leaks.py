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
        contexts: set[str] = set()
        for question, context in pairs:
            self._questions.add(_plain(question))
            contexts.add(context)
        for context in contexts:
            self._pieces.update(_pieces(_plain(context), 1))

    @classmethod
    def of_files(cls, files: Iterable[Path]) -> Self:
        """From files in SQuAD format."""
        questions = (one for file in files for one in load(file, offsets="report").questions)
        return cls((one.text, one.context) for one in questions)

    def knows(self, question: str, context: str) -> bool:
        """Whether the same question, or a paragraph with a common piece of text, is held out."""
        if _plain(question) in self._questions:
            return True
        return any(piece in self._pieces for piece in _pieces(_plain(context), SHINGLE // 2))


def _plain(text: str) -> bytes:
    folded = unicodedata.normalize("NFKC", text).casefold()
    return "".join(filter(str.isalnum, folded)).encode("utf-8", "ignore")


def _pieces(text: bytes, step: int) -> Iterator[int]:
    """Hashes of pieces of `SHINGLE` bytes; one of every two half-overlapping ones is inside any longer match."""
    return (hash(text[i : i + SHINGLE]) for i in range(0, len(text) - SHINGLE + 1, step))
