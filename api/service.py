"""What all requests share: the store, the warm reader, the jobs. Opened and closed with the application."""

from concurrent.futures import Future, ThreadPoolExecutor
from threading import Lock

from fundstelle.api.database import Database
from fundstelle.api.job_records import JobRecords
from fundstelle.api.jobs import JobQueue
from fundstelle.api.settings import Settings
from fundstelle.api.staging import Staging
from fundstelle.api.writing import StoreWriter
from fundstelle.indexing.addresses import open_store
from fundstelle.indexing.preparation import Splitting
from fundstelle.indexing.store import PassageStore
from fundstelle.pipelines.query import QueryPipeline
from fundstelle.pipelines.reading import PassageReader
from fundstelle.reader.bundle import TOKENIZER
from fundstelle.reader.bundle import path as bundle_path
from fundstelle.reader.reader import Reader


class Service:
    """One store, one reader, one queue of jobs.

    Args:
        reader: in the place of the one that the settings name.
    """

    def __init__(self, settings: Settings, reader: PassageReader | None = None) -> None:
        self.settings = settings
        self._given = reader
        self._loading: Future[PassageReader] | None = None
        self._store: PassageStore | None = None
        self._opening = Lock()
        self._loader = ThreadPoolExecutor(1, thread_name_prefix="loading")
        self.database = Database(settings.data)
        self.writer = StoreWriter(settings.store)
        self.jobs = JobQueue(
            JobRecords(self.database),
            Staging(settings.data / "uploads"),
            self.writer,
            # Sized by the bundled reader's tokens, as the command line does it, whichever reader is asked.
            Splitting(bundle_path() / TOKENIZER),
            workers=settings.workers,
            most_waiting=settings.max_waiting_jobs,
        )

    def start(self) -> None:
        """Load the reader in the background, and go on with the jobs that were not over."""
        self.jobs.start()
        self._loading = self._loader.submit(self._load)

    def _load(self) -> PassageReader:
        if self._given is not None:
            return self._given
        reader = Reader.load(self.settings.reader)
        reader.warm_up()
        return reader

    @property
    def is_warm(self) -> bool:
        """Whether the reader is loaded and has read once."""
        return self._loading is not None and self._loading.done() and not self._loading.exception()

    @property
    def reader(self) -> PassageReader:
        """The reader, waited for where it is still being loaded."""
        assert self._loading is not None
        return self._loading.result(timeout=self.settings.deadline_seconds)

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

    def pipeline(self, context_size: int) -> QueryPipeline:
        """The pipeline that one request asks: the one place that decides how the service retrieves and reads."""
        return QueryPipeline(self.store, self.reader, context_size=context_size)

    def close(self) -> None:
        """Give everything back; the running job stops after the file it is at."""
        self.jobs.stop(self.settings.shutdown_seconds)
        self._loader.shutdown()
        if self._store is not None:
            self._store.close()
        if self._given is None and self.is_warm:
            reader = self.reader
            assert isinstance(reader, Reader)
            reader.close()
        self.database.close()
