"""Counts what the reader will count: the tokens of a text."""

from collections.abc import Iterator, Sequence
from itertools import accumulate
from pathlib import Path

from tokenizers import Tokenizer

LONGEST_WORD = 500
"""Characters that are encoded at once: tokenizers take memory and time without bound for longer words."""

CACHED_WORDS = 200_000


class TokenCounter:
    """Counts tokens word by word, each different word once.

    Exact for tokenizers that cut at white space first (XLM-R, BERT); within a token or two for others.
    Words repeat, so this is two to five times faster than encoding whole texts.
    """

    def __init__(self, tokenizer: Tokenizer) -> None:
        self._tokenizer = tokenizer
        self._known: dict[str, int] = {}

    @classmethod
    def load(cls, path: str | Path) -> "TokenCounter":
        """A counter for the tokenizer in a `tokenizer.json` file."""
        tokenizer = Tokenizer.from_file(str(path))
        tokenizer.no_truncation()
        tokenizer.no_padding()
        return cls(tokenizer)

    def counts(self, texts: Sequence[str]) -> list[int]:
        """The number of tokens of each text, special tokens left out."""
        words = [text.split() for text in texts]
        self._learn({word for row in words for word in row})
        known = self._known
        return [sum([known[word] for word in row]) for row in words]

    def token_ends(self, text: str) -> list[int]:
        """The offsets in `text`, in order, at which a token ends."""
        pieces = list(_pieces(text))
        starts = accumulate(map(len, pieces), initial=0)
        encodings = self._tokenizer.encode_batch(list(map(_well_formed, pieces)), add_special_tokens=False)
        ends = {
            start + end
            for start, encoding in zip(starts, encodings, strict=False)
            for _, end in encoding.offsets
        }
        return sorted(ends)

    def _learn(self, words: set[str]) -> None:
        if len(self._known) > CACHED_WORDS:
            self._known.clear()
        new = [word for word in words if word not in self._known]
        self._known.update(zip(new, self._encoded_lengths(new), strict=True))

    def _encoded_lengths(self, words: list[str]) -> Iterator[int]:
        pieces = [list(_pieces(_well_formed(word))) for word in words]
        flat = [piece for row in pieces for piece in row]
        lengths = map(len, self._tokenizer.encode_batch_fast(flat, add_special_tokens=False))
        return (sum(next(lengths) for _ in row) for row in pieces)


def _pieces(word: str) -> Iterator[str]:
    return (word[start : start + LONGEST_WORD] for start in range(0, len(word), LONGEST_WORD))


def _well_formed(text: str) -> str:
    """`text` with each lone surrogate, which tokenizers refuse, as a question mark; as long as before."""
    return text.encode("utf-8", "replace").decode("utf-8")
