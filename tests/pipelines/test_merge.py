"""Merging: what counts as one answer, which is best, and what the probabilities add up to."""

import itertools
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fundstelle.indexing.documents import Passage, identifier
from fundstelle.indexing.store import Hit
from fundstelle.pipelines.merge import Candidate, _rank, candidates, evidence_of, merge, without_overlaps
from fundstelle.reader.confidence import WORDS_ALONE, Calibration
from fundstelle.reader.readings import Reading, Span

CALIBRATION = Calibration(intercept=-2.0, margin=1.0, evidence=3.0, support=0.5)


def hit(document_id: str, text: str, score: float = 10.0, start: int = 0) -> Hit:
    passage = Passage(identifier(document_id, start), document_id, text, start, f"{document_id}.txt", "en")
    return Hit(passage, score)


def reading(of: Hit, *answers: tuple[str, float], null: float = 0.0) -> Reading:
    text = of.passage.text
    spans = [Span(text.index(answer), text.index(answer) + len(answer), score) for answer, score in answers]
    return Reading(of.passage.id, tuple(spans), null)


def test_margins_rank_across_passages_where_span_scores_do_not() -> None:
    """A span far above its passage's null score beats one with a larger score but a large null score."""
    sure, unsure = hit("a", "opened in 1987"), hit("b", "closed in 1999")
    merged = merge(
        [unsure, sure], [reading(unsure, ("1999", 9.0), null=8.0), reading(sure, ("1987", 5.0))], CALIBRATION
    )
    assert [finding.best.text for finding in merged.findings] == ["1987", "1999"]


def test_the_retrievers_evidence_decides_between_equal_margins() -> None:
    """Of two equal margins the one in the better hit wins."""
    first, second = hit("a", "opened in 1987", 12.0), hit("b", "closed in 1999", 6.0)
    merged = merge(
        [first, second], [reading(second, ("1999", 5.0)), reading(first, ("1987", 5.0))], CALIBRATION
    )
    assert merged.findings[0].best.text == "1987"
    assert evidence_of(second, [first, second]) == evidence_of(second, [second, first]) == -0.5
    assert evidence_of(first, [first, second]) == 0.0


def test_without_scores_only_margins_count() -> None:
    """Passages that come without a retriever's score are all the same to the merger."""
    hits = [hit("a", "opened in 1987", 0.0), hit("b", "closed in 1999", 0.0)]
    assert [evidence_of(each, hits) for each in hits] == [0.0, 0.0]


def test_logits_of_a_reranker_do_not_hide_an_answer() -> None:
    """Scores that may be negative say nothing here, so that the clearest span is the answer."""
    first, second = hit("a", "opened in 1987", 0.1), hit("b", "closed in 1999", -5.0)
    merged = merge(
        [first, second], [reading(first, ("1987", 5.0)), reading(second, ("1999", 6.0))], CALIBRATION
    )
    assert [finding.best.text for finding in merged.findings] == ["1999", "1987"]


def test_passages_whose_evidence_was_weighed_are_no_measure_for_others() -> None:
    """Beside a hybrid retriever's hits, those of another retriever count by its own scores."""
    weighed = replace(hit("a", "opened", -2.0), odds=-2.0)
    first, second = hit("b", "closed", 8.0), hit("c", "stood", 6.0)
    every = [weighed, first, second]
    assert [evidence_of(each, every) for each in every] == [-2.0 / WORDS_ALONE, 0.0, -0.25]


def test_overlapping_spans_fall_to_the_best() -> None:
    """Spans of one document that share a character are one answer, even from overlapping passages."""
    whole, part = hit("a", "the old town hall", start=100), hit("a", "town hall", start=108)
    merged = merge(
        [whole, part],
        [reading(whole, ("old town", 3.0), ("hall", 2.0)), reading(part, ("town hall", 6.0))],
        CALIBRATION,
    )
    assert [finding.best.text for finding in merged.findings] == ["town hall"]
    assert (merged.findings[0].best.start, merged.findings[0].best.end) == (108, 117)


def test_equal_answers_support_each_other() -> None:
    """The same answer from two documents is one, with the other place as support, and gains by it."""
    one, two, other = hit("a", "in 1987"), hit("b", "since 1987."), hit("c", "about 1990")
    readings = [reading(one, ("1987", 4.0)), reading(two, ("1987.", 3.5)), reading(other, ("1990", 4.0))]
    merged = merge([one, two, other], readings, CALIBRATION)
    best = merged.findings[0]
    assert [place.hit.passage.document_id for place in best.places] == ["a", "b"]
    assert best.probability > merged.findings[1].probability
    alone = merge([one, two, other], [readings[0], readings[2]], CALIBRATION)
    assert best.probability > alone.findings[0].probability


def test_nothing_found_is_no_answer_for_certain() -> None:
    """Without spans there is no answer, with probability 1; punctuation is no span."""
    of = hit("a", "... !")
    for readings in ([], [reading(of)], [reading(of, ("...", 20.0))]):
        assert merge([of], readings, CALIBRATION).findings == ()
        assert merge([of], readings, CALIBRATION).no_answer_probability == 1.0
    assert merge([], [], CALIBRATION).no_answer_probability == 1.0


