"""Texts to windows of tokens. A text too long for one window becomes several of like length, each with the prefix."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np
from tokenizers import Tokenizer

from fundstelle.reader.engine import Batch
from fundstelle.reader.tokenization import encodable


@dataclass(frozen=True, slots=True)
class Window:
    """Tokens that the model takes at once: those of text number `text`, special tokens and prefix included."""

    text: int
    ids: Sequence[int]


class Windows:
    """Cuts texts for one tokenizer, which is given over to it: its truncation and padding are switched off.

    Args:
        max_length: most tokens of a window, special tokens included.
        pad_id: the token that fills batches up.
    """

    def __init__(self, tokenizer: Tokenizer, max_length: int, pad_id: int) -> None:
        if tokenizer.truncation is not None:  # a tokenizer that is in use elsewhere must not be touched
            tokenizer.no_truncation()
        if tokenizer.padding is not None:
            tokenizer.no_padding()
        self._tokenizer = tokenizer
        self._pad_id = pad_id
        self._before, self._after = _special_tokens(tokenizer)
        self._room = max_length - len(self._before) - len(self._after)

    @classmethod
    def of(cls, tokenizer: Tokenizer, max_length: int, pad_token: str | None) -> Self:
        """With the padding token by name; where the tokenizer does not know it, any will do: it is masked."""
        return cls(tokenizer, max_length, (tokenizer.token_to_id(pad_token) if pad_token else None) or 0)

    def cut(self, texts: Sequence[str], prefix: str) -> list[Window]:
        """The windows of all texts, each text behind `prefix`."""
        whole = [encodable(prefix + text) for text in texts]
        opening = self._tokenizer.encode(prefix.rstrip(), add_special_tokens=False).ids
        encodings = self._tokenizer.encode_batch(whole, add_special_tokens=False)
        return [
            Window(number, [*self._before, *piece, *self._after])
            for number, encoding in enumerate(encodings)
            for piece in _pieces(encoding.ids, opening, self._room)
        ]

    def collate(self, windows: Sequence[Window]) -> Batch:
        """Pad windows to the longest of them."""
        width = max(len(window.ids) for window in windows)
        ids = np.full((len(windows), width), self._pad_id, dtype=np.int64)
        mask = np.zeros_like(ids)
        for row, window in enumerate(windows):
            ids[row, : len(window.ids)] = window.ids
            mask[row, : len(window.ids)] = 1
        return Batch(ids, mask)


def _special_tokens(tokenizer: Tokenizer) -> tuple[list[int], list[int]]:
    """What the tokenizer puts before a text and after it."""
    whole, bare = tokenizer.encode("a").ids, tokenizer.encode("a", add_special_tokens=False).ids
    start = next(place for place in range(len(whole)) if whole[place : place + len(bare)] == bare)
    return whole[:start], whole[start + len(bare) :]


def _pieces(ids: Sequence[int], opening: Sequence[int], room: int) -> Iterator[Sequence[int]]:
    """`ids` as they are, or in equal pieces that each begin with `opening`."""
    if len(ids) <= room:
        yield ids
        return
    shared = opening if list(ids[: len(opening)]) == list(opening) and len(opening) < room else []
    rest, room = ids[len(shared) :], room - len(shared)
    count = -(-len(rest) // room)
    for number in range(count):
        yield [*shared, *rest[len(rest) * number // count : len(rest) * (number + 1) // count]]
