"""Merge: what the retriever found and what the reader read become ranked answers. Pure functions.

Spans of one document that overlap are one answer, the best of them; equal answers from several places
support each other; whatever is left is ranked by its calibrated probability. Margins (span score less
null score) compare across passages, which neither span scores nor softmaxes within a window do.
"""

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from fundstelle.indexing.store import Hit
from fundstelle.pipelines.sameness import answer_key
from fundstelle.reader.confidence import Calibration, relative_evidence
from fundstelle.reader.overlaps import apart
from fundstelle.reader.readings import Reading, Span


@dataclass(frozen=True, slots=True)
class Candidate:
    """A span of a retrieved passage; `logit` says how strongly all evidence speaks for it."""

    hit: Hit
    span: Span
    null_score: float
    logit: float

    @property
    def text(self) -> str:
        return self.hit.passage.text[self.span.start : self.span.end]

    @property
    def start(self) -> int:
        """Offset in the document, as is `end`."""
        return self.hit.passage.start + self.span.start

    @property
    def end(self) -> int:
        return self.hit.passage.start + self.span.end

    @property
    def place(self) -> tuple[str, int, int]:
        return self.hit.passage.document_id, self.start, self.end


@dataclass(frozen=True, slots=True)
class Finding:
    """One answer and every place that gives it, best first.

    `probabilities` is parallel to `places`: that the answer is right and this place says so, never more
    than the `probability` of the answer.
    """

    places: tuple[Candidate, ...]
    probabilities: tuple[float, ...]
    probability: float
    logit: float

    @property
    def best(self) -> Candidate:
        return self.places[0]


@dataclass(frozen=True, slots=True)
class Merged:
    """Answers, most probable first, and the probability that the collection holds none."""

    findings: tuple[Finding, ...]
    no_answer_probability: float


def merge(hits: Sequence[Hit], readings: Sequence[Reading], calibration: Calibration) -> Merged:
    """All answers that `readings` hold, ranked; nothing read means a `no_answer_probability` of 1.

    Args:
        hits: what the retriever found, in any order.
        readings: of any of these passages, in any order; a hit without a reading was not read.
        calibration: the reader's.

    Raises:
        ValueError: a reading is of a passage that is not among the hits.
    """
    groups = grouped(without_overlaps(candidates(hits, readings, calibration)))
    logits = [calibration.combined([place.logit for place in places]) for places in groups]
    findings = [
        _finding(places, logit, probability)
        for places, logit, probability in zip(groups, logits, calibration.shares(logits), strict=True)
    ]
    findings.sort(key=lambda finding: (-finding.probability, _rank(finding.best)))
    return Merged(tuple(findings), calibration.no_answer_probability(logits))


def candidates(hits: Sequence[Hit], readings: Iterable[Reading], calibration: Calibration) -> list[Candidate]:
    """Every span that was read, with its logit; spans of nothing but punctuation are left out."""
    return [each for each in weighed(hits, readings, calibration) if answer_key(each.text)]


def weighed(
    hits: Sequence[Hit], readings: Iterable[Reading], calibration: Calibration
) -> Iterator[Candidate]:
    """Every span that was read, with its logit, whatever it consists of."""
    found = {hit.passage.id: hit for hit in hits}
    rivals = extremes(hits)
    for reading in readings:
        hit = found.get(reading.passage_id)
        if hit is None:
            raise ValueError(
                f"Passage {reading.passage_id} was read but is not among the hits given to merge."
            )
        evidence = evidence_of(hit, rivals)
        for span in reading.spans:
            logit = calibration.logit(span.score - reading.null_score, evidence)
            yield Candidate(hit, span, reading.null_score, logit)


def extremes(hits: Iterable[Hit]) -> list[Hit]:
    """The hits with the lowest and the highest score: beside these, `evidence_of` says the same as beside all."""
    scored = [hit for hit in hits if hit.odds is None]
    return [choose(scored, key=lambda hit: hit.score) for choose in (min, max)] if scored else []


def evidence_of(hit: Hit, hits: Sequence[Hit]) -> float:
    """How far the hit's passage is behind the best one by the retriever's evidence; see `relative_evidence`."""
    scores = [other.score for other in hits if other.odds is None]
    return relative_evidence(hit.score, scores, hit.odds)


def without_overlaps(spans: Iterable[Candidate]) -> list[Candidate]:
    """The spans, best first, less those that share a character of a document with a better one."""
    return apart(sorted(spans, key=_rank))


def grouped(spans: Iterable[Candidate]) -> list[list[Candidate]]:
    """Spans that say the same, together; order is kept within groups and between their first spans."""
    groups: dict[str, list[Candidate]] = {}
    for candidate in spans:
        key = answer_key(candidate.text, candidate.hit.passage.language)
        groups.setdefault(key, []).append(candidate)
    return list(groups.values())


def _finding(places: Sequence[Candidate], logit: float, probability: float) -> Finding:
    shares = tuple(probability * math.exp(place.logit - logit) for place in places)
    return Finding(tuple(places), shares, probability, logit)


def _rank(candidate: Candidate) -> tuple[float, float, str, int, int, str]:
    """Best first; ties go to the better hit, then to the place that comes first: always the same order."""
    return (
        -candidate.logit,
        -candidate.hit.score,
        candidate.hit.passage.document_id,
        candidate.start,
        candidate.end,
        candidate.hit.passage.id,
    )
