"""Vectors for what a store holds: one for each content that has none, resumable at every group.

What is written is durable, so a job that ends early, however, is continued by the next one.
"""

import time
from collections.abc import Callable, Iterable, Iterator
from itertools import islice
from threading import Event
from uuid import uuid4

from fundstelle.indexing.documents import Passage
from fundstelle.indexing.progress import JobState, VectorProgress
from fundstelle.indexing.shards import ALL, Shard
from fundstelle.indexing.store import PassageStore
from fundstelle.indexing.vectors import PassageEncoder, content_of, space_of

GROUP = 128
"""Passages between two writes: seconds of work, so that a bar moves and little is lost."""

READ_AHEAD = 4096
"""Passages that are put in the order of their length, so that those of a group pad each other little."""


def add_vectors(
    store: PassageStore,
    encoder: PassageEncoder,
    *,
    anew: bool = False,
    on_progress: Callable[[VectorProgress], None] | None = None,
) -> VectorProgress:
    """Give every passage in `store` a vector; what was done. See `VectorJob`."""
    return VectorJob(store, encoder, anew=anew, on_progress=on_progress).run()


class VectorJob:
    """One run over the passages that have no vector.

    Args:
        anew: give up the vectors of another encoder, if the store has such.
        shard: the part of the files whose passages this job does.
        on_progress: called from `run` after each group, and after each piece of an index.
        cancelled: stops `run` after the group or piece it is at; by default the job's own.

    Attributes:
        id: 32 hexadecimal digits.
        state: where the job is in its life.
    """

    def __init__(
        self,
        store: PassageStore,
        encoder: PassageEncoder,
        *,
        anew: bool = False,
        shard: Shard = ALL,
        on_progress: Callable[[VectorProgress], None] | None = None,
        cancelled: Event | None = None,
    ) -> None:
        self.id = uuid4().hex
        self.state = JobState.QUEUED
        self._store = store
        self._encoder = encoder
        self._anew = anew
        self._shard = shard
        self._on_progress = on_progress or (lambda progress: None)
        self._cancelled = cancelled or Event()
        self._started = 0.0
        self.progress = VectorProgress(0, 0, 0.0)

    def cancel(self) -> None:
        """Have `run` stop after the group it is at and keep what is done; from any thread."""
        self._cancelled.set()

    def run(self) -> VectorProgress:
        """Encode; once for each job.

        Raises:
            StoreError: the store is in use by another writer, cannot be written, or holds another encoder's vectors.
        """
        self.state, self._started = JobState.RUNNING, time.monotonic()
        try:
            self._run()
            self.state = JobState.CANCELLED if self._cancelled.is_set() else JobState.DONE
        except BaseException as error:
            interrupted = isinstance(error, KeyboardInterrupt)
            self.state = JobState.CANCELLED if interrupted else JobState.FAILED
            raise
        return self.progress

    def _run(self) -> None:
        self._store.begin_vectors(space_of(self._encoder), self._anew)
        pending = self._store.pending_vectors()
        own = pending.passages if self._shard == ALL else filter(self._falls_here, pending.passages)
        total, done = -(-pending.count // self._shard.count), 0
        self._report(done, total)
        for group in _groups(own):
            if self._cancelled.is_set():
                break
            vectors = self._encoder.passages([content_of(passage) for passage in group])
            self._store.write_vectors(group, vectors)
            done += len(group)
            self._report(done, max(done, total))
        while left := self._store.settle_vectors():
            self._report(done, max(done, total), left)
            if self._cancelled.is_set():
                break

    def _falls_here(self, passage: Passage) -> bool:
        """Whether the passage is of a file that this job's shard has; `file.jsonl#3` is of `file.jsonl`."""
        return self._shard.has(passage.source.partition("#")[0])

    def _report(self, done: int, total: int, unindexed: int = 0) -> None:
        self.progress = VectorProgress(done, total, time.monotonic() - self._started, unindexed)
        self._on_progress(self.progress)


def _groups(passages: Iterable[Passage]) -> Iterator[list[Passage]]:
    """Groups of passages of like length."""
    waiting = iter(passages)
    while ahead := list(islice(waiting, READ_AHEAD)):
        ahead.sort(key=lambda passage: (-len(passage.text), passage.id))
        for start in range(0, len(ahead), GROUP):
            yield ahead[start : start + GROUP]
