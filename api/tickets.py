"""A ticket: whose work something is, until when it is wanted, and whether anybody still waits for it."""

import time
from dataclasses import dataclass, field
from threading import Event


class Abandoned(Exception):
    """Nobody waits for the result any more: the client has gone."""


class TooLate(Exception):
    """The deadline has passed."""


@dataclass(frozen=True, slots=True)
class Ticket:
    """The right of one question to be worked on.

    Attributes:
        client: who asks, as fairness counts them.
        deadline: when the work is no longer wanted, by `time.monotonic()`.
    """

    client: str
    deadline: float
    _abandoned: Event = field(default_factory=Event)

    def abandon(self) -> None:
        """Have all work on it stop at the next place where it can; from any thread."""
        self._abandoned.set()

    def check(self) -> None:
        """Raise Abandoned or TooLate where the work is no longer wanted."""
        if self._abandoned.is_set():
            raise Abandoned
        if time.monotonic() >= self.deadline:
            raise TooLate

    @property
    def seconds_left(self) -> float:
        return max(self.deadline - time.monotonic(), 0.0)
