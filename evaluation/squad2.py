"""The figures of `evaluate-v2.0.py`, SQuAD 2.0's official script, to the last digit; those of SQuAD 1.1 too.

Source: rajpurkar.github.io/SQuAD-explorer. Two differences, both where the script would crash: a question
without a prediction counts as wrong whatever its threshold, and a missing no-answer value is a clear error.
"""

import re
import string
from collections.abc import Iterable, Mapping, Sequence

from fundstelle.evaluation.datasets import Dataset, DatasetError
from fundstelle.evaluation.overlap import WRONG, Score, strict, with_nothing

_ARTICLES = re.compile(r"\b(a|an|the)\b", re.UNICODE)
_PUNCTUATION = str.maketrans("", "", string.punctuation)

Figures = dict[str, float | int]


def tokens(text: str) -> list[str]:
    """Lower case, ASCII punctuation and English articles taken away, split at white space."""
    return _ARTICLES.sub(" ", text.lower().translate(_PUNCTUATION)).split()


def score(prediction: str, golds: Sequence[str]) -> Score:
    """SQuAD 2.0: an empty answer is right only where every gold answer is empty after normalisation."""
    return with_nothing(tokens(prediction), [tokens(gold) for gold in golds])


def score_v1(prediction: str, golds: Sequence[str]) -> Score:
    """SQuAD 1.1: gold answers that normalise to nothing stay and earn no F1."""
    predicted, references = tokens(prediction), [tokens(gold) for gold in golds]
    return strict(predicted, references) if references else with_nothing(predicted, references)


def evaluate(
    dataset: Dataset,
    predictions: Mapping[str, str],
    na_probs: Mapping[str, float] | None = None,
    na_threshold: float = 1.0,
) -> Figures:
    """What the official script prints for these predictions, under its names; percentages from 0 to 100.

    `na_probs` says for each question how likely (on any scale) it has no answer: above `na_threshold` the
    prediction is read as "no answer", and with them come `best_exact`, `best_f1` and their thresholds.
    """
    odds = dict.fromkeys(predictions, 0.0) if na_probs is None else na_probs
    answerable = {question.id: bool(question.golds) for question in dataset.questions}
    _require_odds(predictions, odds, answerable)
    raw = {
        question.id: score(predictions[question.id], question.gold_texts)
        for question in dataset.questions
        if question.id in predictions
    }
    kept = {
        identity: _abstained(raw.get(identity), odds.get(identity, 0.0) > na_threshold, answerable[identity])
        for identity in answerable
    }
    figures = averages(kept.values())
    for prefix, wanted in (("HasAns", True), ("NoAns", False)):
        part = [kept[identity] for identity in kept if answerable[identity] is wanted]
        if part:
            figures |= {f"{prefix}_{name}": value for name, value in averages(part).items()}
    if na_probs is not None:
        figures |= best_thresholds(raw, predictions, odds, answerable)
    return figures


def evaluate_v1(dataset: Dataset, predictions: Mapping[str, str]) -> Figures:
    """What the official script of SQuAD 1.1 prints, under its names."""
    scores = [
        score_v1(predictions[question.id], question.gold_texts) if question.id in predictions else WRONG
        for question in dataset.questions
        if question.golds
    ]
    figures = averages(scores)
    return {"exact_match": figures["exact"], "f1": figures["f1"]}


def averages(scores: Iterable[Score]) -> Figures:
    """Means in percent, added in order: another order would move the last digit."""
    listed = list(scores)
    total = len(listed)
    return {
        "exact": 100.0 * plain_sum(one.exact for one in listed) / total,
        "f1": 100.0 * plain_sum(one.f1 for one in listed) / total,
        "total": total,
    }


def plain_sum(values: Iterable[float]) -> float:
    """Left to right in doubles; from Python 3.12 on `sum` corrects rounding and gives other last digits."""
    total = 0.0
    for value in values:
        total += value
    return total


def best_thresholds(
    raw: Mapping[str, Score],
    predictions: Mapping[str, str],
    odds: Mapping[str, float],
    answerable: Mapping[str, bool],
) -> Figures:
    """The thresholds of `odds` at which exact match and F1 would be highest, and how high."""
    order = [identity for identity in sorted(odds, key=lambda key: odds[key]) if identity in raw]
    start = float(sum(not has_answer and identity in raw for identity, has_answer in answerable.items()))
    figures: Figures = {}
    for name in ("exact", "f1"):
        current = highest = start
        threshold = 0.0
        for identity in order:
            if answerable[identity]:
                current += getattr(raw[identity], name)
            elif predictions[identity]:
                current -= 1
            if current > highest:
                highest, threshold = current, odds[identity]
        figures |= {f"best_{name}": 100.0 * highest / len(answerable), f"best_{name}_thresh": threshold}
    return figures


def _abstained(raw: Score | None, no_answer: bool, answerable: bool) -> Score:
    if raw is None:
        return WRONG
    return Score(float(not answerable), float(not answerable)) if no_answer else raw


def _require_odds(
    predictions: Mapping[str, str], odds: Mapping[str, float], answerable: Mapping[str, bool]
) -> None:
    missing = [identity for identity in predictions if identity in answerable and identity not in odds]
    if missing:
        raise DatasetError(
            f"{len(missing)} predicted questions have no no-answer value, the first is {missing[0]!r}; "
            "the no-answer file must hold a number for every prediction."
        )
