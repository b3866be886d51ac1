"""Neighbours: passages that follow one another are read as one text, and told apart again."""

from itertools import pairwise
from random import Random

from hypothesis import given
from hypothesis import strategies as st

from fundstelle.indexing.documents import Passage
from fundstelle.indexing.store import Hit
from fundstelle.pipelines.neighbours import BEST, LONGEST, Run, runs
from fundstelle.reader.readings import Reading, Span


def document(name: str, *texts: str) -> list[Passage]:
    starts = [sum(map(len, texts[:number])) for number in range(len(texts))]
    return [
        Passage(f"{name}{start}", name, text, start, "s") for start, text in zip(starts, texts, strict=True)
    ]


def hits(passages: list[Passage]) -> list[Hit]:
    return [Hit(passage, 100.0 - rank) for rank, passage in enumerate(passages)]


def test_neighbours_are_one_text_in_the_place_of_the_better_one() -> None:
    """The second half of a paragraph, found fifth, is read together with the first, found second."""
    first, second = document("a", "He came in 1987. ", "He left in 1990.")
    others = [document(name, "something else")[0] for name in "bcd"]
    found = runs(hits([others[0], first, others[1], others[2], second]))
    assert [run.text for run in found] == [
        "something else",
        "He came in 1987. He left in 1990.",
        *2 * ["something else"],
    ]


def test_a_gap_is_none() -> None:
    """Passages of one document with another between them, and equal places of two documents, stay apart."""
    a, _, c = document("a", "one ", "two ", "three")
    (b,) = document("b", "four")
    assert [run.passages for run in runs(hits([a, c, b]))] == [(a,), (c,), (b,)]


def test_a_passage_without_text_does_not_join_itself() -> None:
    """It begins where it ends, and is still read once, alone or beside its neighbour."""
    empty, text = Passage("e", "a", "", 4, "s"), Passage("t", "a", "one ", 0, "s")
    assert [run.passages for run in runs(hits([empty]))] == [(empty,)]
    assert [run.passages for run in runs(hits([text, empty]))] == [(text, empty)]


def test_text_beyond_the_best_is_not_joined() -> None:
    """The last hits are rarely read: they do not make the first ones longer."""
    first, second = document("a", "one ", "two")
    others = [document(f"x{number}", "text")[0] for number in range(BEST - 1)]
    assert len(runs(hits([first, *others, second]))) == BEST + 1
    assert len(runs(hits([first, *others[1:], second]))) == BEST - 1


def test_readings_are_told_apart_by_passage() -> None:
    """Spans get the offsets of their passage, all passages the null score of the text, no span crosses a border."""
    first, second = document("a", "in 1987. ", "In 1990")
    whole = Reading("any", (Span(12, 16, 3.0), Span(3, 7, 2.0), Span(3, 16, 1.0)), 0.5)
    assert list(Run((first, second)).apart(whole)) == [
        Reading(first.id, (Span(3, 7, 2.0),), 0.5),
        Reading(second.id, (Span(3, 7, 3.0),), 0.5),
    ]


@given(st.lists(st.integers(1, 4), min_size=1, max_size=6), st.randoms())
def test_every_passage_is_in_one_run(sizes: list[int], chooser: Random) -> None:
    """Whatever was found in whatever order: nothing is lost, nothing twice, runs are short and without gaps."""
    passages = [
        one
        for number, size in enumerate(sizes)
        for one in document(f"d{number}", *(f"text {part}. " for part in range(size)))
    ]
    chooser.shuffle(passages)
    found = runs(hits(passages))
    assert sorted(one.id for run in found for one in run.passages) == sorted(one.id for one in passages)
    assert all(len(run.passages) <= LONGEST for run in found)
    for run in found:
        for one, other in pairwise(run.passages):
            assert (one.document_id, one.start + len(one.text)) == (other.document_id, other.start)
    firsts = [min(passages.index(one) for one in run.passages) for run in found]
    assert firsts == sorted(firsts)
