"""The measure that treats scripts with and without spaces alike."""

import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fundstelle.evaluation import segmented, squad2
from fundstelle.evaluation.segments import segments, without_punctuation


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2015年在 Köln", ["2015", "年", "在", "Köln"]),
        ("กำลัง", ["กำ", "ลั", "ง"]),
        ("राइन नदी", ["राइन", "नदी"]),
        ("", []),
    ],
)
def test_segments(text: str, expected: list[str]) -> None:
    """Scripts without spaces are split into characters as people see them, others at spaces."""
    assert segments(text) == expected


@given(st.text())
def test_segments_lose_nothing(text: str) -> None:
    """All that is not white space is in the segments, in order."""
    assert "".join(segments(text)) == "".join(text.split())


@pytest.mark.parametrize(
    ("prediction", "gold", "f1"),
    [("天氣很好", "天氣好", 6 / 7), ("東京。", "東京", 1), ("«Рейн»", "Рейн", 1), ("แม่น้ำ", "แม่", 4 / 5)],
)
def test_one_character_too_many_does_not_cost_everything(prediction: str, gold: str, f1: float) -> None:
    """F1 counts characters where a script has no spaces, and punctuation of any script is dropped."""
    assert segmented.score(prediction, [gold]).f1 == pytest.approx(f1)


@given(
    st.text(alphabet=string.ascii_letters + string.digits + " .,'", max_size=30),
    st.text(alphabet="a bthe.", max_size=9),
)
def test_ascii_is_judged_as_by_squad(prediction: str, gold: str) -> None:
    """On ASCII both measures agree."""
    assert segmented.score(prediction, [gold]) == squad2.score(prediction, [gold])


def test_punctuation_of_every_script_goes() -> None:
    """ASCII symbols count as punctuation, as in the scripts, and so does what Unicode calls it."""
    assert without_punctuation("a$b、c।d؟e—f+g") == "abcdefg"
