"""The figures of `mlqa_evaluation_v1.py`, the official script of MLQA, quirks included, and its extension.

Source: github.com/facebookresearch/MLQA. The script knows en, es, hi, vi, de, ar and zh and refuses the rest.
Our extension keeps its order (lower case, punctuation of every script, articles, white space), takes away
the articles that a language writes as words of their own, and where a script has no spaces makes each
user-perceived character a token, as the script does for Chinese.
"""

import re
from collections.abc import Mapping, Sequence
from functools import cache, partial

from fundstelle.evaluation.datasets import Dataset
from fundstelle.evaluation.overlap import WRONG, Metric, Score, strict, with_nothing
from fundstelle.evaluation.segments import punctuation, segments, without_punctuation
from fundstelle.evaluation.squad2 import Figures, averages

OFFICIAL = ("en", "es", "hi", "vi", "de", "ar", "zh")

_ARTICLES = {
    "en": "a an the",
    "es": "un una unos unas el la los las",
    "vi": "của là cái chiếc những",
    "de": "ein eine einen einem eines einer der die das den dem des",
}
_EXTENSION = {
    "ca": "el la els les un una uns unes",
    "da": "en et",
    "el": "ο η το οι τα του της των τον την τους τις ένας μία μια ένα",
    "fr": "le la les un une des",
    "hu": "a az egy",
    "it": "il lo la i gli le un uno una",
    "nb": "en ei et",
    "nl": "de het een",
    "nn": "ein ei eit",
    "no": "en ei et",
    "pt": "o a os as um uma uns umas",
    "ro": "un o unui unei niște",
    "sv": "en ett",
}
# The script's pattern for Arabic: its first half can never match, so the two letters of the article go
# wherever they stand in a word.
_ARABIC = re.compile("\\s\u0627\u0644^|\u0627\u0644")
_HAN = re.compile("[\u4e00-\u9fa5]")


def tokens(text: str, language: str) -> list[str]:
    """The normalised tokens of an answer, as the official script compares them for its seven languages."""
    kept = _without_articles(without_punctuation(text.lower()), language)
    if language == "zh":
        return _mixed(kept)
    return kept.split() if language in OFFICIAL else segments(kept)


def score(prediction: str, golds: Sequence[str], language: str) -> Score:
    """Exact match and F1; a question without gold answers, which MLQA has not, wants an empty prediction."""
    predicted = tokens(prediction, language)
    references = [tokens(gold, language) for gold in golds]
    return strict(predicted, references) if references else with_nothing(predicted, references)


def evaluate(dataset: Dataset, predictions: Mapping[str, str], language: str) -> Figures:
    """What the official script prints, under its names; `language` is that of contexts and answers."""
    figures = averages(
        score(predictions[question.id], question.gold_texts, language)
        if question.id in predictions
        else WRONG
        for question in dataset.questions
    )
    return {"exact_match": figures["exact"], "f1": figures["f1"]}


def metric(language: str) -> Metric:
    """This measure for one language; by-scripts such as `zh-Hant` count as their language."""
    return partial(score, language=language.partition("-")[0])


def _without_articles(text: str, language: str) -> str:
    if language == "ar":
        return _ARABIC.sub(" ", text)
    pattern = _articles(language)
    return pattern.sub(" ", text) if pattern else text


@cache
def _articles(language: str) -> re.Pattern[str] | None:
    words = _ARTICLES.get(language) or _EXTENSION.get(language)
    return re.compile(rf"\b({words.replace(' ', '|')})\b") if words else None


def _mixed(text: str) -> list[str]:
    """Each Han character of the script's range and each punctuation mark alone, the rest at white space."""
    spaced = "".join(f" {one} " if _HAN.match(one) or one in punctuation() else one for one in text)
    return spaced.split()