def test_a_stray_reading_is_refused() -> None:
    """A reading of a passage that was not retrieved is a mistake of the caller's, said plainly."""
    with pytest.raises(ValueError, match="not among the hits"):
        merge([], [reading(hit("a", "in 1987"), ("1987", 1.0))], CALIBRATION)


SCORES = st.floats(-20, 20, allow_nan=False)


@st.composite
def retrieved(draw: st.DrawFn) -> tuple[list[Hit], list[Reading]]:
    hits, readings = [], []
    scores = sorted(draw(st.lists(st.floats(0, 30), max_size=6)), reverse=True)
    for number, score in enumerate(scores):
        of = hit(
            f"d{number % 3}", "one two three two one", score, start=draw(st.integers(0, 3)) * 7 + 100 * number
        )
        spans = draw(st.lists(st.tuples(st.integers(0, 20), st.integers(1, 21), SCORES), max_size=4))
        hits.append(of)
        kept = tuple(Span(min(a, b), max(a, b), score) for a, b, score in spans if a != b)
        readings.append(Reading(of.passage.id, kept, draw(SCORES)))
    return hits, readings


@given(retrieved())
def test_probabilities_of_rival_answers_add_up_to_at_most_one(found: tuple[list[Hit], list[Reading]]) -> None:
    """Answers exclude each other, a place is never likelier than its answer, and the likeliest is first."""
    findings = merge(*found, CALIBRATION).findings
    assert sum(finding.probability for finding in findings) <= 1.0 + 1e-9
    for finding in findings:
        assert all(0.0 <= place <= finding.probability + 1e-12 for place in finding.probabilities)
    assert all(a.probability >= b.probability for a, b in itertools.pairwise(findings))


@given(retrieved(), st.randoms())
def test_the_order_of_readings_does_not_matter(
    found: tuple[list[Hit], list[Reading]], random: object
) -> None:
    """Ties are broken by place, so that the same readings always give the same answers."""
    hits, readings = found
    shuffled = readings[:]
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    assert merge(hits, shuffled, CALIBRATION) == merge(hits, readings, CALIBRATION)


@given(retrieved())
def test_kept_spans_never_overlap_and_every_lost_one_has_a_better_rival(
    found: tuple[list[Hit], list[Reading]],
) -> None:
    """Of all spans of a document, no two that are kept share a character, and none is lost for nothing."""
    every = candidates(*found, CALIBRATION)
    kept = without_overlaps(every)

    def clash(one: object, other: object) -> bool:
        return (
            one.hit.passage.document_id == other.hit.passage.document_id  # type: ignore[attr-defined]
            and one.start < other.end  # type: ignore[attr-defined]
            and other.start < one.end  # type: ignore[attr-defined]
        )

    assert not any(clash(one, other) for one, other in itertools.combinations(kept, 2))
    for lost in every:
        assert any(clash(lost, other) and other.logit >= lost.logit for other in kept)


@given(retrieved())
def test_of_spans_that_overlap_the_first_stays(found: tuple[list[Hit], list[Reading]]) -> None:
    """Kept are, best first, exactly those that share no character of a document with one kept before."""
    every = candidates(*found, CALIBRATION)
    kept: list[Candidate] = []
    for one in sorted(every, key=_rank):
        rivals = [other for other in kept if other.hit.passage.document_id == one.hit.passage.document_id]
        if all(one.end <= other.start or other.end <= one.start for other in rivals):
            kept.append(one)
    assert without_overlaps(every) == kept


class Counted(int):
    """A number that counts how often it is compared."""

    compared = 0

    def __lt__(self, other: int) -> bool:
        Counted.compared += 1
        return int(self) < int(other)

    def __gt__(self, other: int) -> bool:
        Counted.compared += 1
        return int(self) > int(other)

    def __le__(self, other: int) -> bool:
        Counted.compared += 1
        return int(self) <= int(other)

    def __add__(self, other: int) -> "Counted":
        return Counted(int(self) + other)


def comparisons(count: int) -> int:
    """How many comparisons of scores and places it takes to merge so many passages of one document."""
    hits = [
        hit("long", f"number {1000 + number} is it", Counted(5000 - number), Counted(15 * number))  # type: ignore[arg-type]
        for number in range(count)
    ]
    read = [
        reading(each, (each.passage.text[7:11], 3.0 + number % 7), (each.passage.text[15:], 1.0))
        for number, each in enumerate(hits)
    ]
    Counted.compared = 0
    assert len(merge(hits, read, CALIBRATION).findings) >= count
    return Counted.compared


def test_merging_does_not_compare_everything_with_everything() -> None:
    """Eight times the passages of one document take hardly more than eight times the comparisons, not 64 times."""
    assert comparisons(800) < 16 * comparisons(100)
