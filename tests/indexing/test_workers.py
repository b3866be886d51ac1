"""Hostile tasks cost their own item and nothing else, and no worker outlives its pool."""

import ctypes
import operator
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from functools import partial
from itertools import repeat
from pathlib import Path
from typing import Any

import pytest

from fundstelle.indexing.files import read_bytes
from fundstelle.indexing.workers import Failure, WorkerError, Workers

# A worker finds its task by name, so these tasks are made of library functions: `perform` calls its item.
perform: Any = operator.call
good: Any = partial(len, "good")
hostile: dict[str, tuple[Any, str]] = {
    "sleeps": (partial(time.sleep, 60), "longer than the limit of 0.5 seconds"),
    "never gives control back": (partial(sum, repeat(0)), "longer than the limit of 0.5 seconds"),
    "hogs memory": (partial(bytes, 1 << 40), "more memory than the limit of 512 MiB"),
    "hogs memory in small pieces": (partial(list, map(bytes, repeat(100_000))), "more memory than"),
    "exits": (partial(os._exit, 3), "exit status 3"),
    "crashes": (partial(ctypes.string_at, 1), "crashed \\(Segmentation fault\\)"),
    "is killed": (partial(os.kill, 0, signal.SIGKILL), "memory was short"),
    "raises SystemExit": (partial(sys.exit, "bye"), "SystemExit: bye"),
    "raises": (partial(operator.truediv, 1, 0), "ZeroDivisionError: division by zero"),
    "returns what cannot be sent": (partial(open, os.devnull), "TypeError"),
}


hoard: Any = partial(exec, "import sys; sys.hoard = bytearray(300 << 20)")
hoard_and_tell: Any = partial(
    eval, "[exec('import sys; sys.hoard = bytearray(300 << 20)'), __import__('os').getpid()][1]"
)


def running(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def ends(pid: int) -> bool:
    """Whether the process ends, given ample time."""
    deadline = time.monotonic() + 60
    while running(pid) and time.monotonic() < deadline:
        time.sleep(0.02)
    return not running(pid)


def test_every_item_comes_back_once_with_its_own_result() -> None:
    """Many items over two workers: each comes back exactly once, with the result that belongs to it."""
    with Workers(str, 2) as workers:
        assert sorted(workers.map(range(50)), key=operator.itemgetter(0)) == [(n, str(n)) for n in range(50)]


def test_one_kept_process_does_the_work() -> None:
    """Even a single worker is a process apart, and it is kept from item to item and call to call."""
    with Workers(perform) as workers:
        pids = {pid for _ in range(2) for _, pid in workers.map([partial(os.getpid)] * 3)}
    assert len(pids) == 1
    assert os.getpid() not in pids


def test_items_are_taken_only_for_free_workers() -> None:
    """However many items there are, no more are taken than workers are free."""
    taken = 0

    def endless() -> Iterator[int]:
        nonlocal taken
        while True:
            taken += 1
            yield taken

    with Workers(str, 2) as workers:
        results = workers.map(endless())
        for done in range(1, 20):
            next(results)
            assert taken <= done + 2


@pytest.mark.parametrize("case", hostile)
def test_a_hostile_task_costs_only_its_item(case: str) -> None:
    """A task that hangs, hogs memory, crashes or raises fails with its cause; the items around it succeed."""
    task, cause = hostile[case]
    timeout = 0.5 if "longer" in cause else 120.0
    with Workers(perform, timeout_seconds=timeout, memory_bytes=512 << 20) as workers:
        before, failed, after = workers.map([good, task, good])
    assert before == after == (good, 4)
    assert isinstance(failed[1], Failure)
    assert re.search(cause, failed[1].reason)


def test_reading_errors_are_reasons_as_they_are(tmp_path: Path) -> None:
    """The sentence of a ReadingError reaches the user unchanged."""
    with Workers(read_bytes) as workers:
        [(_, failure)] = workers.map([tmp_path / "missing"])
    assert failure == Failure("The file is gone: it was moved or deleted, or the link to it leads nowhere.")


def test_memory_kept_by_one_item_is_not_charged_to_the_next() -> None:
    """A worker that still holds much memory after an item is replaced before the next one."""
    with Workers(perform, memory_bytes=512 << 20) as workers:
        pids = {pid for _, pid in workers.map([hoard_and_tell] * 2)}
    assert len(pids) == 2


def test_what_the_initializer_loads_does_not_wear_a_worker_out() -> None:
    """Memory that the initializer holds does not count as left over: the worker is kept."""
    with Workers(perform, memory_bytes=512 << 20, initializer=hoard) as workers:
        assert len({pid for _, pid in workers.map([partial(os.getpid)] * 3)}) == 1


def test_an_initializer_runs_once_in_each_worker() -> None:
    """Tasks find what the initializer prepared, and it is prepared once."""
    prepare = partial(exec, "import sys; sys.prepared = getattr(sys, 'prepared', 0) + 1")
    ask = partial(eval, "__import__('sys').prepared")
    with Workers(perform, initializer=prepare) as workers:
        assert [outcome for _, outcome in workers.map([ask] * 3)] == [1, 1, 1]


@pytest.mark.parametrize(
    ("initializer", "cause"),
    [(partial(int, "x"), "invalid literal"), (partial(os._exit, 5), "exit status 5")],
)
def test_workers_that_cannot_start_say_why(initializer: Any, cause: str) -> None:
    """A failing initializer is an error of the whole pool, not of every item."""
    with Workers(str, initializer=initializer) as workers, pytest.raises(WorkerError, match=cause):
        list(workers.map([1, 2]))


def test_leaving_early_ends_what_is_in_work() -> None:
    """Giving up in the middle of `map`, by an error or Ctrl-C, leaves no process behind."""
    with Workers(perform, 2) as workers:
        results = workers.map([partial(os.getpid), partial(time.sleep, 60), partial(time.sleep, 60)])
        _, pid = next(results)
        assert running(pid)
        with pytest.raises(KeyboardInterrupt):
            results.throw(KeyboardInterrupt)  # type: ignore[attr-defined]
    assert ends(pid)


@pytest.mark.parametrize("ending", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT])
@pytest.mark.parametrize(
    "task", ["time.sleep, 60", "sum, repeat(0)"], ids=["sleeping", "never giving control back"]
)
def test_workers_die_with_their_parent(ending: signal.Signals, task: str) -> None:
    """However the parent ends, even by `kill -9` and in the middle of a task, its workers end too."""
    program = (
        "import operator, os, sys, time\n"
        "from functools import partial\n"
        "from itertools import repeat\n"
        "from fundstelle.indexing.workers import Workers\n"
        "results = Workers(operator.call, timeout_seconds=3).map([partial(os.getpid), partial(%s)])\n"
        "print(next(results)[1], flush=True)\n"
        "next(results)\n"
    )
    with subprocess.Popen(
        [sys.executable, "-c", program % task], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    ) as parent:
        assert parent.stdout
        worker = int(parent.stdout.readline())
        assert running(worker)
        parent.send_signal(ending)
    assert ends(worker)


@pytest.mark.parametrize("wrong", [{"count": 0}, {"timeout_seconds": 0}, {"memory_bytes": 0}])
def test_limits_must_be_positive(wrong: dict[str, Any]) -> None:
    """A pool without workers, time or memory is refused at once."""
    with pytest.raises(ValueError, match="positive"):
        Workers(str, **wrong)
