"""The table of word embeddings, memory-mapped: only the rows a batch asks for are read and widened.

Weights that were trained at 4 bits stay at 4 bits, all others are kept as float16. At 4 bits the format is Q4_0 as
ggml names it: blocks of 32 weights, each a float16 scale and 32 nibbles, `weight = scale x
(nibble - 8)`. A row's scales and nibbles stand together, so that a look-up touches one or two memory pages;
neighbouring weights share a byte (the even one in its low half), so that one table turns bytes into pairs.
"""

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

BLOCK = 32

_NIBBLES = np.arange(256)
_PAIRS = np.stack([(_NIBBLES & 15) - 8, (_NIBBLES >> 4) - 8], axis=1).astype(np.float32)

TOLERANCE = 0.005
"""Of the length of the whole table: what the rounding of scales may change."""


def compact(weights: NDArray[np.float32]) -> NDArray[Any]:
    """`weights` (rows, width) as a table for `Embeddings`: at 4 bits where they are so already, else in float16."""
    if weights.shape[1] % BLOCK == 0:
        packed = pack(weights)
        if difference(Embeddings(packed), weights) <= TOLERANCE:
            return packed
    return weights.astype(np.float16)


def difference(embeddings: "Embeddings", weights: NDArray[np.float32]) -> float:
    """How far a table is from `weights` of the same shape, as a share of their length."""
    return float(np.linalg.norm(embeddings[np.arange(len(weights))] - weights) / np.linalg.norm(weights))


def pack(weights: NDArray[np.float32]) -> NDArray[Any]:
    """`weights` (rows, width) to packed rows; the width must be a multiple of 32.

    Each block's scale takes its largest weight to nibble 0 and is then fitted by least squares, so a table
    that was at 4 bits before comes back with the nibbles it had.
    """
    rows, width = weights.shape
    if width % BLOCK:
        raise ValueError(
            f"Embeddings {width} wide cannot be packed: the width must be a multiple of {BLOCK}."
        )
    blocks = weights.reshape(rows, width // BLOCK, BLOCK)
    largest = np.take_along_axis(blocks, np.abs(blocks).argmax(axis=2)[..., None], axis=2)
    levels = _levels(blocks, largest / np.float32(-8))
    squares = np.square(levels).sum(axis=2, keepdims=True)
    scales = (blocks * levels).sum(axis=2, keepdims=True) / np.maximum(squares, 1)
    scales = scales.astype(np.float16)
    nibbles = (_levels(blocks, scales.astype(np.float32)) + 8).astype(np.uint8).reshape(rows, width)
    packed = np.empty(rows, dtype=row_type(width))
    packed["scales"] = scales[..., 0]
    packed["nibbles"] = nibbles[:, 0::2] | nibbles[:, 1::2] << 4
    return packed


def _levels(blocks: NDArray[np.float32], scales: NDArray[np.float32]) -> NDArray[np.float32]:
    steps = np.divide(blocks, scales, out=np.zeros_like(blocks), where=scales != 0)
    return np.clip(np.rint(steps), -8, 7)


def row_type(width: int) -> np.dtype[Any]:
    """The packed form of one row: width / 32 float16 scales, then width / 2 bytes of nibbles."""
    return np.dtype([("scales", "<f2", width // BLOCK), ("nibbles", "u1", width // 2)])


class Embeddings:
    """Word embeddings by token id, from a table that `compact` or `pack` gave, usually memory-mapped."""

    def __init__(self, table: NDArray[Any]) -> None:
        self._table = table
        self.width = table["nibbles"].shape[1] * 2 if table.dtype.names else table.shape[1]

    @classmethod
    def open(cls, path: Path) -> "Embeddings":
        """Map a table saved by `numpy.save`; nothing is read before it is asked for."""
        return cls(np.load(path, mmap_mode="r"))

    def __len__(self) -> int:
        return len(self._table)

    def __getitem__(self, ids: NDArray[np.int64]) -> NDArray[np.float32]:
        """The embeddings of `ids` (any shape): (*ids.shape, width). IndexError for an id beyond the table."""
        unique, places = np.unique(ids, return_inverse=True)
        return _widened(self._table[unique])[places.reshape(ids.shape)]


def _widened(rows: NDArray[Any]) -> NDArray[np.float32]:
    """Rows of a table in float32."""
    if rows.dtype.names is None:
        return np.asarray(rows, dtype=np.float32)
    values: NDArray[np.float32] = _PAIRS[rows["nibbles"]].reshape(len(rows), -1, BLOCK)
    values *= rows["scales"].astype(np.float32)[..., None]
    return values.reshape(len(rows), -1)
