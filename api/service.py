"""What all requests share: the store, the warm reader, the jobs. Opened and closed with the application."""

import logging
from concurrent.futures import Future, ThreadPoolExecutor
from concurrent.futures import TimeoutError as FutureTimeout
from fcntl import LOCK_EX, LOCK_NB, flock
from threading import Lock
from typing import TextIO

from fundstelle.api.admission import Admission
from fundstelle.api.answering import Answering
from fundstelle.api.batching import SharedReader
from fundstelle.api.database import Database
from fundstelle.api.feedback import FeedbackRecords
from fundstelle.api.job_records import JobRecords
from fundstelle.api.jobs import JobQueue
from fundstelle.api.keys import Keys
from fundstelle.api.metrics import Metrics
from fundstelle.api.problems import busy
from fundstelle.api.settings import Settings
from fundstelle.api.staging import Staging
from fundstelle.api.tickets import Ticket
from fundstelle.api.writing import StoreWriter
from fundstelle.encoder import Encoder
from fundstelle.indexing.addresses import open_store
from fundstelle.indexing.preparation import Splitting
from fundstelle.indexing.progress import JobState
from fundstelle.indexing.store import PassageStore
from fundstelle.pipelines.query import QueryPipeline
from fundstelle.pipelines.reading import PassageReader
from fundstelle.pipelines.retrieval import Retriever
from fundstelle.reader.bundle import TOKENIZER
from fundstelle.reader.bundle import path as bundle_path
from fundstelle.reader.reader import Reader

logger = logging.getLogger(__name__)


class Service:
    """One store, one reader, one queue of jobs.

    Args:
        reader: in the place of the one that the settings name.
    """

    def __init__(self, settings: Settings, reader: PassageReader | None = None) -> None:
        self.settings = settings
        self._given = reader
        self._loading: Future[SharedReader] | None = None
        self._store: PassageStore | None = None
        self._opening = Lock()
        self._claim: TextIO | None = None
        self.is_stopping = False
        self._loader = ThreadPoolExecutor(1, thread_name_prefix="loading")
        self.metrics = Metrics()
        self.database = Database(settings.data)
        self.keys = Keys(self.database)
        self.feedback = FeedbackRecords(self.database)
        self.answering = Answering(
            Admission(settings.max_waiting, settings.max_waiting_per_client), settings.deadline_seconds
        )
        self.writer = StoreWriter(settings.store)
        self.encoder = Encoder.load(settings.encoder)  # its weights are loaded when first needed
        self.jobs = JobQueue(
            JobRecords(self.database),
            Staging(settings.data / "uploads"),
            self.writer,
            # Sized by the bundled reader's tokens, as the command line does it, whichever reader is asked.
            Splitting(bundle_path() / TOKENIZER),
            workers=settings.workers,
            encoder=self.encoder if settings.vectors else None,
            most_waiting=settings.max_waiting_jobs,
            most_bytes=settings.max_waiting_bytes,
        )

        self._watch()

    def _watch(self) -> None:
        """The figures that are looked up when they are asked for."""
        records, admission = self.jobs.records, self.answering.admission
        watch = self.metrics.watch
        watch("requests_inside", "Requests being answered or waiting", lambda: admission.inside)
        watch("questions_waiting", "Questions that wait for their turn", lambda: admission.waiting)
        watch("waiting_jobs", "Indexing jobs that wait", lambda: records.count(JobState.QUEUED))
        watch("running_jobs", "Indexing jobs that run", lambda: records.count(JobState.RUNNING))
        watch("reader_warm", "Whether the reader is loaded", lambda: float(self.is_warm))

    def claim(self) -> None:
        """Be the only service on the data folder. Raises ValueError where another one is."""
        if self._claim is None:
            claim = (self.settings.data / "claim").open("w")
            try:
                flock(claim, LOCK_EX | LOCK_NB)
            except OSError:
                claim.close()
                raise ValueError(
                    f"Another service keeps its jobs in {self.settings.data}. Stop it, or set FUNDSTELLE_DATA "
                    "to another folder."
                ) from None
            self._claim = claim

    def start(self) -> None:
        """Load the reader in the background, and go on with the jobs that were not over."""
        self.claim()
        self.jobs.start()
        self._loading = self._loader.submit(self._load)

    def _load(self) -> SharedReader:
        reader = self._given
        if reader is None:
            try:
                reader = Reader.load(self.settings.reader)
                reader.warm_up()
                if self.settings.retriever != "bm25" and self.settings.vectors:
                    self.encoder.queries(["warm-up"])
            except Exception as error:
                logger.error("The reader cannot be loaded: %s", error)
                raise
        return SharedReader(reader, on_batch=self.metrics.batch)

    @property
    def is_warm(self) -> bool:
        """Whether the reader is loaded and has read once."""
        return self._loading is not None and self._loading.done() and not self._loading.exception()

    @property
    def is_loading(self) -> bool:
        """Whether the reader is still on its way."""
        return self._loading is None or not self._loading.done()

    @property
    def _shared(self) -> SharedReader:
        assert self._loading is not None
        try:
            return self._loading.result(timeout=self.settings.deadline_seconds)
        except FutureTimeout:
            raise busy(
                503, "reader-loading", "The reader is still being loaded. Ask again later.", 10
            ) from None
        except Exception as error:
            detail = f"The reader cannot be loaded, so that nothing can be answered: {error}"
            raise busy(503, "reader-failed", detail, 60) from error

    @property
    def reader(self) -> PassageReader:
        """The reader, waited for where it is still being loaded. Raises Problem where that takes too long."""
        return self._shared.reader

    def reader_for(self, ticket: Ticket) -> PassageReader:
        """The reader as one question uses it, in a thread: it shares batches with all others."""
        return self._shared.for_ticket(ticket)

    @property
    def store(self) -> PassageStore:
        """The collection for reading; made empty where there is none. Raises StoreError while it is away."""
        with self._opening:
            if self._store is None:
                open_store(self.settings.store, create=True).close()
                self._store = open_store(self.settings.store, create=False, read_only=True)
            return self._store

    def check_store(self) -> None:
        """Raises StoreError where the store cannot be read now."""
        self.store.languages()

    def pipeline(self, ticket: Ticket, context_size: int) -> QueryPipeline:
        """The pipeline of one question: the one place that decides how the service retrieves and reads."""
        retriever = Retriever(self.store, self.settings.retriever, self.encoder)
        return QueryPipeline(
            self.store, self.reader_for(ticket), retriever=retriever, context_size=context_size
        )

    def begin_stop(self) -> None:
        """Have event streams end, and the running job stop after the file it is at. From a signal handler, too."""
        self.is_stopping = True
        self.jobs.begin_stop()

    def close(self) -> None:
        """Give everything back, after what is in work."""
        self.begin_stop()
        self.answering.close()
        self.jobs.stop(self.settings.shutdown_seconds)
        self._loader.shutdown()
        if self._loading is not None and not self._loading.exception():
            self._close_reader(self._loading.result())
        self.encoder.close()
        if self._store is not None:
            self._store.close()
        self.database.close()
        if self._claim is not None:
            self._claim.close()

    def _close_reader(self, shared: SharedReader) -> None:
        has_ended = shared.close(self.settings.shutdown_seconds)
        if has_ended and self._given is None and isinstance(shared.reader, Reader):
            shared.reader.close()
