"""The figures of the official MLQA script with its quirks, and our extension of it."""

import json
from pathlib import Path

import pytest

from fundstelle.evaluation import mlqa
from fundstelle.evaluation.datasets import load
from fundstelle.evaluation.overlap import Score


@pytest.mark.parametrize("language", ["de", "en", "es", "hi", "zh"])
def test_figures_equal_the_official_script(shared: Path, language: str) -> None:
    """Both figures print as the official script prints them."""
    recorded = shared / "parity" / "official-scripts"
    questions = load(shared / "eval" / f"xquad.{language}.json")
    predictions = json.loads((recorded / f"xquad.{language}.predictions.json").read_text("utf-8"))
    expected = json.loads((recorded / f"xquad.{language}.expected.json").read_text("utf-8"))
    ours = mlqa.evaluate(questions, predictions, language)
    assert json.dumps(ours) == json.dumps(expected["mlqa_evaluation_v1"][language])


@pytest.mark.parametrize(
    ("language", "text", "tokens"),
    [
        ("en", "The “Rhine”, a river", ["rhine", "river"]),
        ("de", "der Rhein und dem Main", ["rhein", "und", "main"]),
        ("es", "los ríos: el Rin", ["ríos", "rin"]),
        ("vi", "những dòng sông của Đức", ["dòng", "sông", "đức"]),
        ("hi", "राइन नदी।", ["राइन", "नदी"]),
        ("ar", "سؤال الجبال", ["سؤ", "جب"]),
        ("zh", "2015年在 Köln，東京。", ["2015", "年", "在", "köln", "東", "京"]),
        ("zh", "カナ東", ["カナ", "東"]),
    ],
)
def test_official_languages(language: str, text: str, tokens: list[str]) -> None:
    """Articles, punctuation and segmentation of the seven official languages are the script's, quirks too."""
    assert mlqa.tokens(text, language) == tokens


@pytest.mark.parametrize(
    ("language", "text", "tokens"),
    [
        ("fr", "les fleuves de la France", ["fleuves", "de", "france"]),
        ("ro", "un râu, o apă", ["râu", "apă"]),
        ("ru", "река «Рейн»", ["река", "рейн"]),
        ("th", "แม่น้ำ ไรน์", ["แ", "ม่", "น้ำ", "ไ", "ร", "น์"]),
        ("ja", "東京カナ", ["東", "京", "カ", "ナ"]),
        ("ko", "라인 강", ["라인", "강"]),
        ("und", "the Rhein", ["the", "rhein"]),
    ],
)
def test_other_languages(language: str, text: str, tokens: list[str]) -> None:
    """The extension drops a language's separate articles and splits scripts without spaces."""
    assert mlqa.tokens(text, language) == tokens


def test_nothing_matches_nothing_exactly_and_earns_no_f1() -> None:
    """Two answers that normalise to nothing are the same answer without a token in common."""
    assert mlqa.score("?", ["!"], "de") == Score(1, 0)


def test_a_question_without_answers_wants_silence() -> None:
    """Where the script would crash, an empty prediction is right and any other is wrong."""
    assert mlqa.score("", [], "de") == Score(1, 1)
    assert mlqa.score("Rhein", [], "de") == Score(0, 0)


def test_a_script_variant_counts_as_its_language() -> None:
    """`zh-Hant` is judged as the script judges Chinese."""
    assert mlqa.metric("zh-Hant")("天氣很好", ["天氣好"]).f1 == pytest.approx(6 / 7)
