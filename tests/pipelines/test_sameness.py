"""When two quotations are one answer."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fundstelle.pipelines.sameness import answer_key


@pytest.mark.parametrize(
    ("one", "other", "language"),
    [
        ("the Rhine.", "Rhine", "en"),
        ("Der Rhein", "rhein,", "de"),
        ("L’école", "école", "fr"),
        ("ＡＢＣ　１２３", "abc 123", "ja"),
        ("東京。", "「東京」", "ja"),
        ("¿Ebro?", "el Ebro", "es-MX"),
        ("Strasse 5", "STRASSE\n5", "de"),
        ("Stra\u00dfe", "STRASSE", "de"),
        ("e\u0301t\u00e9", "\u00c9T\u00c9", "fr"),
        ("Weiß\u00adbrot".replace("\u00ad", "") + "\u00ad", "weißbrot", "de"),
        ("٥٠٪", "٥٠٪.", "ar"),
        ("H₂O", "H2O", "en"),
        ("20 m²", "20 m2", "en"),
        ("10²⁵", "10^25", "en"),
    ],
)
def test_equal_answers_have_one_key(one: str, other: str, language: str) -> None:
    """Case, width, punctuation at the borders and leading articles make no other answer."""
    assert answer_key(one, language) == answer_key(other, language) != ""


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("1.5", "15"),
        ("-5", "5"),
        ("5 %", "5"),
        ("1987", "1988"),
        ("a", "b"),
        ("C", "C++"),
        ("C", "C#"),
        ("👍", "👎"),
        ("10⁵", "105"),
        ("2³", "23"),
        ("10⁻⁵", "10−5"),
        ("1987¹", "19871"),
        ("10₂", "10²"),
        ("101₂", "1012"),
    ],
)
def test_different_answers_keep_different_keys(one: str, other: str) -> None:
    """What changes the meaning stays in the key: points within numbers, signs, per cent, raised digits."""
    assert answer_key(one, "en") != answer_key(other, "en")


def test_an_article_alone_is_an_answer() -> None:
    """An article that is the whole answer is not taken off, and foreign articles are words."""
    assert answer_key("The", "en") == "the"
    assert answer_key("die Hand", "en") == "die hand"


@given(
    st.text(alphabet=st.characters(categories=["P", "Z", "Cf"], exclude_characters="%٪‰#&@％﹪＃﹟＆﹠＠﹫"))
)
def test_punctuation_alone_is_nothing(text: str) -> None:
    """A text of nothing but punctuation and space has no key, so that it is never an answer."""
    assert answer_key(text) == ""


@given(st.text(), st.sampled_from(["en", "fr", "ar", "zh-Hant", "und"]))
def test_a_key_is_its_own_key(text: str, language: str) -> None:
    """Normalising twice changes nothing, articles aside: a key never ends in punctuation."""
    key = answer_key(text, language)
    assert answer_key(key) == key
