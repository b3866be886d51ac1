"""From scores that rank to probabilities that mean something: a fitted model of which span is right.

One question, any number of spans from any number of passages. Each span has a logit made of its margin
and of the retriever's evidence; "none of them" has the logit 0; the probabilities are their softmax, so
that answers compete with each other and with no answer, and all of them together are 1.
"""

import json
import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Self

FILE_NAME = "calibration.json"

WORDS_ALONE = 9.35
"""Log-odds between the best hit and a passage that has no word of the question, where only words are looked at: what
`fundstelle.training.fusion` found once. It is the unit in which evidence counts for answers, and so stays."""


@dataclass(frozen=True, slots=True)
class Calibration:
    """Weights fitted on held-out questions by `fundstelle calibrate`, saved beside the model's.

    The defaults are for models that bring no fit of their own.

    Attributes:
        intercept, margin, evidence: logit of a span = intercept + margin * m + evidence * e, where m is
            the span's score less its passage's null score, and e how far the passage is behind the best hit by
            the retriever's evidence: 0 for that one; for BM25 alone down to -1, where score / best score = 1 + e.
        support: how much equal answers in several places count, from 0 (as much as the best of them)
            to 1 (as if the places were independent).
        no_answer_intercept, no_answer: logit of "the collection does not answer" =
            no_answer_intercept + no_answer * (log-odds that none of the spans is right).
        threshold: least probability of an answer worth giving, unless the user sets another.
        stop: reading stops once the best answer's logit is this far above that of an unread passage's
            span with margin 0; infinity never stops.
    """

    intercept: float = -2.0
    margin: float = 0.5
    evidence: float = 2.0
    support: float = 0.5
    no_answer_intercept: float = -1.0
    no_answer: float = 1.0
    threshold: float = 0.0
    stop: float = 8.0

    def logit(self, margin: float, evidence: float = 0.0) -> float:
        """How strongly a span's margin and its passage's evidence speak for it; this ranks spans."""
        return self.intercept + self.margin * margin + self.evidence * evidence

    def probability(self, margin: float, evidence: float = 0.0) -> float:
        """The calibrated probability, in [0, 1], of a span that has no rival."""
        return _sigmoid(self.logit(margin, evidence))

    def combined(self, logits: Sequence[float]) -> float:
        """The logit of one answer from those of all places that give it. ValueError if there are none."""
        best = max(logits)
        return best + self.support * (_log_sum_exp(logits) - best)

    def shares(self, logits: Sequence[float]) -> list[float]:
        """The probability of each of a question's rival answers; what is missing to 1 is "none of them"."""
        total = _log_sum_exp([0.0, *logits])
        return [math.exp(logit - total) for logit in logits]

    def no_answer_probability(self, logits: Sequence[float]) -> float:
        """The probability that the collection does not answer, given the logits of all answers found."""
        if not logits:
            return 1.0
        return _sigmoid(self.no_answer_intercept - self.no_answer * _log_sum_exp(logits))

    def to_dict(self) -> dict[str, Any]:
        """For the snapshots of Haystack's pipelines, as is `from_dict`."""
        return asdict(self)

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> Self:
        return cls(**data)

    def save(self, folder: Path) -> None:
        """Write `calibration.json` into the model's folder."""
        (folder / FILE_NAME).write_text(json.dumps(asdict(self), indent=1) + "\n", encoding="utf-8")

    @classmethod
    def load(cls, folder: Path) -> Self:
        """Read `calibration.json` from the model's folder; the defaults where there is none.

        Raises:
            ValueError: the file is there and does not hold a calibration.
        """
        path = folder / FILE_NAME
        if not path.is_file():
            return cls()
        try:
            return cls(**{name: float(value) for name, value in json.loads(path.read_text("utf-8")).items()})
        except (TypeError, ValueError, AttributeError) as error:
            raise ValueError(
                f"{path} does not hold a calibration ({error}); fit it again or delete it."
            ) from error


def relative_evidence(score: float, scores: Sequence[float], odds: float | None = None) -> float:
    """How far a passage is behind the best one by the retriever's evidence: 0 for that one, else less.

    Log-odds count in units of `WORDS_ALONE`, so that BM25 by itself gives the score relative to the best one, less 1:
    from 0 down to -1. Scores of a retriever that weighs no evidence count in the same way, because a score by itself
    says more of the question's length and the collection's size than of the passage. A scale that does not begin at
    0, such as that of a reranker's logits, has no such ratios: its scores count as equal.

    Args:
        score: the passage's.
        scores: those of all passages whose evidence was not weighed.
        odds: the passage's log-odds against the best one, where its evidence was weighed; scores are not looked at.
    """
    if odds is not None:
        return odds / WORDS_ALONE
    best = max(scores)
    return score / best - 1.0 if best > 0 and min(scores) >= 0 else 0.0


def _sigmoid(logit: float) -> float:
    return 0.5 * (1.0 + math.tanh(0.5 * logit))


def _log_sum_exp(logits: Sequence[float]) -> float:
    largest = max(logits)
    return largest + math.log(sum(math.exp(logit - largest) for logit in logits))
