"""How an indexing job stands and what it has done."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum


class JobState(StrEnum):
    QUEUED = "queued"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"
    CANCELLED = "cancelled"


@dataclass(frozen=True, slots=True)
class DocumentCounts:
    """Documents by what became of them; `failed` counts files, whose documents are not known."""

    added: int = 0
    updated: int = 0
    unchanged: int = 0
    removed: int = 0
    failed: int = 0


@dataclass(frozen=True, slots=True)
class FileFailure:
    """A file that could not be indexed, and why, in one sentence or two."""

    source: str
    reason: str


@dataclass(frozen=True, slots=True)
class JobProgress:
    """How far a job is. Totals are known before the first file is read; what is done is committed."""

    files_total: int
    bytes_total: int
    files_done: int
    bytes_done: int
    passages: int
    seconds: float


@dataclass(frozen=True, slots=True)
class VectorProgress:
    """How many contents had no vector when a job began, how many of them have one now, seconds it took so far.

    unindexed: vectors that are still to be indexed, once all are made and where they are very many.
    """

    done: int
    total: int
    seconds: float
    unindexed: int = 0


@dataclass(frozen=True, slots=True)
class JobResult:
    """What a job did: documents, passages it wrote, seconds that took, files it could not index; and vectors."""

    documents: DocumentCounts
    passages: int
    seconds: float
    failures: Sequence[FileFailure]
    vectors: VectorProgress | None = None


@dataclass(slots=True)
class Tally:
    """What has come of the files so far."""

    files: int = 0
    bytes: int = 0
    passages: int = 0
    documents: DocumentCounts = field(default_factory=DocumentCounts)

    def count(self, **more: int) -> None:
        """Add to the documents."""
        counted = {name: getattr(self.documents, name) + number for name, number in more.items()}
        self.documents = replace(self.documents, **counted)
