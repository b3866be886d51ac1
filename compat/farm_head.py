"""FARM's prediction head: the logits of a text's windows to ranked answers, no answer among them."""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from fundstelle.compat.candidates import Floats, best_pairs
from fundstelle.reader.reader import WindowLogits


@dataclass(frozen=True, slots=True)
class Candidate:
    """A span of a text, or no answer (`first`, `last`, `start` and `end` are -1, -1, 0 and 0).

    Attributes:
        first, last: its first and last token in the text, counted without special tokens.
        start, end: its characters.
        score: start logit + end logit; of no answer, the best span's less `no_ans_gap`.
        confidence: mean of its shares of start and end logits in its window.
    """

    first: int
    last: int
    start: int
    end: int
    score: float
    confidence: float

    @property
    def is_answer(self) -> bool:
        """False for no answer."""
        return self.first >= 0


@dataclass(frozen=True, slots=True)
class Ranked:
    """What a text answers: the n best candidates, best first.

    Attributes:
        no_ans_gap: add it to `no_ans_boost` to turn the first from an answer into none, or back.
        null_score: least score of no answer in any window.
    """

    candidates: list[Candidate]
    no_ans_gap: float
    null_score: float


@dataclass(frozen=True, slots=True)
class _WindowResult:
    """A window's spans, best first, and its no answer."""

    spans: list[Candidate]
    null_score: float
    null_confidence: float


@dataclass
class QuestionAnsweringHead:
    """What may be set on `model.prediction_heads[0]`, at any time.

    Attributes:
        no_ans_boost: added to the score of no answer.
        context_window_size: characters around an answer that are shown with it.
        n_best: candidates per text, no answer included.
        n_best_per_sample: spans taken from a window; None: `n_best`.
        duplicate_filtering: starts, and ends, of two spans of a window are further apart than this many
            tokens; -1: they may be anything.
        temperature_for_confidence: logits are divided by it.
        use_confidence_scores_for_ranking: rank by `confidence` instead of `score`.
        max_answer_length: in tokens.
    """

    no_ans_boost: float = 0.0
    context_window_size: int = 100
    n_best: int = 5
    n_best_per_sample: int | None = None
    duplicate_filtering: int = -1
    temperature_for_confidence: float = 1.0
    use_confidence_scores_for_ranking: bool = False
    max_answer_length: int = 1000

    def rank(self, windows: Sequence[WindowLogits]) -> Ranked:
        """The n best of a text's windows. A text without visible characters has no answer, with score 0."""
        results = [result for window in windows if (result := self._read(window)).spans]
        if not results:
            null = min((window.null_score for window in windows), default=0.0)
            return Ranked([Candidate(-1, -1, 0, 0, null, 1.0)], 0.0, null)
        gap = max(each.spans[0].score - each.null_score - self.no_ans_boost for each in results)
        sure = max(each.spans[0].confidence - each.null_confidence for each in results)
        spans = _distinct(span for each in results for span in each.spans)
        none = Candidate(
            -1,
            -1,
            0,
            0,
            max(span.score for span in spans) - gap,
            max(span.confidence for span in spans) - sure,
        )
        ranked = sorted([none, *spans], key=self._value, reverse=True)
        return Ranked(ranked[: self.n_best], gap, min(each.null_score for each in results))

    def _value(self, candidate: Candidate) -> float:
        return candidate.confidence if self.use_confidence_scores_for_ranking else candidate.score

    def _read(self, window: WindowLogits) -> _WindowResult:
        temperature = self.temperature_for_confidence
        start, end = (logits.astype(np.float64) / temperature for logits in (window.start, window.end))
        null_start, null_end = window.null_start / temperature, window.null_end / temperature
        start_shares, end_shares = _softmax(start, null_start), _softmax(end, null_end)
        starts, ends = window.characters
        count = self.n_best if self.n_best_per_sample is None else self.n_best_per_sample
        apart = self.duplicate_filtering if self.duplicate_filtering >= 0 else None
        shift = window.window.first
        spans = [
            Candidate(
                first=shift + first,
                last=shift + last,
                start=int(starts[first]),
                end=int(ends[last]),
                score=score,
                confidence=float(start_shares[first] + end_shares[last]) / 2,
            )
            for score, first, last in best_pairs(
                start, np.where(ends > starts, end, -np.inf), count, self.max_answer_length, apart
            )
        ]
        none = float(start_shares[-1] + end_shares[-1]) / 2
        return _WindowResult(spans, null_start + null_end, none)


def _softmax(logits: Floats, null: float) -> Floats:
    """Shares of the passage's tokens and, last, of the null answer."""
    weights: Floats = np.append(logits, null)
    weights = np.exp(weights - weights.max())
    weights /= weights.sum()
    return weights


def _distinct(spans: Iterator[Candidate]) -> list[Candidate]:
    """Each range of tokens once, with its best score."""
    best: defaultdict[tuple[int, int], list[Candidate]] = defaultdict(list)
    for span in spans:
        best[span.first, span.last].append(span)
    return [max(same, key=lambda span: span.score) for same in best.values()]
