"""Stopping early: when the passages that are left cannot give a better answer."""

from fundstelle.indexing.documents import Passage
from fundstelle.indexing.store import Hit
from fundstelle.pipelines.reading import Asked
from fundstelle.pipelines.stopping import next_group, settled
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
