"""The one seam between reading and numerics: windows in, start and end logits out."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

Logits = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Batch:
    """Windows padded to one length L; all arrays are (windows, L) int64.

    `token_type_ids` is None for models that do not take them.
    """

    input_ids: NDArray[np.int64]
    attention_mask: NDArray[np.int64]
    token_type_ids: NDArray[np.int64] | None = None


class Engine(Protocol):
    """Runs an extractive QA model. Implementations agree within 1e-3 on the same float32 weights."""

    @property
    def description(self) -> str:
        """What runs where, for people: "openvino int8 on CPU"."""

    def logits(self, batch: Batch) -> tuple[Logits, Logits]:
        """Start and end logits, each (windows, L) float32, whatever the model's own dtype."""

    def close(self) -> None: ...


@runtime_checkable
class StreamingEngine(Engine, Protocol):
    """An engine with several batches under way: one is copied while another runs, or devices share them."""

    def stream(self, batches: Iterable[Batch]) -> Iterator[tuple[Logits, Logits]]:
        """The logits of each batch, in order; takes a batch from `batches` before it gives the last one's."""
