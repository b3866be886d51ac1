"""Neighbouring passages that were both found are read as one text.

Where a document is cut, the reader loses what stands on the other side: whom "he" is, which of two numbers is
meant. Passages that follow one another in their document and were both found are therefore put together for the
reader, and what it says is told apart again: every passage has its own reading, as if it had been read alone. A
span that crosses the border between two passages is left out, because it belongs to neither.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from fundstelle.indexing.documents import Passage
from fundstelle.indexing.store import Hit
from fundstelle.reader.readings import Reading

BEST = 10
"""Hits among which neighbours are sought: text beside what is hardly read makes answers no better, only later."""

LONGEST = 3
"""Passages of a run at most: some 540 tokens, three windows of the reader."""


@dataclass(frozen=True, slots=True)
class Run:
    """Passages of one document, each beginning where the one before ends; to a reader, one text."""

    passages: tuple[Passage, ...]

    @property
    def id(self) -> str:
        return " ".join(passage.id for passage in self.passages)

    @property
    def text(self) -> str:
        return "".join(passage.text for passage in self.passages)

    def apart(self, reading: Reading) -> Iterator[Reading]:
        """The reading of each passage, in order, from that of the whole text."""
        before = 0
        for passage in self.passages:
            size = len(passage.text)
            spans = tuple(
                replace(span, start=span.start - before, end=span.end - before)
                for span in reading.spans
                if before <= span.start and span.end <= before + size
            )
            yield Reading(passage.id, spans, reading.null_score)
            before += size


def runs(hits: Sequence[Hit]) -> list[Run]:
    """All passages of `hits`, each in one run; the runs in the order of their best hits."""
    found: list[Run] = []
    taken: set[str] = set()
    for hit in hits:
        if hit.passage.id not in taken:
            near = [other.passage for other in hits[:BEST] if other.passage.id not in taken]
            run = _grown(hit.passage, near) if hit.passage in near else Run((hit.passage,))
            taken.update(passage.id for passage in run.passages)
            found.append(run)
    return found


def _grown(passage: Passage, others: Sequence[Passage]) -> Run:
    """The run of `passage` and those of `others` that join it, the best of them first, on either side."""
    run = [passage]
    while len(run) < LONGEST:
        free = (other for other in others if other not in run)  # one without text would join itself
        nearest = next((other for other in free if _joins(other, run[0]) or _joins(run[-1], other)), None)
        if nearest is None:
            break
        run.insert(0 if _joins(nearest, run[0]) else len(run), nearest)
    return Run(tuple(run))


def _joins(first: Passage, second: Passage) -> bool:
    """Whether the second begins where the first ends."""
    return first.document_id == second.document_id and first.start + len(first.text) == second.start
