"""One warm reader for everybody: what many requests want read at the same time is read in shared batches.

A question's thread puts passages on a list and waits; a few reading threads take what has gathered there, a
bounded number of passages at a time, and read it in one go. While one of them is in the model, another
tokenises or looks for spans. The question with the earliest deadline is read first, and none brings more than
a few passages at a time to the list, so that a large one cannot keep small ones waiting.
"""

import heapq
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future
from concurrent.futures import TimeoutError as FutureTimeout
from dataclasses import dataclass, field
from itertools import count
from threading import Condition, Thread

from fundstelle.api.tickets import Abandoned, Ticket, TooLate
from fundstelle.pipelines.reading import PassageReader
from fundstelle.reader.readings import Reading, Text

MOST_PASSAGES = 16
"""Passages read in one go: more at a time are read no faster, and the questions behind them wait longer."""

MOST_CHARACTERS = 40_000
"""Characters of passages read in one go, unless a single passage has more."""

PIECE = 10
"""Passages of one question that wait as one piece: the largest group that a question reads at a time."""

READING_THREADS = 2
"""One in the model, one before or after it."""

Request = tuple[str, Sequence[Text]]


@dataclass(slots=True, order=True)
class _Piece:
    """Some passages of one question, and where their readings are awaited."""

    deadline: float
    number: int
    ticket: Ticket = field(compare=False)
    question: str = field(compare=False)
    passages: Sequence[Text] = field(compare=False)
    readings: "Future[list[Reading]]" = field(default_factory=Future, compare=False)

    @property
    def characters(self) -> int:
        return sum(len(passage.text) for passage in self.passages)


class SharedReader:
    """Reads for many threads at a time with one reader. Use it through `for_ticket`.

    Args:
        on_batch: told how many questions and passages each batch had.
    """

    def __init__(
        self,
        reader: PassageReader,
        *,
        threads: int = READING_THREADS,
        on_batch: Callable[[int, int], None] = lambda questions, passages: None,
    ) -> None:
        self.reader = reader
        self._on_batch = on_batch
        self._waiting: list[_Piece] = []  # a heap
        self._numbers = count()
        self._news = Condition()
        self._closed = False
        self._threads = [Thread(target=self._work, name=f"reading-{n}", daemon=True) for n in range(threads)]
        for thread in self._threads:
            thread.start()

    def for_ticket(self, ticket: Ticket) -> "TicketReader":
        """The reader as the pipeline of one question uses it."""
        return TicketReader(self, ticket)

    def submit(self, ticket: Ticket, question: str, passages: Sequence[Text]) -> "Future[list[Reading]]":
        """Put passages on the list; at most `PIECE` of them."""
        piece = _Piece(ticket.deadline, next(self._numbers), ticket, question, passages)
        with self._news:
            if self._closed:
                raise Abandoned
            heapq.heappush(self._waiting, piece)
            self._news.notify()
        return piece.readings

    def close(self) -> None:
        """Refuse what comes, give up what waits, and wait for what is being read."""
        with self._news:
            self._closed = True
            given_up, self._waiting = self._waiting, []
            self._news.notify_all()
        for piece in given_up:
            piece.readings.set_exception(Abandoned())
        for thread in self._threads:
            thread.join()

    def _work(self) -> None:
        while pieces := self._next_batch():
            try:
                found = self.reader.read_batch([(piece.question, piece.passages) for piece in pieces])
            except Exception as error:
                for piece in pieces:
                    piece.readings.set_exception(error)
            else:
                for piece, readings in zip(pieces, found, strict=True):
                    piece.readings.set_result(readings)
                self._on_batch(len(pieces), sum(len(piece.passages) for piece in pieces))

    def _next_batch(self) -> list[_Piece]:
        """What is read next, waited for; nothing once the reader is closed."""
        with self._news:
            while not self._closed:
                if batch := list(self._take()):
                    return batch
                self._news.wait()
        return []

    def _take(self) -> Iterator[_Piece]:
        """The most urgent pieces, as many as are read in one go; unwanted ones are dropped."""
        passages = characters = 0
        while self._waiting:
            piece = self._waiting[0]
            try:
                piece.ticket.check()
            except (Abandoned, TooLate) as error:
                heapq.heappop(self._waiting).readings.set_exception(error)
                continue
            passages += len(piece.passages)
            characters += piece.characters
            if passages > len(piece.passages) and (passages > MOST_PASSAGES or characters > MOST_CHARACTERS):
                return
            yield heapq.heappop(self._waiting)


class TicketReader:
    """A `PassageReader` for the thread of one question: raises Abandoned or TooLate when it is to stop."""

    def __init__(self, shared: SharedReader, ticket: Ticket) -> None:
        self._shared = shared
        self._ticket = ticket
        self.calibration = shared.reader.calibration

    def read_batch(self, requests: Sequence[Request]) -> list[list[Reading]]:
        """The readings of each request, in order, made of pieces that wait on the shared list."""
        return [self._read(question, passages) for question, passages in requests]

    def _read(self, question: str, passages: Sequence[Text]) -> list[Reading]:
        pieces = [passages[start : start + PIECE] for start in range(0, len(passages), PIECE)]
        readings: list[Reading] = []
        for piece in pieces:
            self._ticket.check()
            readings += self._await(self._shared.submit(self._ticket, question, piece))
        return readings

    def _await(self, future: "Future[list[Reading]]") -> list[Reading]:
        try:
            return future.result(timeout=self._ticket.seconds_left)
        except FutureTimeout:
            raise TooLate from None
