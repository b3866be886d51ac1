"""Several engines as one, and work done ahead."""

import threading
from typing import Any

import numpy as np
import pytest

from fundstelle.reader.engine import Batch
from fundstelle.reader.parallel import ParallelEngine
from fundstelle.reader.prefetch import prefetch


def batches(count: int) -> list[Batch]:
    """Batches that tell each other apart."""
    return [Batch(np.full((1, 2), i), np.ones((1, 2), np.int64)) for i in range(count)]


def test_batches_come_back_in_order_from_all_engines(engine_like: Any) -> None:
    """Two engines work at the same time; the logits are in the order of the batches."""
    both = threading.Barrier(2)

    class Waiting(engine_like):  # type: ignore[misc]
        def logits(self, batch: Batch) -> Any:
            both.wait(timeout=60)
            return super().logits(batch)

    numbers = {i: float(i) for i in range(8)}
    engines = [Waiting(numbers, numbers) for _ in range(2)]
    engine = ParallelEngine(engines)
    assert [start[0, 0] for start, _ in engine.stream(batches(8))] == list(range(8))
    assert [len(one.batches) for one in engines] == [4, 4]
    assert engine.description == "scripted; scripted"
    engine.close()
    assert all(one.closed for one in engines)


def test_a_failing_engine_fails_the_stream(engine_like: Any) -> None:
    """An error in a thread reaches who reads, and the engine is free again."""

    class Failing(engine_like):  # type: ignore[misc]
        def logits(self, batch: Batch) -> Any:
            raise RuntimeError("out of memory")

    engine = ParallelEngine([Failing()])
    for _ in range(2):
        with pytest.raises(RuntimeError, match="out of memory"):
            list(engine.stream(batches(1)))


def test_prefetching_keeps_items_order_and_errors() -> None:
    """Items come as they were made; an error in making one is raised where it would have come."""

    def items() -> Any:
        yield 1
        yield 2
        raise ValueError("no third")

    ahead = prefetch(items())
    assert [next(ahead), next(ahead)] == [1, 2]
    with pytest.raises(ValueError, match="no third"):
        next(ahead)
    assert list(prefetch(iter([]))) == []


def test_the_next_item_is_made_while_this_one_is_used() -> None:
    """The second item is ready before the first is given back."""
    made = threading.Event()

    def items() -> Any:
        yield 1
        made.set()
        yield 2

    ahead = prefetch(items())
    assert next(ahead) == 1
    assert made.wait(timeout=60)
    assert list(ahead) == [2]
