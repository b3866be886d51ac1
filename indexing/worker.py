"""The inside of one worker process: take an item, run the task under its limits, send what came of it.

Three things end a worker by themselves: the kernel's alarm clock when a task takes too long (it rings even
where a C library never gives control back), the system when memory is short, and the end of the parent,
however sudden.
"""

import contextlib
import os
import pickle
import resource
import select
import signal
import threading
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from fundstelle.indexing.files import ReadingError


@dataclass(frozen=True, slots=True)
class Failure:
    """Why a task has no result, in one sentence."""

    reason: str


@dataclass(frozen=True, slots=True)
class Limits:
    """What a task may take: seconds, and bytes of private memory with all that its worker has loaded."""

    timeout_seconds: float
    memory_bytes: int

    def attempt(self, task: Callable[[], Any]) -> Any:
        """What `task` returns, or the Failure it ended in; a task that takes too long ends the process."""
        signal.setitimer(signal.ITIMER_REAL, self.timeout_seconds)
        try:
            return task()
        except ReadingError as error:
            return Failure(str(error))
        except MemoryError:
            megabytes = self.memory_bytes / (1 << 20)
            return Failure(f"It needs more memory than the limit of {megabytes:,.0f} MiB.")
        except BaseException as error:  # even SystemExit must cost no more than the item
            return unexpected(error)
        finally:
            signal.setitimer(signal.ITIMER_REAL, 0)


def unexpected(error: BaseException) -> Failure:
    """The failure of a task that raised what nobody foresaw."""
    message = " ".join(str(error).split())
    return Failure(f"It failed unexpectedly ({type(error).__name__}: {message[:200]}).")


def serve(descriptor: int) -> None:
    """Obey the pool at the other end of the socket `descriptor` until it closes."""
    threading.Thread(target=_end_with_parent, args=(descriptor,), daemon=True).start()
    signal.signal(signal.SIGALRM, signal.SIG_DFL)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGALRM})
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    with contextlib.suppress(OSError):  # when the system runs out of memory it shall take a worker first
        Path("/proc/self/oom_score_adj").write_text("1000")
    with contextlib.suppress(EOFError, OSError):
        _obey(Connection(descriptor))


def _end_with_parent(descriptor: int) -> None:
    """Kill this process as soon as the other end of the socket is closed, whatever the task is doing."""
    hangup = select.poll()
    hangup.register(descriptor, 0)
    hangup.poll()
    os.kill(os.getpid(), signal.SIGKILL)


def _obey(connection: Connection) -> None:
    """Receive the limits and the lesson, tell whether it was learnt, then answer each item."""
    limits: Limits = connection.recv()
    resource.setrlimit(resource.RLIMIT_DATA, (limits.memory_bytes, limits.memory_bytes))
    task = limits.attempt(partial(_learn, connection.recv_bytes()))
    connection.send(task if isinstance(task, Failure) else None)
    while True:
        _send(connection, limits.attempt(partial(task, connection.recv())))


def _learn(lesson: bytes) -> Callable[[Any], Any]:
    task: Callable[[Any], Any]
    task, initializer = pickle.loads(lesson)
    if initializer:
        initializer()
    return task


def _send(connection: Connection, outcome: Any) -> None:
    try:
        message = pickle.dumps(outcome)
    except Exception as error:
        message = pickle.dumps(unexpected(error))
    connection.send_bytes(message)
