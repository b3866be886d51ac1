"""What indexing knows of vectors: who makes them, of what, and which ones a store holds.

Vectors belong to contents, not to passages: passages with the same title and text share one, a passage that
did not change keeps its own when its document does, and nothing is computed twice.
"""

from collections.abc import Sequence
from hashlib import blake2b
from typing import Protocol

import numpy as np

from fundstelle.indexing.documents import Passage
from fundstelle.indexing.store import PassageStore, StoreError, Vector, VectorSpace


class OtherEncoder(StoreError):
    """The store's vectors were made by another encoder; waiting does not help."""


class PassageEncoder(Protocol):
    """What makes vectors. `prefix` is what it puts before each passage."""

    @property
    def name(self) -> str: ...

    @property
    def revision(self) -> str:
        """Changes with the weights and with everything else that vectors depend on."""

    @property
    def width(self) -> int: ...

    @property
    def prefix(self) -> str: ...

    def passages(self, texts: Sequence[str]) -> Vector:
        """One vector of length 1 for each text: (n, width)."""


def space_of(encoder: PassageEncoder) -> VectorSpace:
    """The space that the vectors of `encoder` lie in."""
    return VectorSpace(encoder.name, encoder.revision, encoder.width, encoder.prefix)


def content_of(passage: Passage) -> str:
    """What is encoded of a passage: the title of its document tells what its text is about."""
    return f"{passage.title}\n{passage.text}" if passage.title else passage.text


def content_key(passage: Passage) -> int:
    """A number of 63 bits that stands for the passage's content."""
    content = content_of(passage).encode("utf-8", "surrogatepass")
    return int.from_bytes(blake2b(content, digest_size=8).digest(), "big") >> 1


def check_space(store: PassageStore, encoder: PassageEncoder) -> None:
    """Raise OtherEncoder where the store's vectors were made by another one; none at all are no error."""
    found = store.vector_space()
    if found is not None:
        check_same(store.address, found, space_of(encoder))


def check_same(address: str, found: VectorSpace, wanted: VectorSpace) -> None:
    """Raise OtherEncoder, with what to do, where vectors of `found` would be compared with those of `wanted`."""
    if found == wanted:
        return
    made = f"made by {found.encoder} (revision {found.revision}), not by {wanted.encoder} ({wanted.revision})"
    raise OtherEncoder(
        f"The vectors in {address} were {made}: they do not compare. Name that encoder with --encoder, or make all "
        "vectors anew with `fundstelle index --new-vectors`, which keeps the texts as they are."
    )


def query_vector(vector: Vector, space: VectorSpace) -> Vector:
    """`vector` as float32. StoreError where it cannot be one of `space`."""
    if vector.shape != (space.width,):
        raise StoreError(
            f"The query's vector has the shape {vector.shape}, the store's vectors are {space.width} wide: "
            f"encode queries with {space.encoder}."
        )
    return vector.astype(np.float32)


def check_fit(passages: Sequence[Passage], vectors: Vector, space: VectorSpace) -> None:
    """Raise StoreError unless there is one vector of the right width for each passage, made of numbers."""
    if vectors.shape != (len(passages), space.width):
        raise StoreError(
            f"{space.encoder} gave vectors of the shape {vectors.shape} for {len(passages)} passages; they must be "
            f"{space.width} wide, one for each."
        )
    if not np.isfinite(vectors).all():
        raise StoreError(f"{space.encoder} gave vectors that are no numbers; load it with dtype float32.")
