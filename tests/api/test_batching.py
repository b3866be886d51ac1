"""One reader for many threads: the same readings, shared batches, nothing read that nobody wants."""

import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fundstelle.api.batching import MOST_PASSAGES, PIECE, SharedReader
from fundstelle.api.tickets import Abandoned, Ticket, TooLate


@dataclass(frozen=True)
class Words:
    id: str
    text: str


def ticket(seconds: float = 60) -> Ticket:
    return Ticket("somebody", time.monotonic() + seconds)


@settings(max_examples=20, deadline=None)
@given(counts=st.lists(st.integers(0, 45), min_size=1, max_size=12))
def test_every_thread_gets_its_own_readings_in_order(new_reader: Any, counts: list[int]) -> None:
    """However many ask at once and however much, each has what the reader alone would have given it."""
    reader = new_reader()
    shared = SharedReader(reader)
    requests = [
        (f"question {number}", [Words(f"{number}-{k}", f"passage *{k}* of {number}") for k in range(count)])
        for number, count in enumerate(counts)
    ]
    with ThreadPoolExecutor(len(requests)) as threads:
        found = list(
            threads.map(lambda request: shared.for_ticket(ticket()).read_batch([request])[0], requests)
        )
    shared.close()
    assert found == new_reader().read_batch(requests)


def test_a_batch_is_bounded_and_a_large_question_brings_little_at_a_time(new_reader: Any) -> None:
    """No reading has more passages than the bound, and of one question no more than a piece."""
    reader, sizes = new_reader(), []
    read = reader.read_batch

    def read_batch(requests: Any) -> Any:
        sizes.append([len(passages) for _, passages in requests])
        return read(requests)

    reader.read_batch = read_batch
    shared = SharedReader(reader, threads=1)
    passages = [Words(str(k), "text") for k in range(47)]
    with ThreadPoolExecutor(8) as threads:
        for _ in threads.map(
            lambda n: shared.for_ticket(ticket()).read_batch([(str(n), passages)]), range(8)
        ):
            pass
    shared.close()
    assert sum(map(sum, sizes)) == 8 * 47
    assert all(size <= PIECE for batch in sizes for size in batch)
    assert all(sum(batch) <= MOST_PASSAGES for batch in sizes)


def test_an_error_of_the_reader_reaches_who_asked_and_nobody_later(new_reader: Any) -> None:
    """What a batch fails with is raised in its threads; the next one is read."""
    reader = new_reader()
    read = reader.read_batch
    reader.read_batch = lambda requests: (_ for _ in ()).throw(FloatingPointError("no numbers"))
    shared = SharedReader(reader)
    with pytest.raises(FloatingPointError, match="no numbers"):
        shared.for_ticket(ticket()).read_batch([("?", [Words("1", "x")])])
    reader.read_batch = read
    assert len(shared.for_ticket(ticket()).read_batch([("?", [Words("1", "x")])])[0]) == 1
    shared.close()


def test_what_nobody_wants_is_not_read(new_reader: Any) -> None:
    """An abandoned question and one past its deadline are dropped without reading."""
    reader = new_reader()
    shared = SharedReader(reader)
    gone = ticket()
    gone.abandon()
    with pytest.raises(Abandoned):
        shared.for_ticket(gone).read_batch([("?", [Words("1", "x")])])
    with pytest.raises(TooLate):
        shared.for_ticket(ticket(0)).read_batch([("?", [Words("1", "x")])])
    assert reader.batches == []
    shared.close()
    with pytest.raises(Abandoned):
        shared.for_ticket(ticket()).read_batch([("?", [Words("1", "x")])])


def test_the_most_urgent_question_is_read_first(new_reader: Any) -> None:
    """Of what waits, the question whose deadline is nearest goes first, whenever it came."""
    reader, order = new_reader(), []
    read = reader.read_batch

    def read_batch(requests: Any) -> Any:
        order.extend(question for question, _ in requests)
        return read(requests)

    reader.read_batch = read_batch
    reader.free.clear()
    shared = SharedReader(reader, threads=1)
    held = shared.submit(ticket(), "held", [Words("0", "x")])
    assert reader.entered.wait(30)
    futures = [
        shared.submit(ticket(seconds), name, [Words(name, "x")])
        for name, seconds in (("late", 50), ("soon", 20), ("later", 55))
    ]
    reader.free.set()
    for future in (held, *futures):
        future.result(30)
    shared.close()
    assert order == ["held", "soon", "late", "later"]
