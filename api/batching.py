"""One warm reader for everybody: what many requests want read at the same time is read in shared batches.

A question's thread puts passages on a list and waits; a few reading threads take what has gathered there, a
bounded number of passages at a time, and read it in one go. While one of them is in the model, another
tokenises or looks for spans. Clients take turns; of one client the question with the earliest deadline is read
first. None brings more than a few passages at a time to the list, and a text that is long by itself leaves
a thread to the others, so that a large question cannot keep small ones waiting.
"""

import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future
from concurrent.futures import TimeoutError as FutureTimeout
from dataclasses import dataclass, field
from itertools import count
from threading import Condition, Thread

from fundstelle.api.tickets import Abandoned, Ticket, TooLate
from fundstelle.pipelines.reading import PassageReader
from fundstelle.reader.reader import Reader, WindowLogits
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


@dataclass(slots=True, eq=False)
class _Piece:
    """Some passages of one question, and where their readings are awaited."""

    number: int
    ticket: Ticket
    question: str
    passages: Sequence[Text]
    readings: "Future[list[Reading]]" = field(default_factory=Future)

    @property
    def characters(self) -> int:
        return sum(len(passage.text) for passage in self.passages)

    @property
    def is_long(self) -> bool:
        """Whether it is one text of seconds or minutes."""
        return self.characters > MOST_CHARACTERS

    @property
    def refusal(self) -> Exception | None:
        """Why it need not be read any more."""
        try:
            self.ticket.check()
        except (Abandoned, TooLate) as error:
            return error
        return None


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
        self._waiting: list[_Piece] = []  # short: a question has one piece here at a time
        self._turns: dict[str, int] = {}  # when each client last had its turn, as a number
        self._reads_long = False
        self._numbers = count(1)
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
        piece = _Piece(next(self._numbers), ticket, question, passages)
        with self._news:
            if self._closed:
                raise Abandoned
            self._waiting.append(piece)
            self._news.notify()
        return piece.readings

    def close(self, seconds: float) -> bool:
        """Refuse what comes, give up what waits, and wait for what is being read; whether that came to its end."""
        ends = time.monotonic() + seconds
        with self._news:
            self._closed = True
            given_up, self._waiting = self._waiting, []
            self._news.notify_all()
        for piece in given_up:
            piece.readings.set_exception(Abandoned())
        for thread in self._threads:
            thread.join(max(ends - time.monotonic(), 0.0))
        return not any(thread.is_alive() for thread in self._threads)

    def _work(self) -> None:
        while pieces := self._next_batch():
            self._read(pieces)
            if pieces[0].is_long:
                with self._news:
                    self._reads_long = False
                    self._news.notify_all()

    def _read(self, pieces: Sequence[_Piece]) -> None:
        try:
            reader = _Watched(self.reader, pieces) if isinstance(self.reader, Reader) else self.reader
            found = reader.read_batch([(piece.question, piece.passages) for piece in pieces])
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
        """Pieces of one client after the other, as many as are read in one go; unwanted ones are dropped."""
        self._drop_unwanted()
        passages = characters = 0
        while piece := self._next():
            passages += len(piece.passages)
            characters += piece.characters
            if passages > len(piece.passages) and (passages > MOST_PASSAGES or characters > MOST_CHARACTERS):
                return
            self._waiting.remove(piece)
            self._turns[piece.ticket.client] = next(self._numbers)
            self._reads_long |= piece.is_long
            yield piece

    def _drop_unwanted(self) -> None:
        waiting, self._waiting = self._waiting, []
        for piece in waiting:
            if refusal := piece.refusal:
                piece.readings.set_exception(refusal)
            else:
                self._waiting.append(piece)
        if not self._waiting:
            self._turns.clear()

    def _next(self) -> _Piece | None:
        """The most urgent piece of the client whose turn is longest ago; one long piece is read at a time."""
        return min(
            (piece for piece in self._waiting if not (self._reads_long and piece.is_long)),
            key=lambda piece: (
                self._turns.get(piece.ticket.client, 0),
                piece.ticket.deadline,
                piece.number,
            ),
            default=None,
        )


class _Watched(Reader):
    """A reader that stops between two windows, by an exception, once nobody wants any of `pieces` any more."""

    def __init__(self, reader: Reader, pieces: Sequence[_Piece]) -> None:
        super().__init__(
            reader.engine,
            reader.tokenizer,
            reader.settings,
            calibration=reader.calibration,
            name=reader.name,
        )
        self._pieces = pieces

    def window_logits(self, requests: Sequence[Request]) -> Iterator[WindowLogits]:
        for found in super().window_logits(requests):
            if all(piece.refusal for piece in self._pieces):
                self._pieces[0].ticket.check()
            yield found


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
        readings: list[Reading] = []
        for piece in _cut(passages):
            self._ticket.check()
            readings += self._await(self._shared.submit(self._ticket, question, piece))
        return readings

    def _await(self, future: "Future[list[Reading]]") -> list[Reading]:
        try:
            return future.result(timeout=self._ticket.seconds_left)
        except FutureTimeout:
            raise TooLate from None


def _cut(passages: Sequence[Text]) -> Iterator[list[Text]]:
    """Pieces of at most `PIECE` passages and `MOST_CHARACTERS`; a text that has more is a piece by itself."""
    piece: list[Text] = []
    characters = 0
    for passage in passages:
        characters += len(passage.text)
        if piece and (len(piece) == PIECE or characters > MOST_CHARACTERS):
            yield piece
            piece, characters = [], len(passage.text)
        piece.append(passage)
    if piece:
        yield piece
