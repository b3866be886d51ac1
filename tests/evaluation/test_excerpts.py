"""Excerpts with marks."""

from hypothesis import given
from hypothesis import strategies as st

from fundstelle.evaluation.excerpts import AROUND, FOUND, GOLD, Mark, excerpt, excerpts
from fundstelle.evaluation.rows import Quotation, Row

TEXTS = st.text(alphabet="abc dé", min_size=1, max_size=600)


@st.composite
def marked(draw: st.DrawFn) -> tuple[str, list[Mark]]:
    text = draw(TEXTS)
    place = st.integers(0, len(text))
    pairs = draw(st.lists(st.tuples(place, place, st.sampled_from([GOLD, FOUND])), min_size=1, max_size=4))
    return text, [Mark(min(a, b), max(a, b), kind) for a, b, kind in pairs]


@given(marked())
def test_pieces_are_the_text_and_marks_cover_what_they_should(case: tuple[str, list[Mark]]) -> None:
    """The pieces joined are the text around the focus, and exactly the marked characters are marked."""
    text, marks = case
    shown = excerpt(text, marks[:1], marks)
    low = max(0, marks[0].start - AROUND)
    joined = "".join(piece for piece, _ in shown.pieces)
    assert text.startswith(joined, low) and shown.before == (low > 0)
    at = low
    for piece, kinds in shown.pieces:
        for offset in range(at, at + len(piece)):
            assert kinds == " ".join(sorted({m.kind for m in marks if m.start <= offset < m.end}))
        at += len(piece)


def row(found: Quotation | None, gold: bool = True) -> Row:
    context = "a" * 500 + "gold" + "b" * 500 + "wrong" + "c" * 500
    golds, starts = (("gold",), (500,)) if gold else ((), ())
    return Row("1", "de", "?", golds, context, starts, prediction="wrong", quotation=found)


def test_far_places_get_an_excerpt_each() -> None:
    """A gold answer far from the answer given is quoted apart, near ones together."""
    context = row(None).context
    assert len(excerpts(row(Quotation(context, 1004, 1009)))) == 2
    assert len(excerpts(row(Quotation(context, 520, 525)))) == 1


def test_another_documents_context_is_quoted_beside_the_right_one() -> None:
    """An answer from elsewhere shows both texts; without a gold answer only where it was found."""
    assert [len(excerpts(row(Quotation("so wrong", 3, 8), gold))) for gold in (True, False)] == [2, 1]


def test_without_a_place_the_right_text_is_quoted() -> None:
    """A row of the retriever shows the gold answer, and one without any the beginning of its context."""
    assert [kinds for _, kinds in excerpts(row(None))[0].pieces] == ["", GOLD, ""]
    assert excerpts(row(None, gold=False))[0].pieces[0][0] == "a" * AROUND
