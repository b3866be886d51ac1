"""One job on several machines: each takes the files whose name falls to it."""

from dataclasses import dataclass
from typing import Self

from fundstelle.indexing.documents import identifier


@dataclass(frozen=True, slots=True)
class Shard:
    """Part `number`, from 1, of `count` parts of all files. Every file falls to exactly one part, always the same."""

    number: int = 1
    count: int = 1

    @classmethod
    def parse(cls, text: str) -> Self:
        """The shard that "2/8" names.

        Raises:
            ValueError: it names none.
        """
        number, _, count = text.partition("/")
        if not (number.isdecimal() and count.isdecimal() and 1 <= int(number) <= int(count)):
            raise ValueError(f"{text!r} names no shard; write 1/8 to 8/8 on eight machines.")
        return cls(int(number), int(count))

    def has(self, source: str) -> bool:
        """Whether the file of this name falls to this part."""
        return int(identifier(source), 16) % self.count == self.number - 1


ALL = Shard()
"""Every file."""
