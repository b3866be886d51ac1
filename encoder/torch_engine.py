"""The engine with torch: any encoder of transformers, with the pooling its folder asks for."""

from collections.abc import Callable
from typing import Any

import torch

from fundstelle.encoder.engine import Vectors
from fundstelle.reader.engine import Batch
from fundstelle.reader.torch_engine import upload

Pool = Callable[[torch.Tensor, torch.Tensor], torch.Tensor]


def mean(hidden: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
    """The mean over the tokens of each window."""
    weights = mask[..., None].to(hidden.dtype)
    return (hidden * weights).sum(1) / weights.sum(1)


def first(hidden: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
    """What the model says of each window's first token."""
    return hidden[:, 0]


POOLING: dict[str, Pool] = {"mean": mean, "cls": first}


class TorchEncoder:
    """Runs a transformers model without a head; safe to call from several threads at once.

    Args:
        model: gives `last_hidden_state`; it is moved to `device` and converted to `dtype`.
        pooling: "mean" or "cls".
    """

    def __init__(self, model: Any, device: torch.device, dtype: torch.dtype, pooling: str) -> None:
        self._model = model.train(False).to(device=device, dtype=dtype)
        self._device = device
        self._dtype = dtype
        self._pool = POOLING[pooling]

    @property
    def description(self) -> str:
        """What runs where: "torch bfloat16 on cuda:0"."""
        return f"torch {str(self._dtype).removeprefix('torch.')} on {self._device}"

    @torch.inference_mode()
    def vectors(self, batch: Batch) -> Vectors:
        """One vector a window, (windows, width) float32; pooled in float32 whatever the model's dtype."""
        if self._model is None:
            raise RuntimeError("This encoder is closed; load it again.")
        ids, mask = (upload(array, self._device) for array in (batch.input_ids, batch.attention_mask))
        hidden = self._model(input_ids=ids, attention_mask=mask).last_hidden_state.float()
        vectors: Vectors = self._pool(hidden, mask).cpu().numpy()
        return vectors

    def close(self) -> None:
        """Let go of the weights."""
        self._model = None
        if self._device.type == "cuda":
            torch.cuda.empty_cache()
