"""One reader for many threads: the same readings, shared batches, nothing read that nobody wants."""

import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from threading import Event
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fundstelle.api.batching import MOST_CHARACTERS, MOST_PASSAGES, PIECE, SharedReader
from fundstelle.api.tickets import Abandoned, Ticket, TooLate
from fundstelle.reader.reader import Reader


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
    shared.close(60)
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
    shared.close(60)
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
    shared.close(60)


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
    shared.close(60)
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
    shared.close(60)
    assert order == ["held", "soon", "late", "later"]


def recording(reader: Any) -> list[list[tuple[str, int]]]:
    """What `reader` reads from now on: of each batch the questions, and how many passages each has."""
    read, batches = reader.read_batch, []

    def read_batch(requests: Any) -> Any:
        batches.append([(question, len(passages)) for question, passages in requests])
        return read(requests)

    reader.read_batch = read_batch
    return batches


def test_a_client_with_many_questions_does_not_keep_another_waiting(
    new_reader: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Clients take turns, however much earlier the deadlines of one are."""
    monkeypatch.setattr("fundstelle.api.batching.MOST_PASSAGES", 1)
    reader = new_reader()
    batches = recording(reader)
    reader.free.clear()
    shared = SharedReader(reader, threads=1)
    futures = [shared.submit(ticket(), "held", [Words("0", "x")])]
    assert reader.entered.wait(30)
    futures += [shared.submit(ticket(10 + n), f"early {n}", [Words("0", "x")]) for n in range(5)]
    late = Ticket("somebody else", time.monotonic() + 60)
    futures += [shared.submit(late, f"late {n}", [Words("0", "x")]) for n in range(2)]
    reader.free.set()
    for future in futures:
        future.result(30)
    shared.close(60)
    order = [question for batch in batches for question, _ in batch]
    assert order == ["held", "late 0", "early 0", "late 1", "early 1", "early 2", "early 3", "early 4"]


def test_long_texts_leave_a_thread_to_others(new_reader: Any) -> None:
    """While one long text is read another waits, and what is short is read; texts are cut off from each other."""
    reader = new_reader()
    batches = recording(reader)
    read, free, entered = reader.read_batch, Event(), Event()

    def read_batch(requests: Any) -> Any:
        if len(requests[0][1][0].text) > MOST_CHARACTERS:
            entered.set()
            assert free.wait(60)
        return read(requests)

    reader.read_batch = read_batch
    shared = SharedReader(reader, threads=2)
    long = [Words("0", "x" * MOST_CHARACTERS + "y")]
    first = shared.submit(ticket(), "first", long)
    assert entered.wait(30)
    second = shared.submit(ticket(), "second", long)
    half = [Words(str(n), "x" * (MOST_CHARACTERS // 2)) for n in range(3)]
    shared.for_ticket(ticket()).read_batch([("short", half)])
    assert batches == [[("short", 2)], [("short", 1)]]
    assert not (first.done() or second.done())
    free.set()
    assert len(first.result(30)) == len(second.result(30)) == 1
    shared.close(60)


def test_a_long_text_is_read_as_the_reader_alone_does_and_no_further_than_it_is_wanted() -> None:
    """Who goes away in the middle of a long text stops its reading; who stays has the same readings."""
    with Reader.load(token_budget=1) as reader:
        shared, texts = SharedReader(reader), [Words("0", "The bridge was built in 1923. " * 200)]
        question = "When was the bridge built?"
        assert shared.for_ticket(ticket()).read_batch([(question, texts)]) == [reader.read(question, texts)]
        logits, batches, gone = reader.engine.logits, 0, ticket()

        def counted(batch: Any) -> Any:
            nonlocal batches
            batches += 1
            gone.abandon()
            return logits(batch)

        reader.engine.logits = counted  # type: ignore[method-assign]
        with pytest.raises(Abandoned):
            shared.submit(gone, question, texts).result(60)
        assert batches == 1
        assert shared.close(60)


def test_a_reading_without_end_does_not_hold_up_the_end(new_reader: Any) -> None:
    """Closing waits no longer than it is told to, and says that something is still being read."""
    reader = new_reader()
    reader.free.clear()
    shared = SharedReader(reader)
    future = shared.submit(ticket(), "?", [Words("0", "x")])
    assert reader.entered.wait(30)
    assert not shared.close(0.01)
    reader.free.set()
    future.result(30)
    assert shared.close(60)
