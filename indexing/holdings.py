"""What a store already holds, file by file: what need not be read again, and what is gone."""

import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from itertools import chain
from pathlib import Path

from fundstelle.indexing.shards import ALL, Shard
from fundstelle.indexing.store import PassageStore

UPLOADED = "upload:"
"""How the origin of a file begins that was sent to a service and kept nowhere else."""


@dataclass(slots=True)
class Holding:
    """The documents of one file in the store; `met` once a job has come across the file."""

    hashes: set[str] = field(default_factory=set)
    document_ids: set[str] = field(default_factory=set)
    met: bool = False


class Holdings:
    """Everything in a store that falls to a shard, by the file it came from; some 500 bytes of memory a document.

    With `origins` it is what came from these files only, whatever else there is.
    """

    def __init__(self, store: PassageStore, shard: Shard = ALL, origins: Iterable[str] | None = None) -> None:
        self._by_origin: dict[str, Holding] = {}
        records = store.records() if origins is None else chain.from_iterable(map(store.records, origins))
        for record in filter(lambda record: shard.has(record.origin), records):
            holding = self._by_origin.setdefault(record.origin, Holding())
            holding.hashes.add(record.content_hash)
            holding.document_ids.add(record.id)

    def meet(self, origin: str) -> Holding:
        """What is held of a file that was found; an empty holding where it is new."""
        holding = self._by_origin.get(origin) or Holding()
        holding.met = True
        return holding

    def gone(self, roots: Iterable[Path], base: Path, unread: Iterable[str]) -> Iterator[Holding]:
        """What is held of files under `roots` that were not met.

        Left out are documents that no job read from a file (they have no content hash), uploads, and what lies
        under a path of `unread`: a folder that could not be listed says nothing of the files in it.
        """
        under = _prefixes(map(os.path.abspath, roots))
        closed = _prefixes(os.path.join(base, source) for source in unread)
        for origin, holding in self._by_origin.items():
            path = os.path.join(base, origin, "")
            was_read = "" not in holding.hashes and not origin.startswith(UPLOADED)
            if was_read and not holding.met and path.startswith(under) and not path.startswith(closed):
                yield holding


def _prefixes(paths: Iterable[str]) -> tuple[str, ...]:
    """What the names of all files at or under `paths` start with, once a separator ends them."""
    return tuple(os.path.join(path, "") for path in paths)
