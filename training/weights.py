"""Weights in training: kept in float32, computed with in what the device is fast in."""

from collections.abc import Iterable, Iterator
from typing import Any

import torch


class MasterWeights:
    """AdamW over float32 copies of a model's trainable weights, which may themselves be bfloat16.

    Bfloat16 has 8 bits: an update of a thousandth of a weight would be rounded away. So updates go to the copies
    and the model gets them rounded (Micikevicius et al., 2018, "Mixed Precision Training"). Biases and
    normalisation are not decayed.
    """

    def __init__(self, parameters: Iterable[tuple[str, torch.nn.Parameter]], weight_decay: float) -> None:
        named = [(name, one) for name, one in parameters if one.requires_grad]
        self._names = [name for name, _ in named]
        self._weights = [one for _, one in named]
        self._copies = [one.detach().float().clone() for one in self._weights]
        decayed = [copy for copy in self._copies if copy.ndim > 1]
        kept = [copy for copy in self._copies if copy.ndim < 2]
        groups = [{"params": decayed, "weight_decay": weight_decay}, {"params": kept, "weight_decay": 0.0}]
        self._optimiser = torch.optim.AdamW([group for group in groups if group["params"]], fused=True)

    def step(self, learning_rate: float, scale: float, max_gradient: float) -> float:
        """Update by the gradients times `scale`, cut to the norm `max_gradient`; returns the norm before."""
        for weight, copy in zip(self._weights, self._copies, strict=True):
            copy.grad = None if weight.grad is None else weight.grad.float().mul_(scale)
            weight.grad = None
        norm = torch.nn.utils.clip_grad_norm_(self._copies, max_gradient)
        if torch.isfinite(norm):
            for group in self._optimiser.param_groups:
                group["lr"] = learning_rate
            self._optimiser.step()
            self._round()
        return float(norm)

    @torch.no_grad()
    def _round(self) -> None:
        for weight, copy in zip(self._weights, self._copies, strict=True):
            weight.copy_(copy)

    def named(self) -> Iterator[tuple[str, torch.Tensor]]:
        """The float32 copies under their names in the model."""
        return zip(self._names, self._copies, strict=True)

    def state(self) -> dict[str, Any]:
        """Everything needed to go on as if never interrupted."""
        return {"weights": dict(self.named()), "optimiser": self._optimiser.state_dict()}

    @torch.no_grad()
    def restore(self, state: dict[str, Any]) -> None:
        """Back to what `state` gave. ValueError where the weights are another model's."""
        if state["weights"].keys() != set(self._names):
            raise ValueError("The checkpoint is of another model: train into another folder.")
        for name, copy in self.named():
            copy.copy_(state["weights"][name])
        self._optimiser.load_state_dict(state["optimiser"])
        self._round()
