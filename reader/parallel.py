"""Several devices as one engine: whichever is free takes the next batch."""

from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from queue import SimpleQueue

from fundstelle.reader.engine import Batch, Engine, Logits


class ParallelEngine:
    """Runs the same model on several engines, one thread each. Safe to call from several threads at once."""

    def __init__(self, engines: Sequence[Engine]) -> None:
        self._engines = tuple(engines)
        self._free: SimpleQueue[Engine] = SimpleQueue()
        for engine in engines:
            self._free.put(engine)
        self._threads = ThreadPoolExecutor(len(engines), thread_name_prefix="engine")

    @property
    def description(self) -> str:
        """What runs where, engine by engine."""
        return "; ".join(engine.description for engine in self._engines)

    def logits(self, batch: Batch) -> tuple[Logits, Logits]:
        """Start and end logits from whichever engine is free first."""
        engine = self._free.get()
        try:
            return engine.logits(batch)
        finally:
            self._free.put(engine)

    def stream(self, batches: Iterable[Batch]) -> Iterator[tuple[Logits, Logits]]:
        """The logits of each batch, in order; one batch more than there are engines is under way."""
        pending: deque[Future[tuple[Logits, Logits]]] = deque()
        for batch in batches:
            pending.append(self._threads.submit(self.logits, batch))
            if len(pending) > len(self._engines):
                yield pending.popleft().result()
        while pending:
            yield pending.popleft().result()

    def close(self) -> None:
        """Stop the threads and close every engine."""
        self._threads.shutdown()
        for engine in self._engines:
            engine.close()
