"""How much of a question one sentence of a passage has."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fundstelle.indexing.documents import Passage
from fundstelle.pipelines.closeness import closeness

ALPHABET = "bridge opened river 1987 Rome . ! 。\n ñ"


def passage(text: str, language: str = "en") -> Passage:
    return Passage(text, text, text, 0, text, language)


def test_words_count_where_they_stand_together() -> None:
    """Of two passages with the same words the one has more of the question that has them in one sentence."""
    together = passage("The bridge opened in 1987. There is a river.")
    apart = passage("There is a bridge. The river opened. That was 1987.")
    near, far = closeness("When was the bridge opened, in 1987?", [together, apart])
    assert near > far > 0


def test_rare_words_count_for_more() -> None:
    """A word that all passages have tells them apart less than one that a single passage has."""
    passages = [passage("The bridge is old."), passage("The bridge is red."), passage("Rome is old.")]
    found = closeness("Which bridge did Rome build?", passages)
    assert found[2] > found[0] == found[1] > 0


def test_a_passage_with_every_word_has_the_whole_question() -> None:
    """The share is of the question's weight: 1 where one sentence has all, 0 where none has anything."""
    found = closeness("bridge Rome", [passage("A bridge in Rome."), passage("Nothing like it.")])
    assert found == pytest.approx([1.0, 0.0])


@pytest.mark.parametrize(
    ("language", "question", "right", "wrong"),
    [
        ("zh", "桥是哪一年开放的？", "桥在1987年开放。河很长。", "桥很长。1987年下雨。城市开放。"),
        ("hi", "पुल कब खुला?", "पुल 1987 में खुला। नदी लंबी है।", "पुल लंबा है। नदी में बाज़ार खुला।"),
        ("ar", "متى افتتح الجسر؟", "افتتح الجسر عام 1987. النهر طويل.", "الجسر طويل. افتتح السوق."),
    ],
)
def test_every_script_has_its_full_stops(language: str, question: str, right: str, wrong: str) -> None:
    """Sentences end with the marks of their own script, and words are those of their own language."""
    found = closeness(question, [passage(wrong, language), passage(right, language)])
    assert found[1] > found[0] > 0


def test_each_passage_is_read_in_its_own_language() -> None:
    """The question's words are looked for as each passage's language has them, beside passages of that language."""
    found = closeness("Tarnholt 1987", [passage("Tarnholt, 1987."), passage("Tarnholt, 1987.", "de")])
    assert found == pytest.approx([1.0, 1.0])


@given(texts=st.lists(st.text(ALPHABET, max_size=40), max_size=6), question=st.text(ALPHABET, max_size=30))
def test_a_share_is_a_share(texts: list[str], question: str) -> None:
    """From 0 to 1 for any text, empty ones too, and the same in any order of the passages."""
    passages = [passage(text, language) for text in texts for language in ("en", "de")]
    found = closeness(question, passages)
    assert all(0 <= one <= 1 + 1e-9 for one in found)
    assert closeness(question, passages[::-1]) == found[::-1]
