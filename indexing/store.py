"""What every store does, and how an address becomes one."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from types import TracebackType
from typing import Protocol, Self, runtime_checkable

from fundstelle.indexing.documents import AnalysedDocument, DocumentRecord, Passage, SourceDocument

Filters = Mapping[str, str | Sequence[str]]
"""Metadata conditions, all of which must hold: `{"language": "de", "team": ["hr", "it"]}`."""


@dataclass(frozen=True, slots=True)
class Hit:
    """A retrieved passage with its BM25 score (bigger is better, unbounded)."""

    passage: Passage
    score: float


class StoreError(Exception):
    """A store cannot do what was asked; the message says why and what to do next."""


@runtime_checkable
class PassageStore(Protocol):
    """A collection of passages that can be searched by words.

    Writes become visible and durable together at `commit`; a process that dies before it leaves the
    collection as the last `commit` left it.
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
