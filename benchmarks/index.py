"""How fast files become a searchable collection, with how much memory, and how fast it is searched.

    python benchmarks/index.py PATH... [--megabytes 60] [--workers 2] [--questions 400] [--store FOLDER]
                                       [--tokenizer FILE]

PATHs are plain text, JSON Lines with a "text", or files in SQuAD's format; the questions are those of the latter.
Their different texts, in random order, are written as files of plain text and indexed like any folder: read,
languages detected, split by the reader's tokens, analysed, written to an embedded store. Printed:

- megabytes of plain text a minute of one core, by processor time (of all processes; a busy machine does not
  stretch it) and by the clock, and as a ratio to the goal of 15;
- the same run again, in which every file is unchanged;
- the most memory that the main process and each worker ever held;
- which share of a worker's time, and of the writer's, each step takes;
- milliseconds per question (top 20) at the median and the 99th percentile.
"""

import argparse
import os
import resource
import tempfile
import time
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any

from machine import describe
from search import texts_and_questions, timed

from fundstelle.indexing import tokens
from fundstelle.indexing.embedded import EmbeddedStore
from fundstelle.indexing.formats import read
from fundstelle.indexing.jobs import JobProgress, JobResult, Splitting, index
from fundstelle.indexing.languages import detect
from fundstelle.indexing.passages import split
from fundstelle.indexing.preparation import with_terms
from fundstelle.reader import bundle

GOAL = 15.0
SAMPLE = 400


def write_files(texts: Iterable[str], folder: Path, megabytes: float) -> int:
    """Each different text as a file, until there are `megabytes`; the bytes written."""
    size = 0
    for number, text in enumerate(dict.fromkeys(texts)):
        if size >= megabytes * 1e6:
            break
        path = folder / f"{number % 100:02}" / f"{number}.txt"
        path.parent.mkdir(exist_ok=True)
        size += path.write_bytes(text.encode())
    return size


def prepare(paths: list[Path], folder: Path, megabytes: float) -> tuple[int, list[str]]:
    """The files in their folder: their bytes, and the questions to ask."""
    texts, questions = texts_and_questions(paths)
    return write_files(texts, folder, megabytes), questions


def processor_seconds() -> float:
    """Of this process and of those it has ended."""
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(one.ru_utime + one.ru_stime for one in used)


def show_run(name: str, size: int, workers: int, run: Callable[[], JobResult]) -> None:
    begun, used = time.perf_counter(), processor_seconds()
    result = run()
    clock, processor = time.perf_counter() - begun, processor_seconds() - used
    rate, by_clock = size / 1e6 / processor * 60, size / 1e6 / clock * 60
    print(
        f"{name}: {result.documents.added} files new, {result.documents.unchanged} unchanged, "
        f"{result.passages} passages\n"
        f"  {processor:.1f} s of processor time: {rate:.0f} MB a minute of one core, "
        f"{rate / GOAL:.1f} times the goal\n"
        f"  {clock:.1f} s by the clock: {by_clock:.0f} MB a minute with {workers} workers"
    )


class Peak:
    """The most memory that this process and each of its workers held; looks whenever a job reports."""

    def __init__(self) -> None:
        self.main = 0.0
        self.workers: dict[str, float] = {}

    def __call__(self, progress: JobProgress) -> None:
        self.main = peak_megabytes("self")
        for worker in Path(f"/proc/self/task/{os.getpid()}/children").read_text().split():
            self.workers[worker] = max(peak_megabytes(worker), self.workers.get(worker, 0.0))

    def show(self) -> None:
        print(
            f"peak memory: main process {self.main:.0f} MB, "
            f"workers {', '.join(f'{peak:.0f} MB' for peak in self.workers.values())}"
        )


def peak_megabytes(process: str) -> float:
    """What a process has held at most; 0 where it has just ended."""
    try:
        status = Path(f"/proc/{process}/status").read_text()
    except OSError:
        return 0.0
    line = next((line for line in status.splitlines() if line.startswith("VmHWM")), "VmHWM: 0 kB")
    return int(line.split()[1]) / 1000


class Stopwatch:
    """Processor seconds by step."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}

    def __call__(self, step: str, task: Callable[[], Any]) -> Any:
        begun = time.process_time()
        result = task()
        self.seconds[step] = self.seconds.get(step, 0.0) + time.process_time() - begun
        return result

    def show(self) -> None:
        total = sum(self.seconds.values())
        print("shares:", ", ".join(f"{step} {used / total:.0%}" for step, used in self.seconds.items()))


class TimedCounter(tokens.TokenCounter):
    """A counter whose time is told apart from the rest of splitting."""

    watch: Stopwatch

    def counts(self, texts: Sequence[str]) -> list[int]:
        counted: list[int] = self.watch("tokenising", lambda: super(TimedCounter, self).counts(texts))
        return counted


def show_shares(files: Sequence[Path], tokenizer: Path) -> None:
    """Each step of the way in, one after the other, over some of the files."""
    watch = Stopwatch()
    counter = TimedCounter.load(tokenizer)
    assert isinstance(counter, TimedCounter)
    counter.watch = watch
    with tempfile.TemporaryDirectory() as folder, EmbeddedStore.open(folder) as store:
        for file in files:
            (document,) = watch("reading", lambda file=file: read(file, str(file)))
            passages = watch("splitting", lambda document=document: split(document, counter))
            watch("detecting", lambda found=passages: [detect(passage.text) for passage in found])
            ready = watch("analysing", lambda d=document, p=passages: with_terms(d, p))
            watch("writing", lambda ready=ready: store.write([ready]))
        watch("writing", store.commit)
    watch.seconds["splitting"] -= watch.seconds["tokenising"]
    watch.show()


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("paths", nargs="+", type=Path)
    parser.add_argument("--megabytes", type=float, default=60.0)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--questions", type=int, default=400)
    parser.add_argument("--store", type=Path, help="a new folder to keep the store in")
    parser.add_argument("--tokenizer", type=Path, default=bundle.path() / bundle.TOKENIZER)
    options = parser.parse_args()
    print(describe())
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name) / "files"
        folder.mkdir()
        with ProcessPoolExecutor(1) as other:  # which takes the texts with it when it ends
            size, questions = other.submit(prepare, options.paths, folder, options.megabytes).result()
        with EmbeddedStore.open(options.store or Path(name) / "store") as store:
            peak = Peak()

            def run() -> JobResult:
                splitting = Splitting(options.tokenizer)
                return index(
                    [folder],
                    store,
                    base=folder,
                    splitting=splitting,
                    workers=options.workers,
                    on_progress=peak,
                )

            show_run(f"{size / 1e6:.0f} MB", size, options.workers, run)
            peak.show()
            show_run("again", size, options.workers, run)
            show_shares(sorted(folder.rglob("*.txt"))[:SAMPLE], options.tokenizer)
            store.search(questions[-1])
            timed(store.search, questions[: options.questions])


if __name__ == "__main__":
    main()
