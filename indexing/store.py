"""What every store does, and how an address becomes one."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from types import TracebackType
from typing import Protocol, Self, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from fundstelle.indexing.documents import AnalysedDocument, DocumentRecord, Passage, SourceDocument

Filters = Mapping[str, str | Sequence[str]]
"""Metadata conditions, all of which must hold: `{"language": "de", "team": ["hr", "it"]}`."""


@dataclass(frozen=True, slots=True)
class Hit:
    """A retrieved passage with what speaks for it; bigger is better.

    Attributes:
        score: what the hits beside it are ranked by, unbounded.
        bm25: its BM25 score; None where it was not searched for by words.
        cosine: of the query's vector and the passage's, from -1 to 1; None where it was not searched for by
            meaning, or has no vector.
        odds: the logarithm of how much likelier it is to be the right passage than the best hit, 0 for that one;
            None until a retriever has weighed the evidence.
    """

    passage: Passage
    score: float
    bm25: float | None = None
    cosine: float | None = None
    odds: float | None = None


Vector = NDArray[np.float32]
"""Numbers (width,), or rows of them (n, width), each of length 1."""


@dataclass(frozen=True, slots=True)
class VectorSpace:
    """Where vectors of one encoder lie; those of two spaces do not compare.

    Attributes:
        encoder: what the encoder is called, which tells no two spaces apart: it may have moved.
        revision: digest of all that its vectors depend on.
        width: numbers of a vector.
        prefix: what it puts before each passage.
    """

    encoder: str = field(compare=False)
    revision: str
    width: int
    prefix: str


@dataclass(frozen=True, slots=True)
class Pending:
    """Contents without a vector: how many, and a passage of each."""

    count: int
    passages: Iterable[Passage]


class StoreError(Exception):
    """A store cannot do what was asked; the message says why and what to do next."""


@runtime_checkable
class PassageStore(Protocol):
    """A collection of passages that can be searched by words, and by meaning where they have vectors.

    Writes become visible and durable together at `commit`; a process that dies before it leaves the
    collection as the last `commit` left it. Vectors are no part of that: they belong to contents (title and
    text), stay with them whatever is written or deleted, and are durable when `write_vectors` returns.
    """

    @property
    def address(self) -> str: ...

    def write(self, documents: Iterable[AnalysedDocument]) -> None:
        """Put documents in; each replaces all passages of a document with the same id."""

    def delete(self, document_ids: Iterable[str]) -> None: ...

    def commit(self) -> None:
        """Make everything written and deleted so far visible and durable, in one step."""

    def search(self, question: str, top_k: int = 20, filters: Filters | None = None) -> list[Hit]:
        """The `top_k` passages that best match `question`, best first; ties broken by passage id.

        The question is analysed once for every language in the collection, and each variant matches
        only passages of that language.
        """

    def vector_space(self) -> VectorSpace | None:
        """The space of the store's vectors; None where it has none."""

    def vector_count(self) -> int:
        """Passages that have a vector."""

    def search_vectors(self, vector: Vector, top_k: int = 20, filters: Filters | None = None) -> list[Hit]:
        """The `top_k` passages whose vectors are nearest to `vector` (width,); ties broken by passage id.

        Passages without a vector are not found. The hits' score is the cosine.
        """

    def cosines(self, vector: Vector, passages: Sequence[Passage]) -> list[float | None]:
        """The cosine of `vector` and each passage's; None for passages that have none."""

    def begin_vectors(self, space: VectorSpace, anew: bool = False) -> None:
        """Make ready for vectors of `space`.

        Args:
            anew: give up vectors of another space that the store may have; without it they are a StoreError.
        """

    def pending_vectors(self) -> Pending:
        """The contents of committed passages that have no vector yet, each once."""

    def write_vectors(self, passages: Sequence[Passage], vectors: Vector) -> None:
        """Keep the vectors (n, width) of the contents of `passages`; searched from the next `settle_vectors`."""

    def settle_vectors(self) -> int:
        """Make searching by vectors complete and fast, after many were written.

        Of an index that takes long to build, a piece is built and kept: call again until it gives 0, the vectors that
        are still to be indexed.
        """

    def record(self, document_id: str) -> DocumentRecord | None: ...

    def records(self, origin: str | None = None) -> Iterator[DocumentRecord]:
        """Every document, without its text, in no particular order; or those read from the file `origin`."""

    def records_after(self, document_id: str, limit: int) -> list[DocumentRecord]:
        """The first `limit` documents whose ids come after `document_id`, in the order of ids; "" begins."""

    def document(self, document_id: str) -> SourceDocument | None:
        """The document with its whole text, joined from its passages."""

    def passages(self, document_id: str | None = None) -> Iterator[Passage]:
        """The passages of one document in order, or all passages document by document."""

    def languages(self) -> dict[str, int]:
        """Passages per language."""

    def close(self) -> None: ...

    def __enter__(self) -> Self: ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...
