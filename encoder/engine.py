"""The one seam between texts and numerics: windows of tokens in, one vector a window out."""

from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from fundstelle.reader.engine import Batch
from fundstelle.reader.light import LightLayers
from fundstelle.reader.shapes import few_shapes

Vectors = NDArray[np.float32]
OUTPUT = "vectors"
"""The output of an encoder's layers, as `fundstelle.training.encoders` names it."""


class EncoderEngine(Protocol):
    """Runs an encoder with its pooling."""

    @property
    def description(self) -> str:
        """What runs where, for people: "openvino int8 on CPU"."""

    def vectors(self, batch: Batch) -> Vectors:
        """One vector a window, (windows, width) float32, of any length."""

    def close(self) -> None: ...


class LightEncoder(LightLayers):
    """The engine without torch: layers whose output is `vectors`, (windows, width)."""

    def vectors(self, batch: Batch) -> Vectors:
        """One vector a window, (windows, width) float32, of any length."""
        return np.concatenate([self.run(piece, OUTPUT)[0] for _, piece in few_shapes(batch, self.max_length)])
