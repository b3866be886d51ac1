"""Worker processes for tasks that may hang, swallow memory or crash, each at the cost of its own item only.

Why not a library: `concurrent.futures` and `multiprocessing` neither stop a hanging task nor survive a
crashed worker, and `pebble` (LGPL) does both but limits no memory.

A worker is a fresh interpreter: forking a process that has threads is unsafe, and `multiprocessing.spawn`
would run the user's main script again. It shares nothing with its parent but one socket, and lives in a
session of its own, so that Ctrl-C reaches the parent alone, which then ends its workers.
"""

import contextlib
import json
import os
import pickle
import signal
import subprocess
import sys
from collections.abc import Callable, Iterable, Iterator
from multiprocessing import Pipe
from multiprocessing.connection import Connection, wait
from pathlib import Path
from resource import getpagesize
from typing import Any, Generic, TypeVar, cast

from fundstelle.indexing.closing import Closing
from fundstelle.indexing.worker import Failure, Limits

Item = TypeVar("Item")
Result = TypeVar("Result")

_MAIN = """
import json, sys
sys.path[:] = json.loads(sys.argv[2])
from fundstelle.indexing.worker import serve
serve(int(sys.argv[1]))
"""

# Workers are the parallelism: libraries inside one must not start a thread for every core.
_ENVIRONMENT = {"OMP_NUM_THREADS": "1", "RAYON_NUM_THREADS": "1", "TOKENIZERS_PARALLELISM": "false"}


class WorkerError(Exception):
    """A worker could not start; the message says why."""


class Workers(Closing, Generic[Item, Result]):
    """Up to `count` processes that run `task` on items; each is kept until it fails. For use by one thread.

    Args:
        task: a function of one item, found by its name in a module that can be imported; so are `initializer`
            and whatever is bound to them. The message of a ReadingError it raises is the failure's reason.
        count: worker processes, one item each at a time.
        timeout_seconds: limit for one item, and for `initializer`.
        memory_bytes: limit for the private memory of one worker, all that it loaded included. This is
            RLIMIT_DATA: unlike RLIMIT_AS it leaves out libraries and files mapped read-only, such as weights
            and word lists, which the system can drop and load again.
        initializer: called once in each worker before its first item.
    """

    def __init__(
        self,
        task: Callable[[Item], Result],
        count: int = 1,
        *,
        timeout_seconds: float = 120.0,
        memory_bytes: int = 2 << 30,
        initializer: Callable[[], object] | None = None,
    ) -> None:
        if count < 1 or timeout_seconds <= 0 or memory_bytes < 1:
            raise ValueError("count, timeout_seconds and memory_bytes must be positive")
        self._lesson = pickle.dumps((task, initializer))
        self._limits = Limits(timeout_seconds, memory_bytes)
        self._count = count
        self._idle: list[_Worker] = []
        self._busy: dict[Connection, tuple[_Worker, Item]] = {}

    def map(self, items: Iterable[Item]) -> Iterator[tuple[Item, Result | Failure]]:
        """Each item with its result, as they finish.

        An item is taken only when a worker is free for it, so `count` are in work at most and one result is
        held besides. Workers start when they are first needed.

        Raises:
            WorkerError: a worker did not start, or `initializer` failed.
        """
        waiting = iter(items)
        try:
            self._feed(waiting)
            while self._busy:
                for connection in cast(list[Connection], wait(list(self._busy))):
                    worker, item = self._busy[connection]
                    if worker.has_started():
                        del self._busy[connection]
                        outcome = worker.receive()
                        self._idle.append(worker)
                        self._feed(waiting)
                        yield item, outcome
        finally:
            while self._busy:
                self._busy.popitem()[1][0].end()

    def _feed(self, waiting: Iterator[Item]) -> None:
        """Give items to free workers until none is free or nothing is waiting."""
        while len(self._busy) < self._count:
            try:
                item = next(waiting)
            except StopIteration:
                return
            worker = self._free_worker()
            self._busy[worker.connection] = worker, item
            worker.send(item)

    def _free_worker(self) -> "_Worker":
        while self._idle:
            worker = self._idle.pop()
            if worker.is_fit():
                return worker
            worker.end()
        return _Worker(self._lesson, self._limits)

    def close(self) -> None:
        """End all workers; the next `map` starts new ones."""
        while self._idle:
            self._idle.pop().end()


class _Worker:
    """One worker process as its parent sees it."""

    def __init__(self, lesson: bytes, limits: Limits) -> None:
        self._limits = limits
        self._data_at_start = -1
        self.connection, theirs = Pipe()
        with theirs:
            self._process = subprocess.Popen(
                [sys.executable, "-P", "-c", _MAIN, str(theirs.fileno()), json.dumps(sys.path)],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,  # libraries grumble about files; failures say what matters
                stderr=subprocess.DEVNULL,
                pass_fds=[theirs.fileno()],
                start_new_session=True,
                env=_ENVIRONMENT | os.environ,
            )
        self.send(limits)
        with contextlib.suppress(OSError):
            self.connection.send_bytes(lesson)

    def send(self, message: object) -> None:
        """Pass `message` on; where the worker has died, `receive` will say so."""
        with contextlib.suppress(OSError):
            self.connection.send(message)

    def has_started(self) -> bool:
        """Whether the worker is past its start; takes in the message that says so. Raises WorkerError."""
        if self._data_at_start >= 0:
            return True
        if failure := self.receive():
            raise WorkerError(f"A worker process could not start. {failure.reason}")
        self._data_at_start = self._data()
        return self.connection.poll()

    def receive(self) -> Any:
        """What the worker has sent, waiting for it, or the Failure that its death is."""
        try:
            return self.connection.recv()
        except (EOFError, OSError):
            return Failure(self._cause_of_death())

    def _cause_of_death(self) -> str:
        match -self._process.wait():
            case signal.SIGALRM:
                return f"It took longer than the limit of {self._limits.timeout_seconds:g} seconds."
            case signal.SIGKILL:
                return "The system ended the process that read it, most likely because memory was short."
            case code if code > 0:
                return f"The process that read it crashed ({signal.strsignal(code)})."
            case code:
                return f"The process that read it ended by itself (exit status {-code})."

    def is_fit(self) -> bool:
        """Whether the worker lives and gave back most memory, so that no item pays for earlier ones."""
        allowed = (self._data_at_start + self._limits.memory_bytes) // 2
        return self._process.poll() is None and self._data() <= allowed

    def _data(self) -> int:
        """Bytes of private memory the worker holds: what RLIMIT_DATA counts."""
        try:
            return int(Path(f"/proc/{self._process.pid}/statm").read_text().split()[5]) * getpagesize()
        except (OSError, IndexError):
            return 0

    def end(self) -> None:
        self._process.kill()
        self._process.wait()
        self.connection.close()
