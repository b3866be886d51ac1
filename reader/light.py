"""The engine without torch: packed embeddings looked up in numpy, the layers run by OpenVINO."""

import sys
from pathlib import Path
from queue import Empty, SimpleQueue
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fundstelle.reader.embeddings import Embeddings
from fundstelle.reader.engine import Batch, Logits
from fundstelle.reader.processor import available_cores, multiplies_bytes
from fundstelle.reader.shapes import few_shapes


class LightEngine:
    """Runs layers that `fundstelle.training.packing` exported; safe to call from several threads at once.

    layers: an OpenVINO model (.xml, its .bin beside it) with the inputs `embeddings` (windows, L, width)
        float32 and `attention_mask` (windows, L) int64, and the outputs `start_logits` and `end_logits`
        (windows, L).
    threads: cores to compute on, by default all physical ones the process may use.
    exact: compute in float32 throughout. By default it is what the processor has instructions for: 8 bits
        where the layers are quantised, bfloat16 elsewhere. Without such instructions float32 is the fastest,
        with the same weights (measured on AVX2 alone: 8-bit arithmetic takes 1.2 times as long).
    """

    def __init__(
        self, layers: Path, embeddings: Embeddings, *, threads: int | None = None, exact: bool = False
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
        self._quantised = bool(_quantisers(model))
        self._embeddings = embeddings
        self._layers = core.compile_model(model, "CPU", settings)
        self._idle: SimpleQueue[Any] = SimpleQueue()

    @property
    def description(self) -> str:
        """What runs where: "openvino int8 and f32 on CPU, 2 threads"."""
        floats = self._layers.get_property("INFERENCE_PRECISION_HINT").get_type_name()
        quantised = "int8 and " if self._quantised else ""
        threads = self._layers.get_property("INFERENCE_NUM_THREADS")
        return f"openvino {quantised}{floats} on CPU, {threads} threads"

    def logits(self, batch: Batch) -> tuple[Logits, Logits]:
        """Start and end logits, each (windows, L) float32. ValueError where token types are not all 0."""
        if batch.token_type_ids is not None and batch.token_type_ids.any():
            raise ValueError(
                "The bundled reader reads question and passage as one segment: pass no token types."
            )
        start, end = np.zeros((2, *batch.input_ids.shape), dtype=np.float32)
        for place, piece in few_shapes(batch):
            length = min(piece.input_ids.shape[1], batch.input_ids.shape[1])
            found = self._run(piece)
            start[place, :length], end[place, :length] = found[0][:, :length], found[1][:, :length]
        return start, end

    def _run(self, batch: Batch) -> tuple[Logits, Logits]:
        inputs = {"embeddings": self._embeddings[batch.input_ids], "attention_mask": batch.attention_mask}
        request = self._request()
        try:
            outputs = request.infer(inputs, share_inputs=True)
            return _copy(outputs["start_logits"]), _copy(outputs["end_logits"])
        finally:
            self._idle.put(request)

    def close(self) -> None:
        """Nothing to hand back: the memory goes with the engine."""

    def _request(self) -> Any:
        try:
            return self._idle.get_nowait()
        except Empty:
            return self._layers.create_infer_request()


def _quantisers(model: Any) -> list[Any]:
    """The nodes that take activations to 8 bits."""
    return [node for node in model.get_ops() if node.get_type_name() == "FakeQuantize"]


def _widen(model: Any) -> None:
    """Leave activations as they are and unfold the weights, so that everything is floating point."""
    passes = import_openvino().passes
    for node in _quantisers(model):
        for target in node.output(0).get_target_inputs():
            target.replace_source_output(node.input_value(0))
    manager = passes.Manager()
    manager.register_pass(passes.ConstantFolding())
    manager.run_passes(model)


def _copy(values: NDArray[np.float32]) -> Logits:
    return np.array(values, dtype=np.float32)


def import_openvino() -> Any:
    """The `openvino` module, imported so that it sends nothing home.

    Its import reports itself to an analytics service unless `openvino_telemetry` cannot be imported.
    """
    if "openvino" not in sys.modules:
        sys.modules.setdefault("openvino_telemetry", None)  # type: ignore[arg-type]
    import openvino.passes  # type: ignore[import-untyped]

    return openvino
