"""Reading what was retrieved: questions share batches, and each is read no further than it needs."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from time import perf_counter
from typing import Protocol

from fundstelle.indexing.store import Hit
from fundstelle.pipelines.neighbours import Run, runs
from fundstelle.pipelines.stopping import next_group, settled
from fundstelle.reader.confidence import Calibration
from fundstelle.reader.readings import Reading, Text


class PassageReader(Protocol):
    """What the pipeline needs of a reader; `fundstelle.reader.Reader` is one."""

    calibration: Calibration

    def read_batch(self, requests: Sequence[tuple[str, Sequence[Text]]]) -> list[list[Reading]]: ...


@dataclass(slots=True)
class Asked:
    """A question on its way: what was retrieved, best first, and what has been read of it, in the order of reading."""

    question: str
    hits: Sequence[Hit]
    readings: list[Reading] = field(default_factory=list)
    read_ms: float = 0.0
    _runs: list[Run] = field(init=False)
    _taken: int = field(init=False, default=0)

    def __post_init__(self) -> None:
        self._runs = runs(self.hits)

    def next_runs(self) -> list[Run]:
        """What is read next; it waits no longer."""
        first = self._taken
        self._taken = min(first + next_group(first), len(self._runs))
        return self._runs[first : self._taken]

    def add(self, read: Sequence[Run], readings: Sequence[Reading]) -> None:
        """What the reader says of these runs."""
        for run, reading in zip(read, readings, strict=True):
            self.readings.extend(run.apart(reading))

    def finished(self, calibration: Calibration, early_stop: bool) -> bool:
        if self._taken >= len(self._runs):
            return True
        return early_stop and settled(self.hits, self.readings, calibration)


def read_all(
    asked: Sequence[Asked], reader: PassageReader, calibration: Calibration, early_stop: bool = True
) -> None:
    """Read one group of passages of every question that is not finished, until all are.

    Fills `readings`, and `read_ms` with the question's part of the time, by its part of the texts.
    """
    pending = [each for each in asked if each.hits]
    while pending:
        started = perf_counter()
        taken = [each.next_runs() for each in pending]
        read = reader.read_batch([(each.question, texts) for each, texts in zip(pending, taken, strict=True)])
        spent = milliseconds_since(started) / sum(len(readings) for readings in read)
        for each, texts, readings in zip(pending, taken, read, strict=True):
            each.add(texts, readings)
            each.read_ms += spent * len(readings)
        pending = [each for each in pending if not each.finished(calibration, early_stop)]


def milliseconds_since(started: float) -> float:
    """Milliseconds since `perf_counter()` said `started`."""
    return (perf_counter() - started) * 1000
