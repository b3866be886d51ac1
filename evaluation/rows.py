"""One row a question: everything a run found out about it, from which all averages are made."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Any, Self

from fundstelle.evaluation.datasets import DatasetError, Question


@dataclass(frozen=True, slots=True)
class Quotation:
    """An answer in its text: `context[start:end]` is literally the answer."""

    context: str
    start: int
    end: int
    source: str = ""


@dataclass(frozen=True, slots=True)
class Row:
    """What one question came to. Fields that a kind of run does not measure keep their defaults.

    Attributes:
        id, language, question, gold, context, gold_starts: as in the data set; no gold: unanswerable.
        prediction: what was answered; "" is "no answer", None that nothing was predicted.
        exact, f1: of the prediction by the run's metric, 0 to 1.
        segmented_exact, segmented_f1: of the prediction, by the measure that treats all scripts alike.
        forced: the best span, whatever its odds; `forced_exact` and `forced_f1` are its scores.
        right: whether the forced span is a gold answer, border words aside (segmented F1 of 0.5 or more).
        probability: that the forced span is right.
        no_answer_probability: that nothing does.
        score, null_score: start + end logits of the forced span and of "no answer here".
        null_odds: null score less span score: above a threshold the prediction becomes "".
        answers: the texts of the answers, best first; `answer_rank` is the rank of the first that matches
            a gold answer exactly, from 1.
        quotation: where the forced span was found.
        ceiling_exact, ceiling_f1: of the best span of the right paragraph alone.
        passage_ranks: rank of each passage that holds a gold answer, None where it was not retrieved.
        paragraph_rank: rank of the right paragraph among the different documents retrieved.
        retrieved: beginnings of the first passages, for the list of misses.
        passages_read: passages the reader read for this question.
        timings: milliseconds.
    """

    id: str
    language: str
    question: str
    gold: tuple[str, ...]
    context: str = ""
    gold_starts: tuple[int, ...] = ()
    prediction: str | None = None
    exact: float = 0.0
    f1: float = 0.0
    segmented_exact: float = 0.0
    segmented_f1: float = 0.0
    forced: str | None = None
    forced_exact: float = 0.0
    forced_f1: float = 0.0
    right: bool = False
    probability: float | None = None
    no_answer_probability: float | None = None
    score: float | None = None
    null_score: float | None = None
    null_odds: float | None = None
    answers: tuple[str, ...] = ()
    answer_rank: int | None = None
    quotation: Quotation | None = None
    ceiling_exact: float | None = None
    ceiling_f1: float | None = None
    passage_ranks: tuple[int | None, ...] = ()
    paragraph_rank: int | None = None
    retrieved: tuple[str, ...] = ()
    passages_read: int | None = None
    timings: Mapping[str, float] = field(default_factory=dict)

    @classmethod
    def of(cls, question: Question, language: str, **found: Any) -> Self:
        """The row of a question with what was found."""
        return cls(
            id=question.id,
            language=language,
            question=question.text,
            gold=tuple(question.gold_texts),
            context=question.context,
            gold_starts=tuple(gold.start for gold in question.golds),
            **found,
        )

    @property
    def answerable(self) -> bool:
        return bool(self.gold)


_TUPLES = frozenset({"gold", "gold_starts", "answers", "passage_ranks", "retrieved"})
_NAMES = frozenset(one.name for one in fields(Row))


def write_rows(path: Path, rows: Iterable[Row]) -> None:
    """One JSON object a line."""
    with path.open("w", encoding="utf-8") as file:
        for row in rows:
            file.write(json.dumps(asdict(row), ensure_ascii=False) + "\n")


def read_rows(path: Path) -> list[Row]:
    """The rows of a run.

    Raises:
        DatasetError: a line is no row; the message gives its number.
    """
    with path.open(encoding="utf-8") as file:
        return [_row(line, f"{path}, line {number}") for number, line in enumerate(file, 1)]


def _row(line: str, place: str) -> Row:
    try:
        values = json.loads(line)
        if not isinstance(values, dict):
            raise ValueError("no JSON object")
        if odd := set(values) ^ _NAMES:
            raise ValueError(f"unknown or missing fields: {', '.join(sorted(odd))}")
        listed = {name: tuple(value) for name, value in values.items() if name in _TUPLES}
        quotation = Quotation(**values["quotation"]) if values.get("quotation") else None
        return Row(**values | listed | {"quotation": quotation})
    except (TypeError, ValueError) as error:
        raise DatasetError(f"{place}: not a row of an evaluation ({error}).") from error
