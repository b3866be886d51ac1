"""Contexts: exact, long enough, and cut between sentences or words."""

from hypothesis import given
from hypothesis import strategies as st

from fundstelle.indexing.documents import Passage, identifier
from fundstelle.pipelines.contexts import CONTEXT_SIZE, around, context_of, reaches_beyond

SCRIPTS = (
    "The bridge is 90 m long. It opened in 1987!\r\n\r\nNobody was there. ",
    "Die Brücke fu\u0308hrt u\u0308ber den Rhein.\tSie ist alt. Weiß\u00adbrot! ",
    "橋の長さは九十メートルです。一九八七年に開通した。ＡＢＣ１２３。",
    "पुल नब्बे मीटर लंबा है। यह १९८७ में खुला। ",
    "الجسر طوله تسعون مترا. هل افتتح عام ١٩٨٧؟ نعم. ",
    "สะพานยาวเก้าสิบเมตรเปิดในปี 2530 ไม่มีใครอยู่ที่นั่น ",
    "👩‍👩‍👧‍👦 met 🇩🇪🇫🇷 at the e\u0301cole 👍🏽. \u202eright to left\u202c ",
)
TEXTS = st.lists(st.one_of(st.sampled_from(SCRIPTS), st.text(max_size=40)), min_size=1, max_size=25).map(
    "".join
)


def passages_of(text: str, lengths: list[int]) -> list[Passage]:
    """The text cut into passages of the given lengths, the last one taking the rest."""
    cuts = [0]
    for length in lengths:
        if cuts[-1] + length < len(text):
            cuts.append(cuts[-1] + length)
    return [
        Passage(identifier("d", start), "d", text[start:end], start, "d.txt")
        for start, end in zip(cuts, [*cuts[1:], len(text)], strict=True)
    ]


@given(TEXTS.filter(bool), st.lists(st.integers(1, 200), max_size=8), st.data())
def test_a_context_quotes_the_document_and_holds_the_answer(
    text: str, lengths: list[int], data: st.DataObject
) -> None:
    """`context[start - context_start : end - context_start]` is the answer; the context is in the text."""
    passages = passages_of(text, lengths)
    passage = data.draw(st.sampled_from(passages))
    start = passage.start + data.draw(st.integers(0, len(passage.text) - 1))
    end = data.draw(st.integers(start + 1, passage.start + len(passage.text)))
    size = data.draw(st.integers(0, 400))
    shown = around(passages, start - size, end + size)
    context = context_of(start, end, data.draw(st.sampled_from([shown, [passage], shown[::-1]])), size)
    assert text[context.start : context.start + len(context.text)] == context.text
    assert context.text[start - context.start : end - context.start] == text[start:end]
    assert len(context.text) <= max(size, end - start)


def test_a_short_passage_borrows_from_its_neighbours() -> None:
    """An answer at the edge of a passage is shown with the text of the passages beside it."""
    text = "One two three. " * 10 + "The answer is forty-two. " + "Four five six. " * 10
    start = text.index("forty-two")
    passages = passages_of(text, [150, 25])
    assert reaches_beyond(start, start + 9, passages[1])
    context = context_of(start, start + 9, passages, 100)
    assert context.text.startswith("One two three.") and context.text.endswith("Four five six.")
    assert 60 < len(context.text) <= 100


def test_a_gap_between_passages_is_never_bridged() -> None:
    """Passages that do not join leave the context at the border of the one with the answer."""
    first, second, third = passages_of("a b c d " * 30, [80, 80])
    context = context_of(second.start + 2, second.start + 3, [second], 300)
    assert (context.text, context.start) == (second.text, second.start)
    assert context_of(first.start, first.start + 1, [first, third], 300).text == first.text
    assert context_of(third.start, third.start + 1, [first, third], 300).text == third.text


def test_borders_are_those_of_sentences_or_words() -> None:
    """Where no sentence border is near, a word is still never cut; without words, no character is."""
    words = "abcdefghi " * 200
    middle = context_of(1000, 1009, passages_of(words, []), 305).text
    assert set(middle.split()) == {"abcdefghi"}
    sentences = "Nine ten. " * 200
    assert context_of(1000, 1004, passages_of(sentences, []), 305).text.startswith("Nine ten.")
    clusters = "e\u0301" * 2000
    assert len(context_of(1000, 1002, passages_of(clusters, []), 301).text) % 2 == 0


def test_a_context_is_as_long_as_asked_where_there_is_text() -> None:
    """The default size is used well: no more, and not less than half of it."""
    text = "".join(f"Sentence number {n} says little. " for n in range(400))
    for start in range(0, len(text) - 20, 997):
        length = len(context_of(start, start + 10, passages_of(text, [])).text)
        assert CONTEXT_SIZE / 2 < length <= CONTEXT_SIZE
