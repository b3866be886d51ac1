"""Answers that share characters of a text: of these the best stays."""

from bisect import bisect
from collections.abc import Iterable
from typing import Protocol, TypeVar


class Placed(Protocol):
    """Anything that stands somewhere: the name of a text, and the range of characters there."""

    @property
    def place(self) -> tuple[str, int, int]: ...


P = TypeVar("P", bound=Placed)


def apart(ranked: Iterable[P]) -> list[P]:
    """Of what comes best first, all that shares no character of a text with something better.

    What is kept of a text is in order, so that each is compared with its neighbours alone.
    """
    kept: list[P] = []
    taken: dict[str, list[tuple[int, int]]] = {}
    for one in ranked:
        text, start, end = one.place
        rivals = taken.setdefault(text, [])
        place = bisect(rivals, (start, end))
        clear = not place or rivals[place - 1][1] <= start
        if clear and (place == len(rivals) or end <= rivals[place][0]):
            rivals.insert(place, (start, end))
            kept.append(one)
    return kept
