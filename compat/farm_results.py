"""FARM's results: as objects, and in the three shapes of JSON that its versions gave."""

from dataclasses import dataclass
from typing import Any

from fundstelle.compat.farm_head import Candidate, Ranked


@dataclass(frozen=True, slots=True)
class QACandidate:
    """An answer with the text around it. For no answer, `answer` is "no_answer" and offsets are 0."""

    answer: str
    answer_type: str
    score: float
    confidence: float
    offset_answer_start: int
    offset_answer_end: int
    context_window: str
    offset_context_window_start: int
    offset_context_window_end: int
    tokens: tuple[int, int]
    probability: None = None

    @property
    def is_answer(self) -> bool:
        """False for no answer."""
        return self.answer_type == "span"


@dataclass(frozen=True, slots=True)
class QAPred:
    """What one text answers to one question; `prediction` is best first.

    `id` names text and question as they came in, `question_id` and `document_id` as older versions did.
    """

    id: str | None
    question_id: Any
    document_id: str | None
    question: str
    context: str
    prediction: list[QACandidate]
    no_answer_gap: float
    null_score: float
    ground_truth_answer: Any = None
    context_window_size: int = 100
    aggregation_level: str = "document"

    def to_json(self, squad: bool = False) -> dict[str, Any]:
        """The shape of the last version; with `squad`, no answer is "" instead of "no_answer"."""
        answers = [_answer(each, self.id, None, "" if squad else "no_answer", "") for each in self.prediction]
        return self._wrapped({"id": self.id}, answers)

    def to_rest_json(self) -> dict[str, Any]:
        """The shape of version 0.4.3 with `rest_api_schema=True`."""
        answers = [_answer(each, self.document_id, -1, None, None) for each in self.prediction]
        return self._wrapped({"question_id": self.question_id}, answers)

    def to_token_json(self) -> dict[str, Any]:
        """The shape of version 0.4.3 without `rest_api_schema`: answers with their tokens."""
        preds = [
            [each.answer if each.is_answer else "", *each.tokens, each.score] for each in self.prediction
        ]
        return {"id": self.question_id, "preds": preds}

    def _wrapped(self, name: dict[str, Any], answers: list[dict[str, Any]]) -> dict[str, Any]:
        prediction = {
            "question": self.question,
            **name,
            "ground_truth": self.ground_truth_answer,
            "answers": answers,
            "no_ans_gap": self.no_answer_gap,
        }
        return {"task": "qa", "predictions": [prediction]}


def _answer(
    found: QACandidate,
    document_id: str | None,
    probability: Any,
    no_answer: str | None,
    no_context: str | None,
) -> dict[str, Any]:
    return {
        "score": found.score,
        "probability": probability,
        "answer": found.answer if found.is_answer else no_answer,
        "offset_answer_start": found.offset_answer_start,
        "offset_answer_end": found.offset_answer_end,
        "context": found.context_window if found.is_answer else no_context,
        "offset_context_start": found.offset_context_window_start,
        "offset_context_end": found.offset_context_window_end,
        "document_id": document_id,
    }


def candidates(ranked: Ranked, text: str, context_window_size: int) -> list[QACandidate]:
    """Ranked candidates with their texts and the text around them."""
    return [_candidate(each, text, context_window_size) for each in ranked.candidates]


def _candidate(found: Candidate, text: str, size: int) -> QACandidate:
    low, high = surroundings(found.start, found.end, len(text), size) if found.is_answer else (0, 0)
    return QACandidate(
        answer=text[found.start : found.end] if found.is_answer else "no_answer",
        answer_type="span" if found.is_answer else "no_answer",
        score=found.score,
        confidence=found.confidence,
        offset_answer_start=found.start,
        offset_answer_end=found.end,
        context_window=text[low:high],
        offset_context_window_start=low,
        offset_context_window_end=high,
        tokens=(found.first, found.last),
    )


def surroundings(start: int, end: int, length: int, size: int) -> tuple[int, int]:
    """`size` characters centred on `[start, end)`, moved into a text of `length`; never less than the range."""
    size = max(size, end - start)
    low = max(min((start + end) // 2 - size // 2, length - size), 0)
    return low, min(low + size, length)
