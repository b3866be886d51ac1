"""The door before the reader: bounded, and fair between clients."""

import asyncio
from collections.abc import Coroutine
from typing import Any

import pytest

from fundstelle.api.admission import Admission
from fundstelle.api.problems import Problem


def run(work: Coroutine[Any, Any, None]) -> None:
    asyncio.run(asyncio.wait_for(work, 30))


def test_clients_take_turns_however_much_one_asks() -> None:
    """A client with one question waits behind one of each other client, not behind all that another asked first."""
    order: list[str] = []

    async def question(door: Admission, client: str) -> None:
        async with door.turn(client):
            order.append(client)
            await asyncio.sleep(0)

    async def work() -> None:
        door = Admission(100, 100, at_a_time=1)
        async with door.turn("first"):
            asked = [asyncio.create_task(question(door, "greedy")) for _ in range(5)]
            await asyncio.sleep(0)
            asked += [asyncio.create_task(question(door, client)) for client in ("modest", "meek")]
            await asyncio.sleep(0)
            assert door.waiting == 7
        await asyncio.gather(*asked)
        assert door.waiting == 0

    run(work())
    assert order == ["greedy", "modest", "meek", *["greedy"] * 4]


def test_no_more_are_at_work_than_allowed() -> None:
    """Turns are given back when work ends, fails or is cancelled, and are never more than there are."""
    at_work, most = 0, 0

    async def question(door: Admission, number: int) -> None:
        nonlocal at_work, most
        async with door.turn(str(number % 3)):
            at_work += 1
            most = max(most, at_work)
            try:
                await asyncio.sleep(0.002)
                if number % 5 == 0:
                    raise ValueError
            finally:
                at_work -= 1

    async def work() -> None:
        door = Admission(100, 100, at_a_time=4)
        asked = [asyncio.create_task(question(door, number)) for number in range(60)]
        await asyncio.sleep(0.003)
        for task in asked[::7]:
            task.cancel()
        await asyncio.gather(*asked, return_exceptions=True)
        assert (at_work, most, door.waiting) == (0, 4, 0)
        for _ in range(4):
            await door.turn("late").__aenter__()  # all four turns are there again

    run(work())


def test_requests_past_the_bounds_are_refused() -> None:
    """A client has its part of the room and no more; those inside count until they leave."""

    async def work() -> None:
        door = Admission(3, 2)
        with door.enter("a"), door.enter("a"):
            with pytest.raises(Problem) as refused, door.enter("a"):
                pass
            assert refused.value.status_code == 429
            with door.enter("b"), pytest.raises(Problem) as refused, door.enter("c"):
                pass
            assert refused.value.status_code == 503
            assert refused.value.headers is not None
            assert int(refused.value.headers["Retry-After"]) >= 1
        assert door.inside == 0

    run(work())
