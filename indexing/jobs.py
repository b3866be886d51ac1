"""The indexing job: files in, passages in the store, resumable at every file.

The main process finds files and writes to the store; workers do all that lies between. When all text can be
searched, an encoder, if there is one, gives it vectors. What a job reports as done is committed. A job that ends
early, however, is continued by running the same command again: files whose bytes and recipe are those the store
knows are skipped before anything is read out of them.
"""

import os
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import replace
from pathlib import Path
from threading import Event
from uuid import uuid4

from fundstelle.indexing.documents import AnalysedDocument
from fundstelle.indexing.files import ReadingError, digest, source_name, walk
from fundstelle.indexing.holdings import Holding, Holdings
from fundstelle.indexing.languages import AUTO
from fundstelle.indexing.pools import Pool, pool
from fundstelle.indexing.preparation import Errand, File, Recipe, Splitting, content_hash
from fundstelle.indexing.progress import (
    DocumentCounts,
    FileFailure,
    JobProgress,
    JobResult,
    JobState,
    Tally,
    VectorProgress,
)
from fundstelle.indexing.shards import ALL, Shard
from fundstelle.indexing.store import PassageStore
from fundstelle.indexing.vector_jobs import VectorJob
from fundstelle.indexing.vectors import PassageEncoder, check_space
from fundstelle.indexing.worker import Failure
from fundstelle.indexing.workers import Workers

__all__ = [
    "DocumentCounts",
    "FileFailure",
    "IndexingJob",
    "JobProgress",
    "JobResult",
    "JobState",
    "Splitting",
    "VectorProgress",
    "index",
]

COMMIT_SECONDS = 3.0
"""What is written is committed after this time, at the end of a file."""

MOST_WORKERS = 8
"""Unless more are asked for: each holds a tokenizer, and one process writes what all of them make."""


def index(
    paths: Iterable[Path],
    store: PassageStore,
    *,
    base: Path,
    splitting: Splitting,
    language: str = AUTO,
    prune: bool = False,
    workers: int | None = None,
    shard: Shard = ALL,
    encoder: PassageEncoder | None = None,
    new_vectors: bool = False,
    on_progress: Callable[[JobProgress], None] | None = None,
    on_vectors: Callable[[VectorProgress], None] | None = None,
) -> JobResult:
    """Put the files at and under `paths` into `store`; see `IndexingJob` and `Recipe`."""
    recipe = Recipe(splitting, language)
    job = IndexingJob(
        paths,
        store,
        recipe,
        base=base,
        prune=prune,
        workers=workers,
        shard=shard,
        encoder=encoder,
        new_vectors=new_vectors,
        on_progress=on_progress,
        on_vectors=on_vectors,
    )
    return job.run()


