"""Reading less: a question's passages are read in groups, until the rest cannot change the best answer."""

from collections.abc import Sequence

from fundstelle.indexing.store import Hit
from fundstelle.pipelines.merge import evidence_of, merge
from fundstelle.reader.confidence import Calibration
from fundstelle.reader.readings import Reading

GROUPS = (2, 3, 5)
"""Passages read before the first, second and third look at the answers; then by tens."""


def next_group(read: int) -> int:
    """How many passages to read next, when `read` have been."""
    for size in GROUPS:
        if read < size:
            return size - read
        read -= size
    return 10


def settled(hits: Sequence[Hit], readings: Sequence[Reading], calibration: Calibration) -> bool:
    """Whether passages not yet read are too weak, by the retriever's evidence, to give a better answer.

    An unread passage can overtake the best answer only with a margin that grows with the distance between
    that answer's logit and the passage's evidence: `calibration.stop` is the distance that was measured to
    be overtaken in at most 0.5 % of questions. Only the best answer is settled; a lower one may still change.

    Args:
        hits: all that was retrieved, best first.
        readings: of the first `len(readings)` hits.
    """
    if len(readings) >= len(hits):
        return True
    findings = merge(hits, readings, calibration).findings
    if not findings:
        return False
    unread = calibration.logit(0.0, evidence_of(hits[len(readings)], hits))
    return findings[0].logit - unread >= calibration.stop
