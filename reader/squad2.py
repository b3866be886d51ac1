"""SQuAD 2 predictions: the n best answers per question and the three files the official evaluation takes."""

import json
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from fundstelle.reader.reader import Reader, WindowLogits
from fundstelle.reader.spans import border, top_pairs

NO_SPAN = 1000.0
"""Null odds of a question whose context has nothing to quote."""

Question = tuple[str, str, str]
"""Id, question, context."""


@dataclass(frozen=True, slots=True)
class Prediction:
    """One of a question's n best: text "" is no answer; probabilities of the n best add up to 1."""

    text: str
    start_logit: float
    end_logit: float
    probability: float


@dataclass(frozen=True, slots=True)
class Predictions:
    """By question id: the answer ("" for none), the n best, and null score minus best span score."""

    answers: dict[str, str]
    nbest: dict[str, list[Prediction]]
    null_odds: dict[str, float]

    def save(self, folder: Path) -> None:
        """Write predictions.json, nbest_predictions.json and null_odds.json."""
        nbest = {id: [asdict(prediction) for prediction in best] for id, best in self.nbest.items()}
        for name, values in (
            ("predictions", self.answers),
            ("nbest_predictions", nbest),
            ("null_odds", self.null_odds),
        ):
            text = json.dumps(values, ensure_ascii=False, indent=1) + "\n"
            (folder / f"{name}.json").write_text(text, encoding="utf-8")


@dataclass(frozen=True, slots=True)
class _Candidate:
    start: int
    end: int
    start_logit: float
    end_logit: float

    @property
    def score(self) -> float:
        return self.start_logit + self.end_logit


@dataclass(frozen=True, slots=True)
class _Context:
    id: str
    text: str


def predict(
    reader: Reader, questions: Iterable[Question], *, n_best_size: int = 20, threshold: float = 0.0
) -> Predictions:
    """Answer questions on their contexts as the SQuAD 2 scripts do.

    Per window, the pairs of the `n_best_size` best starts and ends, at most the reader's
    `max_answer_length` long; the best `n_best_size` of all windows compete with the least null score of any.
    A question is answered by "" where null score - best span score > `threshold`. A span that several
    windows find counts once.
    """
    questions = list(questions)
    found: dict[int, list[_Candidate]] = defaultdict(list)
    nulls: dict[int, _Candidate] = {}
    requests = [(question, [_Context(id, context)]) for id, question, context in questions]
    for window in reader.window_logits(requests):
        index = window.window.passage.request
        null = _Candidate(0, 0, window.null_start, window.null_end)
        nulls[index] = min(nulls.get(index, null), null, key=lambda null: null.score)
        found[index] = _best(found[index] + _candidates(reader, window, n_best_size), n_best_size)
    result = Predictions({}, {}, {})
    for index, (id, _, context) in enumerate(questions):
        _answer(result, id, context, found[index], nulls.get(index, _Candidate(0, 0, 0.0, 0.0)), threshold)
    return result


def _candidates(reader: Reader, found: WindowLogits, count: int) -> list[_Candidate]:
    passage, settings = found.window.passage, reader.settings
    starts, ends = found.characters
    end_logits = np.where(ends > starts, found.end, np.float32(-np.inf))
    result = []
    for _, first, last in top_pairs(found.start, end_logits, count, settings.max_answer_length):
        a, b = border(passage.text, int(starts[first]), int(ends[last]), settings.align_to_words)
        result.append(_Candidate(a, b, float(found.start[first]), float(found.end[last])))
    return result


def _best(candidates: Sequence[_Candidate], count: int) -> list[_Candidate]:
    """The `count` best, each range once."""
    by_range: dict[tuple[int, int], _Candidate] = {}
    for candidate in sorted(
        candidates, key=lambda candidate: (-candidate.score, candidate.start, candidate.end)
    ):
        by_range.setdefault((candidate.start, candidate.end), candidate)
    return list(by_range.values())[:count]


def _answer(
    result: Predictions, id: str, context: str, spans: list[_Candidate], null: _Candidate, threshold: float
) -> None:
    """Put one question's predictions into the result."""
    ranked = sorted([*spans, null], key=lambda candidate: -candidate.score)
    weights = np.exp(np.asarray([candidate.score for candidate in ranked]) - ranked[0].score)
    result.nbest[id] = [
        Prediction(context[one.start : one.end], one.start_logit, one.end_logit, float(share))
        for one, share in zip(ranked, weights / weights.sum(), strict=True)
    ]
    odds = null.score - spans[0].score if spans else NO_SPAN
    result.null_odds[id] = odds
    result.answers[id] = "" if odds > threshold or not spans else context[spans[0].start : spans[0].end]
