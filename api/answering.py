"""From a request to its results: let in, worked on in threads, and stopped when nobody waits any more."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import TypeVar

from starlette.requests import Request

from fundstelle.api.admission import AT_A_TIME, Admission
from fundstelle.api.problems import Problem, busy
from fundstelle.api.tickets import Abandoned, Ticket, TooLate

T = TypeVar("T")
Work = Callable[[Ticket], T]
"""What is done for one question, in a thread; stops by an exception when the ticket is no longer good."""

PER_REQUEST = 8
"""Questions of one request in work at a time."""


class ClientGone(Problem):
    """The client has closed the connection: what is raised here is read by nobody but the log."""

    def __init__(self) -> None:
        super().__init__(503, "client-gone", "The client closed the connection before it was answered.")


class Answering:
    """Runs the work of questions: bounded, fair, before its deadline, and only while its client waits."""

    def __init__(self, admission: Admission, deadline_seconds: float) -> None:
        self.admission = admission
        self._deadline_seconds = deadline_seconds
        self._threads = ThreadPoolExecutor(AT_A_TIME, thread_name_prefix="question")

    async def all(self, request: Request, client: str, works: Sequence[Work[T]]) -> list[T]:
        """The results of `works`, in their order. Raises Problem."""
        found: dict[int, T] = {}
        with self.admission.enter(client):
            async for number, result in self.stream(request, client, works):
                found[number] = result
        return [found[number] for number in range(len(works))]

    async def stream(
        self, request: Request, client: str, works: Sequence[Work[T]]
    ) -> AsyncIterator[tuple[int, T]]:
        """The number and the result of each of `works`, as they are ready. To be used inside `admission.enter`."""
        gate = asyncio.Semaphore(PER_REQUEST)
        tasks = [
            asyncio.create_task(self._one(gate, client, number, work)) for number, work in enumerate(works)
        ]
        gone = asyncio.create_task(_disconnected(request))
        waiting = {*tasks}
        try:
            while waiting:
                done, _ = await asyncio.wait({*waiting, gone}, return_when=asyncio.FIRST_COMPLETED)
                for task in waiting & done:
                    yield task.result()
                waiting -= done
                if gone.done() and waiting:
                    raise ClientGone
        finally:
            await _cancel([gone, *tasks])

    async def _one(self, gate: asyncio.Semaphore, client: str, number: int, work: Work[T]) -> tuple[int, T]:
        async with gate:
            ticket = Ticket(client, time.monotonic() + self._deadline_seconds)
            try:
                async with asyncio.timeout(self._deadline_seconds), self.admission.turn(client):
                    loop = asyncio.get_running_loop()
                    result = await loop.run_in_executor(self._threads, partial(work, ticket))
            except (TooLate, TimeoutError):
                raise self._too_late() from None
            except Abandoned:
                raise busy(503, "stopping", "The service is stopping. Ask again soon.", 5) from None
            finally:
                ticket.abandon()
            return number, result

    def _too_late(self) -> Problem:
        detail = f"No answer was ready within {self._deadline_seconds:g} seconds. Ask again later."
        return busy(503, "deadline-passed", detail, self._deadline_seconds)

    def close(self) -> None:
        """Wait for what is in work."""
        self._threads.shutdown(cancel_futures=True)


async def _disconnected(request: Request) -> None:
    """Return when the client has closed the connection; the body must have been read."""
    while (await request.receive())["type"] != "http.disconnect":
        pass


async def _cancel(tasks: Sequence["asyncio.Task[object]"]) -> None:
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
