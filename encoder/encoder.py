"""The encoder: texts in, vectors of length 1 out, whose products say how much alike the texts are in meaning."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from threading import Lock
from types import TracebackType
from typing import Any, Self

import numpy as np

from fundstelle.encoder.engine import EncoderEngine, Vectors
from fundstelle.encoder.windows import Window, Windows
from fundstelle.reader.batches import plan
from fundstelle.reader.prefetch import prefetch

TOKEN_BUDGET = 4096
"""Most tokens of one batch, padding included."""

GROUP_SIZE = 256
"""Texts cut into windows and held in memory at a time."""


@dataclass(frozen=True, slots=True)
class Description:
    """What tells vectors of one encoder from those of another.

    Attributes:
        name: what people call it.
        revision: digest of the weights and of all that decides what becomes of a text.
        width: numbers of a vector.
        query_prefix, passage_prefix: what stands before a text, since the model was trained so.
    """

    name: str
    revision: str
    width: int
    query_prefix: str = ""
    passage_prefix: str = ""


@dataclass(frozen=True, slots=True)
class Parts:
    """What runs: the model, and what cuts texts for it."""

    engine: EncoderEngine
    windows: Windows


class Encoder:
    """Encodes queries and passages. Made by `load`; safe to call from several threads at once.

    Weights are loaded when the first text comes, so that asking an encoder who it is costs next to nothing.
    They lie in `folder`, and beside them what was fitted for the encoder.
    """

    def __init__(
        self,
        description: Description,
        load: Callable[[], Parts],
        folder: Path | None = None,
        token_budget: int = TOKEN_BUDGET,
    ) -> None:
        self.description = description
        self.folder = folder
        self._load = load
        self._loading = Lock()
        self._token_budget = token_budget
        self._loaded: Parts | None = None

    @classmethod
    def load(
        cls,
        model: str | Path | None = None,
        *,
        device: str | None = None,
        dtype: str | None = None,
        hub: Mapping[str, Any] | None = None,
        **changes: str,
    ) -> Self:
        """Open an encoder: the bundled one (model None), or any in the way of sentence-transformers.

        Args:
            model: None, a folder, or a name on the Hugging Face hub.
            device: "cpu", "cuda", "cuda:1", "mps"; None: the best there is.
            dtype: "float32", "bfloat16", "float16"; None: what the device is fastest in.
            hub: `revision`, `cache_dir`, `token`, `local_files_only`.
            changes: `query_prefix` and `passage_prefix`, where the model's files do not say them.

        Raises:
            ValueError: the model is no encoder that can be run, or the bundled one cannot be run so.
            FileNotFoundError: the bundled weights are missing.
            ModuleNotFoundError: the model needs torch and the extra `fundstelle[torch]` is not installed.
        """
        from fundstelle.encoder.loading import find

        return cls(*find(model, device=device, dtype=dtype, hub=hub or {}, changes=changes))

    @property
    def name(self) -> str:
        return self.description.name

    @property
    def revision(self) -> str:
        return self.description.revision

    @property
    def width(self) -> int:
        return self.description.width

    @property
    def prefix(self) -> str:
        """What stands before a passage."""
        return self.description.passage_prefix

    @property
    def engine(self) -> EncoderEngine:
        return self._parts().engine

    def queries(self, texts: Sequence[str]) -> Vectors:
        """One vector of length 1 for each query: (n, width)."""
        return self._encode(texts, self.description.query_prefix)

    def passages(self, texts: Sequence[str]) -> Vectors:
        """One vector of length 1 for each passage: (n, width).

        A passage longer than the model's window is read in pieces; its vector is their mean, each as heavy as
        it has tokens.
        """
        return self._encode(texts, self.description.passage_prefix)

    def _parts(self) -> Parts:
        """Engine and tokenizer, loaded once."""
        with self._loading:
            self._loaded = self._loaded or self._load()
            return self._loaded

    def _encode(self, texts: Sequence[str], prefix: str) -> Vectors:
        parts = self._parts()
        sums = np.zeros((len(texts), self.width), dtype=np.float32)
        for first, windows in prefetch(_groups(parts.windows, texts, prefix)):
            for batch in plan([len(window.ids) for window in windows], self._token_budget):
                chosen = [windows[place] for place in batch]
                vectors = parts.engine.vectors(parts.windows.collate(chosen))
                weights = np.array([[len(window.ids)] for window in chosen], dtype=np.float32)
                np.add.at(sums, [first + window.text for window in chosen], vectors * weights)
        lengths = np.linalg.norm(sums, axis=1, keepdims=True)
        if not np.isfinite(lengths).all():
            raise FloatingPointError(
                f"{self.name} gave vectors that are no numbers; load it with dtype='float32'."
            )
        unit: Vectors = sums / np.maximum(lengths, np.finfo(np.float32).tiny)
        return unit

    def close(self) -> None:
        """Let go of the weights."""
        if self._loaded:
            self._loaded.engine.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def _groups(cutter: Windows, texts: Sequence[str], prefix: str) -> Iterator[tuple[int, list[Window]]]:
    """The windows of some texts after those of others, with the number of the first of these texts."""
    for first in range(0, len(texts), GROUP_SIZE):
        yield first, cutter.cut(texts[first : first + GROUP_SIZE], prefix)
