"""Tokenizers as the reader needs them: fast ones only, special tokens known by role, not by position."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Self

from tokenizers import Encoding, Tokenizer

UNLIMITED = 1_000_000
"""Tokenizer configurations write huge numbers where they mean that the model has no maximum."""


@dataclass(frozen=True, slots=True)
class Template:
    """The special tokens around a question and a passage.

    `prefix first between second suffix`, where first and second are the question and the passage, or the
    other way round (`question_first`). Each part is a tuple of token ids with a tuple of type ids beside it.
    """

    prefix: tuple[int, ...]
    between: tuple[int, ...]
    suffix: tuple[int, ...]
    types: tuple[tuple[int, ...], tuple[int, ...], tuple[int, ...]]
    first_type: int
    second_type: int
    question_first: bool

    @property
    def size(self) -> int:
        """Special tokens of a window."""
        return len(self.prefix) + len(self.between) + len(self.suffix)


class ReaderTokenizer:
    """A fast tokenizer with what a reader must know of it.

    Args:
        tokenizer: from the `tokenizers` library; its own truncation and padding are switched off.
        path: the `tokenizer.json` it came from, or None.
        cls_token, pad_token: by role; a tokenizer without `cls_token` has its null answer at position 0.
        padding_side: "right", or "left" for models that read the passage before the question.
        max_length: most tokens of a window that the model takes, special tokens included.
        token_types: whether the model takes `token_type_ids`.
    """

    def __init__(
        self,
        tokenizer: Tokenizer,
        *,
        path: Path | None = None,
        cls_token: str | None = None,
        pad_token: str | None = None,
        padding_side: str = "right",
        max_length: int = 512,
        token_types: bool = False,
    ) -> None:
        tokenizer.no_truncation()
        tokenizer.no_padding()
        self.backend = tokenizer
        self.path = path
        self.cls_id = self._id_of(cls_token)
        self.pad_id = self._id_of(pad_token) or 0
        self.padding_side = padding_side
        self.max_length = max_length
        self.token_types = token_types

    def _id_of(self, token: str | None) -> int | None:
        return None if token is None else self.backend.token_to_id(token)

    @classmethod
    def load(cls, folder: Path, *, max_length: int | None = None, token_types: bool = False) -> Self:
        """Open the `tokenizer.json` of a folder, with the roles that `tokenizer_config.json` names."""
        raise NotImplementedError
