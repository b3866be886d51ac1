"""Any Hugging Face extractive QA model, run by torch on the CPU, on CUDA or on MPS."""

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from fundstelle.reader.dtypes import fastest_dtype
from fundstelle.reader.engine import Batch, Logits
from fundstelle.reader.processor import available_cores

Pending = Callable[[], tuple[Logits, Logits]]
"""Logits on their way: call it to wait for them."""


class TorchEngine:
    """Runs a model that gives `start_logits` and `end_logits`.

    The last layer runs in float32 whatever the rest runs in: bfloat16 has 8 bits, which is too few to rank
    logits with. On CUDA a batch is copied from pinned memory while the one before is still running.

    Args:
        model: a transformers model for question answering; moved to `device` and converted to `dtype`.
        device: where it runs.
        dtype: what it runs in.
        compile: run it through `torch.compile`, with batches padded to few different shapes.
    """

    def __init__(
        self, model: Any, device: torch.device, dtype: torch.dtype = torch.float32, *, compile: bool = False
    ) -> None:
        if device.type == "cpu":
            torch.set_num_threads(min(torch.get_num_threads(), available_cores()))
        model = _converted(model, dtype).to(device).eval()
        self.device, self.dtype, self.compiled = device, dtype, compile
        self.model: Any = torch.compile(model, dynamic=False) if compile else model

    @property
    def description(self) -> str:
        """What runs where: "torch bfloat16 on cuda:0, compiled"."""
        dtype = str(self.dtype).removeprefix("torch.")
        return f"torch {dtype} on {self.device}" + (", compiled" if self.compiled else "")

    def logits(self, batch: Batch) -> tuple[Logits, Logits]:
        """Start and end logits, each (windows, L) float32."""
        return self._submit(batch)()

    def stream(self, batches: Iterable[Batch]) -> Iterator[tuple[Logits, Logits]]:
        """The logits of each batch, in order. On CUDA one batch is always under way while another is made."""
        ahead = 1 if self.device.type == "cuda" else 0
        pending: deque[Pending] = deque()
        for batch in batches:
            pending.append(self._submit(batch))
            if len(pending) > ahead:
                yield pending.popleft()()
        while pending:
            yield pending.popleft()()

    def close(self) -> None:
        """Let go of the weights."""
        self.model = None
        if self.device.type == "cuda":
            torch.cuda.empty_cache()

    @torch.inference_mode()
    def _submit(self, batch: Batch) -> Pending:
        if self.model is None:
            raise RuntimeError("This reader is closed; load it again.")
        rows, length = batch.input_ids.shape
        padded = bucketed(batch) if self.compiled else batch
        inputs = {"input_ids": padded.input_ids, "attention_mask": padded.attention_mask}
        if padded.token_type_ids is not None:
            inputs["token_type_ids"] = padded.token_type_ids
        output = self.model(**{name: upload(array, self.device) for name, array in inputs.items()})
        both = torch.stack((output.start_logits, output.end_logits)).float()
        return download(both[:, :rows, :length])


def upload(array: NDArray[np.int64], device: torch.device) -> torch.Tensor:
    """A copy of the array on the device; to CUDA from pinned memory, without waiting."""
    tensor = torch.from_numpy(array)
    if device.type == "cuda":
        return tensor.pin_memory().to(device, non_blocking=True)
    return tensor.to(device)


def download(both: torch.Tensor) -> Pending:
    """Bring (2, windows, L) back; from CUDA into pinned memory, and only the returned function waits."""
    if both.device.type != "cuda":
        start, end = both.cpu().numpy()
        return lambda: (start, end)
    host = torch.empty(both.shape, dtype=both.dtype, pin_memory=True)
    host.copy_(both, non_blocking=True)
    done = torch.cuda.Event()  # type: ignore[no-untyped-call]
    done.record(torch.cuda.current_stream(both.device))

    def wait() -> tuple[Logits, Logits]:
        done.synchronize()
        start, end = host.numpy()
        return start, end

    return wait


def bucketed(batch: Batch) -> Batch:
    """The batch padded to a power of two windows and a multiple of 64 tokens: few shapes to compile."""
    rows, length = batch.input_ids.shape
    extra = ((0, (1 << (rows - 1).bit_length()) - rows), (0, -length % 64))
    ids = np.pad(batch.input_ids, extra, mode="edge")
    mask = np.pad(batch.attention_mask, extra)
    mask[rows:, 0] = 1  # attention over nothing is not a number
    types = None if batch.token_type_ids is None else np.pad(batch.token_type_ids, extra)
    return Batch(ids, mask, types)


def last_layer(model: torch.nn.Module) -> str | None:
    """The name of the layer that gives the two logits of a token, where the model has it as its own."""
    for name, layer in model.named_children():
        if isinstance(layer, torch.nn.Linear) and layer.out_features == 2:
            return name
    return None


def _converted(model: Any, dtype: torch.dtype) -> Any:
    """The model in `dtype`, but for its last layer, which computes in float32 from whatever comes in."""
    name = last_layer(model)
    if name is None:
        return model.to(dtype)
    exact = getattr(model, name).float()
    setattr(model, name, torch.nn.Identity())
    model = model.to(dtype)
    setattr(model, name, exact)
    exact.register_forward_pre_hook(lambda _, inputs: tuple(value.float() for value in inputs))
    return model


def pick_device(name: str | None) -> torch.device:
    """The device of that name, or the best there is. ValueError where torch cannot use it."""
    if name is None:
        usable = (
            "cuda" if torch.cuda.is_available() else "",
            "mps" if torch.backends.mps.is_available() else "",
        )
        name = next(filter(None, usable), "cpu")
    try:
        device = torch.device(name)
    except RuntimeError:
        raise ValueError(f"There is no device {name}: use 'cpu', 'cuda', 'cuda:1' or 'mps'.") from None
    if device.type == "cuda" and not torch.cuda.is_available():
        raise ValueError(f"Device {name} was asked for, but torch sees no CUDA here; use 'cpu'.")
    return device


def pick_dtype(name: str | None, device: torch.device) -> torch.dtype:
    """The dtype of that name, or the fastest the device truly has. ValueError for what is no float dtype."""
    dtype = getattr(torch, name or fastest_dtype(device), None)
    if not isinstance(dtype, torch.dtype) or not dtype.is_floating_point:
        raise ValueError(f"dtype must be 'float32', 'bfloat16' or 'float16', not {name!r}.")
    return dtype
