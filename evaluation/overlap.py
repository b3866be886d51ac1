"""What every answer metric shares: tokens in common and the best of several gold answers."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Score:
    """Exact match and F1 of one prediction, each between 0 and 1."""

    exact: float
    f1: float


WRONG = Score(0.0, 0.0)


class Metric(Protocol):
    """Scores a prediction ("" is "no answer") against the gold answers (none: the question has no answer)."""

    def __call__(self, prediction: str, golds: Sequence[str]) -> Score: ...


def token_f1(prediction: Sequence[str], gold: Sequence[str]) -> float:
    """The harmonic mean of precision and recall over tokens, repetitions counted; 0 with none in common."""
    common = (Counter(prediction) & Counter(gold)).total()
    if not common:
        return 0.0
    precision, recall = 1.0 * common / len(prediction), 1.0 * common / len(gold)
    return (2 * precision * recall) / (precision + recall)


def best(scores: Sequence[Score]) -> Score:
    """The best exact match and the best F1, each over all gold answers."""
    return Score(max(score.exact for score in scores), max(score.f1 for score in scores))


def strict(predicted: Sequence[str], references: Sequence[Sequence[str]]) -> Score:
    """SQuAD 1.1's and MLQA's rule: no token in common earns no F1, two empty answers included."""
    return best([Score(float(predicted == other), token_f1(predicted, other)) for other in references])


def with_nothing(predicted: Sequence[str], references: Sequence[Sequence[str]]) -> Score:
    """SQuAD 2.0's rule: empty references do not count beside others, and empty matches empty in full."""
    kept = [reference for reference in references if reference]
    if kept and predicted:
        return strict(predicted, kept)
    return WRONG if kept or predicted else Score(1.0, 1.0)
