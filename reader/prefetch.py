"""Work one item ahead: the next group is tokenised while the model reads this one."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import islice
from typing import TypeVar

T = TypeVar("T")


def prefetch(items: Iterator[T]) -> Iterator[T]:
    """The same items in the same order; each is made in another thread while the one before is used."""
    first = _take(items)
    if not first:
        return
    with ThreadPoolExecutor(1, thread_name_prefix="prefetch") as ahead:
        while first:
            second = ahead.submit(_take, items)
            yield first[0]
            first = second.result()


def _take(items: Iterator[T]) -> list[T]:
    """The next item, or nothing at the end."""
    return list(islice(items, 1))
