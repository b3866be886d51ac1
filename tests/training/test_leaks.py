"""Evaluation data stay out of training."""

from collections.abc import Callable
from pathlib import Path

import pytest

from fundstelle.training.examples import load_source
from fundstelle.training.leaks import SHINGLE, HeldOut

PARAGRAPH = (
    "The lighthouse on the northern cape was built between 1871 and 1874 by masons from three villages, "
    "who carried the granite up the cliff by hand because no road led there before the war."
)


def test_the_same_text_is_known_whatever_surrounds_it() -> None:
    """A piece of a held-out paragraph is found in longer texts, in other case and spacing."""
    held_out = HeldOut([("Who built it?", PARAGRAPH)])
    assert held_out.knows("When?", "Introduction. " + PARAGRAPH.upper().replace(" ", "  ") + " And more.")
    assert held_out.knows("who built it", "Something else entirely.")


@pytest.mark.parametrize("before", range(32))
def test_a_piece_is_known_wherever_it_starts(before: int) -> None:
    """A common piece of the least length is enough, whatever stands before it; one letter less is not."""
    shared = _letters(PARAGRAPH)[20 : 20 + SHINGLE]
    held_out = HeldOut([("Who built it?", PARAGRAPH)])
    assert held_out.knows("When?", "x" * before + shared + "xyz")
    assert not held_out.knows("When?", "x" * before + shared[:-1] + "xyz")


@pytest.mark.parametrize("paragraph", ["Bern lies on the Aare.", "北京位于华北平原。", "Oslo"])
def test_an_identical_paragraph_is_known_however_short(paragraph: str) -> None:
    """A paragraph shorter than any piece is known as a whole, and only as a whole."""
    held_out = HeldOut([("Which river?", paragraph)])
    assert held_out.knows("Which town?", f" {paragraph.upper()} ")
    assert not held_out.knows("Which town?", f"{paragraph} More of it.")


def test_texts_without_letters_and_digits_are_not_all_one() -> None:
    """Of a paragraph of signs alone nothing is left to compare."""
    assert not HeldOut([("Which sign?", "→ ∞")]).knows("Which one?", "…")


def _letters(text: str) -> str:
    return "".join(filter(str.isalnum, text))


def test_other_texts_are_not_known() -> None:
    """Texts that share words and names with a held-out paragraph, and no piece of it, may be trained on."""
    held_out = HeldOut([("Who built it?", PARAGRAPH)])
    other = "The lighthouse on the southern cape was painted in 1874 by sailors from the northern cape."
    assert not held_out.knows("Who painted it?", other)


def test_scripts_without_spaces_are_known_by_their_characters() -> None:
    """A Chinese paragraph is found by some twenty characters in common."""
    paragraph = "灯塔建于一八七一年至一八七四年之间,由来自三个村庄的石匠建造,他们徒手把花岗岩搬上悬崖。"
    held_out = HeldOut([("谁建的?", paragraph)])
    assert held_out.knows("何时?", "前言。" + paragraph[2:40] + "以及更多。" * 3)
    assert not held_out.knows("何时?", "灯塔建于南方的海角,水手们在那里生活了很多年,直到战争结束后才离开。")


def test_a_file_says_how_much_of_it_was_left_out(tmp_path: Path, squad: Callable[..., Path]) -> None:
    """Leaked questions are dropped from a source and counted."""
    own = "A second paragraph that has nothing to do with the first one, and is long enough to be looked at closely."
    file = squad(tmp_path / "a.json", [(PARAGRAPH, [("When?", "1871")]), (own, [("Which?", "second")])])
    source = load_source(file, HeldOut([("Who built it?", PARAGRAPH)]))
    assert [one.question for one in source.examples] == ["Which?"]
    assert source.leaked == 1
