"""The vectors of an embedded store: rows in files that only grow, found by the key of their content.

    vectors/space.json   the space of the vectors, and the number of the files that hold them
    vectors/1.rows       float16, one row after the other, memory-mapped
    vectors/1.keys       the content key of each row, 8 bytes; written after the row, so that a key tells of a whole row
    vectors/1.nearest    an approximate index over the first rows of large collections, see `vector_nearest`

A process that dies leaves at most rows without keys, which the next writer cuts off. Nothing is ever overwritten, so
readers may map what they know; to leave out what no passage needs any more, files of the next number are written.
"""

import json
import os
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from fundstelle.indexing.store import Vector, VectorSpace

FOLDER, SPACE = "vectors", "space.json"
KEY, NUMBER = np.dtype("<i8"), np.dtype("<f2")
Places = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Generation:
    """The files of one number, and the space of the vectors in them."""

    folder: Path
    number: int
    space: VectorSpace

    @classmethod
    def current(cls, store: Path) -> Self | None:
        """The one that counts; None where the store has no vectors."""
        try:
            fields = json.loads((store / FOLDER / SPACE).read_text(encoding="utf-8"))
        except FileNotFoundError:
            return None
        return cls(store / FOLDER, fields.pop("number"), VectorSpace(**fields))

    @classmethod
    def new(cls, store: Path, space: VectorSpace) -> Self:
        """Not yet the one that counts; of a number that no file has, since readers may have that one open."""
        numbers = [int(path.name.partition(".")[0]) for path in (store / FOLDER).glob("[0-9]*")]
        return cls(store / FOLDER, max(numbers, default=0) + 1, space)

    def file(self, kind: str) -> Path:
        return self.folder / f"{self.number}.{kind}"

    def begin(self) -> None:
        """Make empty files, whatever a killed process left in their place."""
        self.folder.mkdir(exist_ok=True)
        self.file("nearest").unlink(missing_ok=True)
        for kind in ("rows", "keys"):
            self.file(kind).write_bytes(b"")

    def establish(self) -> None:
        """Make this the one that counts, in one step, and remove the others' files."""
        draft = self.folder / f"{SPACE}.draft"
        with draft.open("w", encoding="utf-8") as file:
            json.dump({"number": self.number, **asdict(self.space)}, file)
            _sync(file)
        draft.replace(self.folder / SPACE)
        for path in self.folder.iterdir():
            if path.name.partition(".")[0] not in (str(self.number), "space"):
                path.unlink()


class VectorLog:
    """The rows of a generation as they were when it was opened, and those appended since."""

    def __init__(self, generation: Generation) -> None:
        self.generation = generation
        self.keys: Places = np.fromfile(generation.file("keys"), KEY)
        self._sorted: tuple[Places, Places] | None = None
        self.rows: NDArray[Any] = self._mapped()
        self.graph: Any = None
        """The approximate index, once it is loaded; False where there is none."""
        self._graph_state = self._graph_now()

    @property
    def width(self) -> int:
        return self.generation.space.width

    def __len__(self) -> int:
        return len(self.keys)

    def _mapped(self) -> NDArray[Any]:
        shape = (len(self.keys), self.width)
        if not len(self.keys):
            return np.empty(shape, NUMBER)
        return np.memmap(self.generation.file("rows"), NUMBER, "r", shape=shape)

    def is_current(self) -> bool:
        """Whether no other process has written since."""
        rows = self.generation.file("keys").stat().st_size // KEY.itemsize
        return rows == len(self.keys) and self._graph_now() == self._graph_state

    def _graph_now(self) -> int:
        """Changes when the approximate index is written."""
        try:
            return self.generation.file("nearest").stat().st_mtime_ns
        except FileNotFoundError:
            return 0

    def append(self, keys: Sequence[int], vectors: Vector) -> "VectorLog":
        """The log with more rows, durable. For the one process that writes."""
        self._append("rows", vectors.astype(NUMBER), self.width * NUMBER.itemsize)
        self._append("keys", np.array(keys, KEY), KEY.itemsize)
        return VectorLog(self.generation)

    def _append(self, kind: str, values: NDArray[Any], size: int) -> None:
        """Write `values` behind the known rows of `size` bytes, over what a killed process may have left."""
        with self.generation.file(kind).open("r+b") as file:
            file.truncate(len(self.keys) * size)
            file.seek(0, os.SEEK_END)
            file.write(values.tobytes())
            _sync(file)

    def places_of(self, keys: Places) -> Places:
        """The row of each content key, -1 where it has none."""
        if not len(self.keys):
            return np.full(len(keys), -1)
        if self._sorted is None:
            order = np.argsort(self.keys, kind="stable")
            self._sorted = self.keys[order], order
        known, order = self._sorted
        found = np.minimum(np.searchsorted(known, keys), len(known) - 1)
        places: Places = np.where(known[found] == keys, order[found], -1)
        return places

    def without(self, dead: NDArray[np.bool_]) -> Generation:
        """A new generation of the rows that are not `dead`, not yet the one that counts."""
        generation = Generation.new(self.generation.folder.parent, self.generation.space)
        generation.begin()
        log, living = VectorLog(generation), np.flatnonzero(~dead)
        for part in np.array_split(living, len(living) // 100_000 + 1):
            log = log.append(self.keys[part].tolist(), self.rows[part])
        return generation


def _sync(file: Any) -> None:
    file.flush()
    os.fsync(file.fileno())
