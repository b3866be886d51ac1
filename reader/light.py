"""The engine without torch: packed embeddings looked up in numpy, the layers run by OpenVINO.

It runs whatever `fundstelle.training` exports: a reader's layers and an encoder's share embeddings and all of this.
"""

import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from queue import Empty, SimpleQueue
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fundstelle.reader.embeddings import Embeddings
from fundstelle.reader.engine import Batch, Logits
from fundstelle.reader.processor import available_cores, multiplies_bytes
from fundstelle.reader.shapes import few_shapes


class LightLayers:
    """Layers behind packed word embeddings, run by OpenVINO; safe to call from several threads at once.

    layers: an OpenVINO model (.xml, its .bin beside it) with the inputs `embeddings` (windows, L, width)
        float32, `attention_mask` (windows, L) int64, and `token_type_ids` like it where they tell question and
        passage apart.
    threads: cores to compute on, by default all physical ones the process may use.
    exact: compute in float32 throughout. By default it is what the processor has instructions for: 8 bits
        where the layers are quantised, bfloat16 elsewhere. Without such instructions float32 is the fastest,
        with the same weights (measured on AVX2 alone: 8-bit arithmetic takes 1.2 times as long).
    max_length: tokens that the layers have positions for; None: more than anybody asks for.
    on_compile: called when the layers are read and compiling them is all that is left to do.
    """

    def __init__(
        self,
        layers: Path,
        embeddings: Embeddings,
        *,
        threads: int | None = None,
        exact: bool = False,
        max_length: int | None = None,
        on_compile: Callable[[], object] | None = None,
    ) -> None:
        core = import_openvino().Core()
        model = core.read_model(layers)
        settings: dict[str, Any] = {
            "PERFORMANCE_HINT": "LATENCY",
            "INFERENCE_NUM_THREADS": threads or available_cores(),
            "ENABLE_CPU_PINNING": False,  # pinned threads of two processes may share a core, others idle
        }
        if exact:
            settings["INFERENCE_PRECISION_HINT"] = "f32"
        if exact or not multiplies_bytes():
            _widen(model)
        self._quantised = bool(quantisers(model))
        self.token_types = takes_token_types(model)
        self._embeddings = embeddings
        self.max_length = max_length
        if on_compile:
            on_compile()
        self._layers = core.compile_model(model, "CPU", settings)
        self._idle: SimpleQueue[Any] = SimpleQueue()

    @property
    def description(self) -> str:
        """What runs where: "openvino int8 and f32 on CPU, 2 threads"."""
        floats = self._layers.get_property("INFERENCE_PRECISION_HINT").get_type_name()
        quantised = "int8 and " if self._quantised else ""
        threads = self._layers.get_property("INFERENCE_NUM_THREADS")
        return f"openvino {quantised}{floats} on CPU, {threads} threads"

    def run(self, batch: Batch, *outputs: str) -> tuple[NDArray[np.float32], ...]:
        """Outputs of the layers by name, float32. ValueError where they do not take the batch's token types."""
        if not self.token_types and batch.token_type_ids is not None and batch.token_type_ids.any():
            raise ValueError("The bundled layers take a window as one segment: pass no token types.")
        inputs = inputs_of(batch, self._embeddings, self.token_types)
        request = self._request()
        try:
            results = request.infer(inputs, share_inputs=True)
            return tuple(np.array(results[name], dtype=np.float32) for name in outputs)
        finally:
            self._idle.put(request)

    def close(self) -> None:
        """Nothing to hand back: the memory goes with the layers."""

    def _request(self) -> Any:
        try:
            return self._idle.get_nowait()
        except Empty:
            return self._layers.create_infer_request()


class LightEngine(LightLayers):
    """The engine of a reader: layers whose outputs are `start_logits` and `end_logits`, both (windows, L)."""

    def logits(self, batch: Batch) -> tuple[Logits, Logits]:
        """Start and end logits, each (windows, L) float32. ValueError for token types that the layers do not take."""
        start, end = np.zeros((2, *batch.input_ids.shape), dtype=np.float32)
        for place, piece in few_shapes(batch, self.max_length):
            length = min(piece.input_ids.shape[1], batch.input_ids.shape[1])
            found = self.run(piece, "start_logits", "end_logits")
            start[place, :length], end[place, :length] = (logits[:, :length] for logits in found)
        return start, end


def inputs_of(batch: Batch, embeddings: Embeddings, token_types: bool) -> dict[str, NDArray[Any]]:
    """A batch as layers take it, by the names of their inputs."""
    inputs: dict[str, NDArray[Any]] = {
        "embeddings": embeddings[batch.input_ids],
        "attention_mask": batch.attention_mask,
    }
    if token_types:
        types = batch.token_type_ids
        inputs["token_type_ids"] = np.zeros_like(batch.input_ids) if types is None else types
    return inputs


def takes_token_types(model: Any) -> bool:
    """Whether an OpenVINO model has the input."""
    return any("token_type_ids" in one.get_names() for one in model.inputs)


def quantisers(model: Any) -> list[Any]:
    """The nodes that take activations to 8 bits."""
    return [node for node in model.get_ops() if node.get_type_name() == "FakeQuantize"]


def release(nodes: Sequence[Any]) -> None:
    """Leave activations as they are where these nodes would take them to 8 bits."""
    for node in nodes:
        for target in node.output(0).get_target_inputs():
            target.replace_source_output(node.input_value(0))


def _widen(model: Any) -> None:
    """Release all activations and unfold the weights, so that everything is floating point."""
    passes = import_openvino().passes
    release(quantisers(model))
    manager = passes.Manager()
    manager.register_pass(passes.ConstantFolding())
    manager.run_passes(model)


def import_openvino() -> Any:
    """The `openvino` module, imported so that it sends nothing home.

    Its import reports itself to an analytics service unless `openvino_telemetry` cannot be imported.
    """
    if "openvino" not in sys.modules:
        sys.modules.setdefault("openvino_telemetry", None)  # type: ignore[arg-type]
    import openvino.passes  # type: ignore[import-untyped]

    return openvino
