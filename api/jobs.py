"""The queue of indexing jobs: one runs at a time, all are on the disk, and a restart goes on where it was."""

import logging
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from threading import Event, Lock, Thread
from uuid import uuid4

from fundstelle.api.job_records import JobFile, JobRecords, JobStatus
from fundstelle.api.problems import busy
from fundstelle.api.staging import Staging
from fundstelle.api.writing import StoreWriter
from fundstelle.indexing.holdings import UPLOADED
from fundstelle.indexing.jobs import IndexingJob
from fundstelle.indexing.pools import pool
from fundstelle.indexing.preparation import File, Recipe, Splitting
from fundstelle.indexing.progress import DocumentCounts, JobProgress, JobResult, JobState
from fundstelle.indexing.store import StoreError
from fundstelle.indexing.vectors import OtherEncoder, PassageEncoder
from fundstelle.indexing.workers import WorkerError

STORE_PATIENCE = 600.0
"""Seconds for which a job waits for a store that is away, or that another process writes to."""

RETRY_SECONDS = 3.0

KEPT_SECONDS = 60.0
"""Seconds for which worker processes stay when there is no job: starting one takes longer than a small file does."""

logger = logging.getLogger(__name__)


class JobQueue:
    """Runs jobs in a thread of its own, one after the other: the embedded store has a single writer.

    Args:
        most_waiting, most_bytes: jobs that may wait, and bytes of their files; more are refused.
        workers: processes that convert and analyse the files of the running job; they are kept for the next one
            until no job has come for `KEPT_SECONDS`.
        encoder: gives passages their vectors; without it there are none.
    """

    def __init__(
        self,
        records: JobRecords,
        staging: Staging,
        writer: StoreWriter,
        splitting: Splitting,
        *,
        workers: int,
        encoder: PassageEncoder | None = None,
        most_waiting: int,
        most_bytes: int,
    ) -> None:
        self.records = records
        self.staging = staging
        self._writer = writer
        self._splitting = splitting
        self._pool = pool(splitting, workers)
        self._encoder = encoder
        self._most_waiting = most_waiting
        self._most_bytes = most_bytes
        self._news = Event()
        self._stopping = Event()
        self._changing = Lock()
        self._running: tuple[str, IndexingJob] | None = None
        self._cancelled: set[str] = set()
        self._waits_since: dict[str, float] = {}
        self._thread = Thread(target=self._work, name="jobs", daemon=True)

    def start(self) -> None:
        """Take up what the process before left, then whatever comes."""
        for job in self.records.interrupted():
            self.records.wait_again(job)
        self.staging.drop_all_but(self.records.unfinished())
        self._thread.start()

    def new_id(self) -> str:
        """The id of a job to be submitted; its files are staged under it. Raises Problem past the bounds."""
        is_full = self.records.waiting_bytes() >= self._most_bytes
        if is_full or self.records.count(JobState.QUEUED) >= self._most_waiting:
            raise busy(503, "too-many-jobs", "Too many jobs are waiting. Send the files again later.", 30)
        return uuid4().hex

    def submit(self, job: str, language: str, client: str, files: Sequence[JobFile]) -> JobStatus:
        """Accept a job whose files are staged; from now on it survives everything but the disk's loss."""
        self.records.add(job, language, client, files)
        self._news.set()
        status = self.records.get(job)
        assert status is not None
        return status

    def cancel(self, job: str) -> JobStatus | None:
        """Have a job stop: at once where it waits, after the file it is at where it runs."""
        with self._changing:
            if self._running is not None and self._running[0] == job:
                self._cancelled.add(job)
                self._running[1].cancel()
            elif self.records.end(job, JobState.CANCELLED):
                self.staging.drop(job)
        return self.records.get(job)

    def begin_stop(self) -> None:
        """Have the running job stop after the file it is at; what is left is done after the next start.

        Takes no lock: a signal handler may call it in the middle of anything.
        """
        self._stopping.set()
        self._news.set()
        if running := self._running:
            running[1].cancel()

    def stop(self, timeout: float) -> None:
        """`begin_stop`, and wait until it has."""
        self.begin_stop()
        if self._thread.is_alive():
            self._thread.join(timeout)

    def _work(self) -> None:
        while not self._stopping.is_set():
            self._news.clear()
            job = self.records.next_queued()
            if job is None:
                self._await_news()
            elif not self._attempt(job):
                self._stopping.wait(RETRY_SECONDS)
        self._pool.close()

    def _await_news(self) -> None:
        """Wait for a job; workers that nobody needs give their memory back."""
        if not self._news.wait(KEPT_SECONDS):
            self._pool.close()
            self._news.wait()

    def _attempt(self, job: str) -> bool:
        """Run a job; False where the store would not have it and it waits again."""
        try:
            self._run(job)
        except OtherEncoder as error:
            self._end(job, JobState.FAILED, str(error))
        except StoreError as error:
            waits_since = self._waits_since.setdefault(job, time.monotonic())
            if time.monotonic() - waits_since < STORE_PATIENCE:
                self.records.wait_again(job, str(error))
                return False
            self._end(job, JobState.FAILED, str(error))
        except WorkerError as error:
            self._end(job, JobState.FAILED, str(error))
        except Exception:
            logger.exception("The job %s failed", job)
            self._end(job, JobState.FAILED, "The service made a mistake, which its log describes.")
        return True

    def _run(self, job: str) -> None:
        status = self.records.get(job)
        if status is None or not self.records.begin(job):
            return
        before = _Before(status.documents, status.passages)
        files = [_file(self.staging.of(job), each) for each in self.records.files(job)]
        recipe = Recipe(self._splitting, status.language)
        with self._writer.session() as store:
            indexing = IndexingJob(
                (),
                store,
                recipe,
                base=self.staging.of(job),
                workers=self._pool,
                files=files,
                encoder=self._encoder,
                on_progress=lambda progress: self._write_down(job, before, indexing, progress),
            )
            try:
                self._hold(job, indexing)
                indexing.run()
            finally:
                self._hold(job, None)
        self._finish(job, before, indexing)

    def _hold(self, job: str, indexing: IndexingJob | None) -> None:
        with self._changing:
            self._running = None if indexing is None else (job, indexing)
            # A stop that came before this line saw no job to cancel.
            if indexing is not None and self._stopping.is_set():
                indexing.cancel()

    def _write_down(self, job: str, before: "_Before", indexing: IndexingJob, progress: JobProgress) -> None:
        if progress.files_done != before.written_down:
            before.written_down = progress.files_done
            self._advance(job, before, indexing.result, progress.files_done)

    def _advance(self, job: str, before: "_Before", result: JobResult, files_done: int) -> None:
        documents, passages = before.with_more(result)
        self.records.advance(job, files_done, passages, documents, result.failures)

    def _finish(self, job: str, before: "_Before", indexing: IndexingJob) -> None:
        self._advance(job, before, indexing.result, indexing.progress.files_done)
        if indexing.state is JobState.DONE:
            self._end(job, JobState.DONE)
        elif job in self._cancelled:
            self._end(job, JobState.CANCELLED)
        else:
            self.records.wait_again(job)

    def _end(self, job: str, state: JobState, error: str | None = None) -> None:
        self.records.end(job, state, error)
        self.staging.drop(job)
        self._cancelled.discard(job)
        self._waits_since.pop(job, None)


class _Before:
    """What a job had done before the service was started again: those files are unchanged now."""

    def __init__(self, documents: DocumentCounts, passages: int) -> None:
        self.documents = documents
        self.passages = passages
        self.written_down = -1

    def with_more(self, result: JobResult) -> tuple[DocumentCounts, int]:
        """All documents and passages of the job, each counted once and as what first became of it."""
        old, new = self.documents, result.documents
        done = old.added + old.updated
        documents = replace(
            new,
            added=old.added + new.added,
            updated=old.updated + new.updated,
            unchanged=max(new.unchanged - done, old.unchanged),
            removed=old.removed + new.removed,
        )
        return documents, self.passages + result.passages


def _file(folder: Path, file: JobFile) -> File:
    return File(folder / file.file, file.source, file.bytes, file.meta, UPLOADED + file.source)