class IndexingJob:
    """One run over files and folders.

    Args:
        base: the folder that sources are named from, see `source_name`.
        prune: remove the documents whose files lay under `paths` and are gone.
        workers: processes that read and analyse, or a pool of them that outlives the job; by default one a
            core, at most 8.
        shard: the part of the files that this job does, where several machines share them.
        files: files that are named already, besides those at and under `paths`.
        encoder: gives every passage of the store a vector once all text is in; without it there are none.
        new_vectors: give up the vectors of another encoder, if the store has such.
        on_progress: called from `run`, a few times a second.
        on_vectors: called from `run` while vectors are made.

    Attributes:
        id: 32 hexadecimal digits.
        state: where the job is in its life.
    """

    def __init__(
        self,
        paths: Iterable[Path],
        store: PassageStore,
        recipe: Recipe,
        *,
        base: Path,
        prune: bool = False,
        workers: Pool | int | None = None,
        shard: Shard = ALL,
        files: Sequence[File] = (),
        encoder: PassageEncoder | None = None,
        new_vectors: bool = False,
        on_progress: Callable[[JobProgress], None] | None = None,
        on_vectors: Callable[[VectorProgress], None] | None = None,
    ) -> None:
        self.id = uuid4().hex
        self.state = JobState.QUEUED
        self._paths = [Path(os.path.abspath(path)) for path in paths]
        self._store = store
        self._base = Path(os.path.abspath(base))
        self._recipe = recipe
        self._prune = prune
        self._shard = shard
        self._named = files
        self._given = workers if isinstance(workers, Workers) else None
        self._workers = (
            workers if isinstance(workers, int) else min(MOST_WORKERS, len(os.sched_getaffinity(0)))
        )
        self._on_progress = on_progress or (lambda progress: None)
        self._cancelled = Event()
        self._encoder = encoder
        self._new_vectors = new_vectors
        self._on_vectors = on_vectors
        self._vectors: VectorJob | None = None
        self._totals = Tally()
        self._now = Tally()
        self._committed = Tally()
        self._failures: list[FileFailure] = []
        self._started = self._finished = self._committed_at = self._reported_at = 0.0
        self._is_dirty = self._is_writing = False

    @property
    def progress(self) -> JobProgress:
        done = self._committed
        return JobProgress(
            self._totals.files, self._totals.bytes, done.files, done.bytes, done.passages, self._seconds()
        )

    @property
    def result(self) -> JobResult:
        """What is done so far, or was in the end."""
        done = self._committed
        vectors = self._vectors.progress if self._vectors else None
        return JobResult(done.documents, done.passages, self._seconds(), tuple(self._failures), vectors)

    def cancel(self) -> None:
        """Have `run` stop after the file it is at and keep what is done; from any thread."""
        self._cancelled.set()

    def run(self) -> JobResult:
        """Index; once for each job.

        On KeyboardInterrupt what is done is committed before the exception goes on.

        Raises:
            StoreError: the store is in use by another writer, cannot be written, or has another encoder's vectors.
            WorkerError: worker processes cannot be started.
        """
        self.state = JobState.RUNNING
        self._started = self._committed_at = time.monotonic()
        try:
            self._index()
            self._encode()
            self.state = JobState.CANCELLED if self._cancelled.is_set() else JobState.DONE
        except KeyboardInterrupt:
            self.state = JobState.CANCELLED
            if not self._is_writing:
                self._commit()
            raise
        except BaseException:
            self.state = JobState.FAILED
            raise
        finally:
            self._finished = self._finished or time.monotonic()
        return self.result

    def _index(self) -> None:
        if self._encoder is not None and not self._new_vectors:
            check_space(self._store, self._encoder)
        fingerprint = self._recipe.fingerprint()
        for file in self._files():
            self._totals.files += 1
            self._totals.bytes += file.size
        self._report()
        origins = None if self._paths else [file.held_under for file in self._named]
        holdings = Holdings(self._store, self._shard, origins)
        errands = (Errand(file, self._recipe, fingerprint) for file in self._changed(holdings, fingerprint))
        with self._pool() as pool:
            for errand, outcome in pool.map(errands):
                self._take_in(errand.file, outcome, holdings.meet(errand.file.held_under))
        if self._prune and not self._cancelled.is_set():
            self._remove_gone(holdings)
        self._commit()

    def _encode(self) -> None:
        """Vectors for all text that has none; what was indexed before is searched by words all the while."""
        self._finished = time.monotonic()
        if self._encoder is not None and not self._cancelled.is_set():
            self._vectors = VectorJob(
                self._store,
                self._encoder,
                anew=self._new_vectors,
                shard=self._shard,
                on_progress=self._on_vectors,
                cancelled=self._cancelled,
            )
            self._vectors.run()

    def _pool(self) -> AbstractContextManager[Pool]:
        """The pool that was given, which stays open, or one of this job's own."""
        return nullcontext(self._given) if self._given else pool(self._recipe.splitting, self._workers)

    def _files(self) -> Iterator[File]:
        """The named files, and those under the paths that fall to this job but the store's own.

        A folder that cannot be listed is every shard's, so that none prunes what lies under it.
        """
        yield from self._named
        own = None if "://" in self._store.address else Path(os.path.abspath(self._store.address))
        for path in walk(self._paths):
            file = File(path, source_name(path, self._base), _size(path))
            is_own = own is not None and path.is_relative_to(own)
            if not is_own and (self._shard.has(file.source) or not path.is_file()):
                yield file

    def _changed(self, holdings: Holdings, fingerprint: str) -> Iterator[File]:
        """The files that workers must read; the others are counted as unchanged or failed."""
        for file in self._files():
            if self._cancelled.is_set():
                return
            holding = holdings.meet(file.held_under)
            recipe, held = file.fingerprint(fingerprint), len(holding.document_ids)
            try:
                is_known = held > 0 and holding.hashes == {content_hash(digest(file.path), recipe, held)}
            except ReadingError as error:
                self._take_in(file, Failure(str(error)), holding)
                continue
            if is_known:
                self._now.count(unchanged=held)
                self._finish(file)
            else:
                self._store.delete(())  # takes the writer's lock, or fails, before any work is done
                yield file

    def _take_in(self, file: File, outcome: list[AnalysedDocument] | Failure, holding: Holding) -> None:
        if isinstance(outcome, Failure):
            kept = " The version indexed before stays." if holding.document_ids else ""
            self._failures.append(FileFailure(file.source, outcome.reason + kept))
            self._now.count(failed=1)
        else:
            self._replace(holding.document_ids, outcome)
        self._finish(file)

    def _replace(self, old: set[str], documents: Sequence[AnalysedDocument]) -> None:
        """Put all documents of a file in the place of those it had before."""
        new = {analysed.document.id for analysed in documents}
        self._is_dirty = self._is_writing = True
        self._store.delete(old - new)
        self._store.write(documents)
        self._is_writing = False
        self._now.passages += sum(len(analysed.passages) for analysed in documents)
        self._now.count(added=len(new - old), updated=len(new & old), removed=len(old - new))

    def _remove_gone(self, holdings: Holdings) -> None:
        for holding in holdings.gone(self._paths, self._base, [failure.source for failure in self._failures]):
            self._is_dirty = True
            self._store.delete(holding.document_ids)
            self._now.count(removed=len(holding.document_ids))

    def _finish(self, file: File) -> None:
        """The end of a file: what was done so far may be committed and shown."""
        self._now.files += 1
        self._now.bytes += file.size
        now = time.monotonic()
        if not self._is_dirty or now - self._committed_at >= COMMIT_SECONDS:
            self._commit()
        if now - self._reported_at >= 0.1:
            self._report()

    def _commit(self) -> None:
        if self._is_dirty:
            self._store.commit()
            self._is_dirty = False
        self._committed = replace(self._now)
        self._committed_at = time.monotonic()
        self._report()

    def _report(self) -> None:
        self._reported_at = time.monotonic()
        self._on_progress(self.progress)

    def _seconds(self) -> float:
        return (self._finished or time.monotonic()) - self._started if self._started else 0.0


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError:
        return 0
