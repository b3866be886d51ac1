"""The bundled reader's model and tokenizer as objects, for code that loads the two by itself.

Both work without torch and without transformers; arrays are numpy's.
"""

from collections.abc import Sequence
from dataclasses import dataclass, fields
from functools import cache
from pathlib import Path
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from fundstelle.reader import bundle
from fundstelle.reader.engine import Batch, Logits
from fundstelle.reader.reader import Reader

NAME = "bundled"
"""Stands for the reader that comes with the package wherever a model is named."""
ANY_MODEL: dict[str, Any] = {"max_question_length": 1, "stride": 0}
"""Settings that fit every model: each API sets its own when it reads."""


def is_bundle(model: Any) -> bool:
    """Whether this names the bundled reader, or a folder with another reader packed like it."""
    if model is None or model == NAME:
        return True
    return isinstance(model, (str, Path)) and (Path(model) / bundle.LAYERS).is_file()


def open_bundled(
    name: str | Path | None = None, device: str | None = None, dtype: str | None = None
) -> Reader:
    """The reader of that name, loaded once a process: model, tokenizer and every pipeline share it."""
    folder = bundle.path() if name in (None, NAME) else Path(str(name))
    return _open(folder.resolve(), None if device == "cpu" else device, dtype)


@cache
def _open(folder: Path, device: str | None, dtype: str | None) -> Reader:
    return Reader.load(folder, device=device, dtype=dtype, **ANY_MODEL)


@dataclass(frozen=True, slots=True)
class Output:
    """Start and end logits, each (windows, L) float32; by attribute, by name or by place."""

    start_logits: Logits
    end_logits: Logits

    def __getitem__(self, key: str | int) -> Logits:
        name = fields(self)[key].name if isinstance(key, int) else key
        logits: Logits = getattr(self, name)
        return logits


class BundledModel:
    """Calls the bundled reader's layers on token ids, as a transformers model is called."""

    def __init__(self, reader: Reader) -> None:
        self.reader = reader

    @classmethod
    def from_pretrained(cls, name: str | Path | None = None, **options: Any) -> Self:
        """The bundled reader, or the folder of another; options of hub access mean nothing here."""
        return cls(open_bundled(name))

    def __call__(
        self, input_ids: ArrayLike, attention_mask: ArrayLike | None = None, token_type_ids: Any = None
    ) -> Output:
        """Logits of windows (windows, L). Token types are taken and not looked at: the layers know none."""
        ids = np.asarray(input_ids, dtype=np.int64)
        mask = np.ones_like(ids) if attention_mask is None else np.asarray(attention_mask, dtype=np.int64)
        return Output(*self.reader.engine.logits(Batch(ids, mask)))

    def eval(self) -> Self:
        """Nothing to do: it never trains."""
        return self


class BundledTokenizer:
    """The bundled reader's tokenizer, called with texts or with pairs of question and context."""

    def __init__(self, reader: Reader) -> None:
        self.backend_tokenizer = reader.tokenizer.backend
        self.name_or_path = reader.name

    @classmethod
    def from_pretrained(cls, name: str | Path | None = None, **options: Any) -> Self:
        """The bundled reader's, or that of another packed like it."""
        return cls(open_bundled(name))

    def __call__(
        self, text: str, text_pair: str | None = None, **options: Any
    ) -> dict[str, NDArray[np.int64]]:
        """`input_ids` and `attention_mask`, (1, L): one window with its special tokens, not cut."""
        found = self.backend_tokenizer.encode(text, text_pair)
        ids = np.asarray([found.ids], dtype=np.int64)
        return {"input_ids": ids, "attention_mask": np.ones_like(ids)}

    def encode(self, text: str, text_pair: str | None = None) -> list[int]:
        """Token ids with special tokens."""
        return list(self.backend_tokenizer.encode(text, text_pair).ids)

    def decode(self, ids: Sequence[int], skip_special_tokens: bool = False) -> str:
        """The text of token ids."""
        return self.backend_tokenizer.decode(list(ids), skip_special_tokens=skip_special_tokens)

    def tokenize(self, text: str) -> list[str]:
        """The pieces of a text, without special tokens."""
        return list(self.backend_tokenizer.encode(text, add_special_tokens=False).tokens)
