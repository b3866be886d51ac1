"""Stopping early: when the passages that are left cannot give a better answer."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fundstelle.indexing.documents import Passage
from fundstelle.indexing.store import Hit
from fundstelle.pipelines import stopping
from fundstelle.pipelines.merge import merge
from fundstelle.pipelines.reading import Asked
from fundstelle.pipelines.stopping import next_group, settled, unread_logit
from fundstelle.reader.confidence import Calibration
from fundstelle.reader.readings import Reading, Span

CALIBRATION = Calibration(intercept=-2.0, margin=1.0, evidence=4.0, stop=6.0)


def hits(*scores: float) -> list[Hit]:
    return [
        Hit(Passage(f"p{number}", f"d{number}", "in 1987", 0, "s"), score)
        for number, score in enumerate(scores)
    ]


def readings(*margins: float) -> list[Reading]:
    return [Reading(f"p{number}", (Span(3, 7, margin),), 0.0) for number, margin in enumerate(margins)]


def test_groups_cover_everything_once() -> None:
    """Groups start small, because the first passages answer most questions, and go on for ever."""
    read, sizes = 0, []
    while read < 40:
        sizes.append(next_group(read))
        read += sizes[-1]
    assert sizes == [2, 3, 5, 10, 10, 10]


def test_the_first_look_sees_two_places() -> None:
    """A run of neighbours is one text: beside it another document is read before reading may stop."""
    neighbours = [Hit(Passage(f"n{number}", "d", "ten chars.", 10 * number, "s"), 9.0) for number in range(3)]
    asked = Asked("?", [*neighbours, *hits(3, 2, 1)])
    assert [len(run.passages) for run in asked.next_runs()] == [3, 1]
    assert [len(run.passages) for run in asked.next_runs()] == [1, 1]
    assert asked.next_runs() == []


def test_a_sure_answer_settles_the_question() -> None:
    """Reading stops where the best answer is further ahead than passages are ever caught up with."""
    assert settled(hits(10, 10, 10), readings(7.0, 0.0), CALIBRATION)
    assert not settled(hits(10, 10, 10), readings(5.0, 0.0), CALIBRATION)


def test_weak_hits_are_left_sooner() -> None:
    """The same answer settles the question where the next passage matches the question far worse."""
    assert not settled(hits(10, 9, 9), readings(5.0, 0.0), CALIBRATION)
    assert settled(hits(10, 9, 5), readings(5.0, 0.0), CALIBRATION)


def test_the_best_unread_passage_counts() -> None:
    """What was read need not be the first hits: neighbours of the best one are read before better hits."""
    read = [Reading("p0", (Span(3, 7, 5.0),), 0.0), Reading("p2", (), 0.0)]
    assert not settled(hits(10, 9, 5), read, CALIBRATION)
    assert settled(hits(10, 5, 9), read, CALIBRATION)


def test_everything_read_is_settled_and_nothing_found_is_not() -> None:
    """There is nothing left to read at the end; before it, no answer yet means reading on."""
    assert settled(hits(10), readings(-9.0), CALIBRATION)
    assert not settled(hits(10, 9), [Reading("p0", (), 0.0)], CALIBRATION)


@given(
    st.lists(st.floats(0, 12), min_size=1, max_size=8),
    st.lists(st.lists(st.tuples(st.integers(0, 6), st.floats(-9, 9)), max_size=3), max_size=8),
    st.sampled_from([0.0, 0.5, 1.0]),
)
def test_settled_means_that_the_best_answer_is_far_enough_ahead(
    scores: list[float], spans: list[list[tuple[int, float]]], support: float
) -> None:
    """Whatever is left out to save time, the decision is that of all answers there are so far."""
    found, calibration = hits(*scores), replace(CALIBRATION, support=support, stop=2.0)
    read = [
        Reading(f"p{number}", tuple(Span(start, start + 1, margin) for start, margin in each), 0.0)
        for number, each in enumerate(spans[: len(found)])
    ]
    unread, findings = unread_logit(found, read, calibration), merge(found, read, calibration).findings
    expected = unread is None or (bool(findings) and findings[0].logit - unread >= calibration.stop)
    assert settled(found, read, calibration) == expected


def test_answers_are_not_merged_while_none_could_be_far_enough_ahead(monkeypatch: pytest.MonkeyPatch) -> None:
    """As long as all spans together would not do, it is not worked out which of them say the same."""
    monkeypatch.setattr(stopping, "merge", None)
    assert not settled(hits(10, 10, 10), readings(3.0, 3.0), CALIBRATION)
