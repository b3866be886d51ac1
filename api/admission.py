"""Who is let in: a bounded number of requests, and of their questions a few at a time, client by client in turn."""

import asyncio
from collections import OrderedDict, deque
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager

from fundstelle.api.problems import Problem, busy

AT_A_TIME = 24
"""Questions in work at a time; more would only wait for the reader elsewhere, in no fair order."""


class Admission:
    """The door before the reader. For use in one event loop.

    Args:
        most: requests inside at a time; more are refused with 503.
        most_per_client: the part of them that one client may have; more are refused with 429.
    """

    def __init__(self, most: int, most_per_client: int, at_a_time: int = AT_A_TIME) -> None:
        self._most = most
        self._most_per_client = most_per_client
        self._inside: dict[str, int] = {}
        self._free = at_a_time
        self._at_a_time = at_a_time
        self._waiting: OrderedDict[str, deque[asyncio.Future[None]]] = OrderedDict()
        self._mean_seconds = 0.2

    @property
    def inside(self) -> int:
        """Requests being answered or waiting."""
        return sum(self._inside.values())

    @property
    def waiting(self) -> int:
        """Questions that wait for their turn."""
        return sum(map(len, self._waiting.values()))

    @contextmanager
    def enter(self, client: str) -> Iterator[None]:
        """Be inside with one request. Raises Problem where there is no room."""
        if self.inside >= self._most:
            raise self._refusal(503, "overloaded", "The service is busy.")
        if self._inside.get(client, 0) >= self._most_per_client:
            raise self._refusal(429, "too-many-requests", "Too many requests of yours are waiting.")
        self._inside[client] = self._inside.get(client, 0) + 1
        try:
            yield
        finally:
            self._inside[client] -= 1
            if not self._inside[client]:
                del self._inside[client]

    def _refusal(self, status: int, code: str, why: str) -> Problem:
        seconds = self._mean_seconds * (self.waiting + self._at_a_time) / self._at_a_time
        return busy(status, code, f"{why} Send this one again later.", seconds)

    @asynccontextmanager
    async def turn(self, client: str) -> AsyncIterator[None]:
        """Work on one question; waits until it is this client's turn."""
        await self._take(client)
        started = asyncio.get_running_loop().time()
        try:
            yield
        finally:
            spent = asyncio.get_running_loop().time() - started
            self._mean_seconds += 0.1 * (spent - self._mean_seconds)
            self._give_back()

    async def _take(self, client: str) -> None:
        if self._free and not self._waiting:
            self._free -= 1
            return
        turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.setdefault(client, deque()).append(turn)
        try:
            await turn
        except asyncio.CancelledError:
            if turn.done() and not turn.cancelled():
                self._give_back()
            else:
                self._forget(client, turn)
            raise

    def _forget(self, client: str, turn: "asyncio.Future[None]") -> None:
        queue = self._waiting.get(client)
        if queue is not None and turn in queue:
            queue.remove(turn)
            if not queue:
                del self._waiting[client]

    def _give_back(self) -> None:
        """Pass the turn on to the client that has waited longest since its last one, or keep it free."""
        while self._waiting:
            client, queue = self._waiting.popitem(last=False)
            turn = queue.popleft()
            if queue:
                self._waiting[client] = queue  # behind all others
            if not turn.done():
                turn.set_result(None)
                return
        self._free += 1
