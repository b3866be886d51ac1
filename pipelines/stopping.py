"""Reading less: a question's passages are read in groups, until the rest cannot change the best answer."""

from collections.abc import Sequence

from fundstelle.indexing.store import Hit
from fundstelle.pipelines.merge import evidence_of, extremes, merge, weighed
from fundstelle.reader.confidence import Calibration
from fundstelle.reader.readings import Reading

GROUPS = (2, 3, 5)
"""Texts read before the first, second and third look at the answers; then by tens. A run of neighbours is one text, so
that the first look sees two places at least, and often what supports the answer."""


def next_group(read: int) -> int:
    """How many texts to read next, when `read` have been."""
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
        hits: all that was retrieved.
        readings: of some of them.
    """
    unread = unread_logit(hits, readings, calibration)
    if unread is None:
        return True
    logits = sorted((each.logit for each in weighed(hits, readings, calibration)), reverse=True)
    if not logits or calibration.combined(logits) - unread < calibration.stop:
        return False  # not even if all of them said the same, which takes longer to find out
    findings = merge(hits, readings, calibration).findings
    return bool(findings) and findings[0].logit - unread >= calibration.stop


def unread_logit(hits: Sequence[Hit], readings: Sequence[Reading], calibration: Calibration) -> float | None:
    """The logit of a span with margin 0 in the best passage that was not read; None where all were."""
    read = {reading.passage_id for reading in readings}
    rivals = extremes(hits)
    unread = [evidence_of(hit, rivals) for hit in hits if hit.passage.id not in read]
    return calibration.logit(0.0, max(unread)) if unread else None
