"""What a question comes back with."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from fundstelle.indexing.documents import Passage


@dataclass(frozen=True, slots=True)
class Support:
    """Another place in the collection that gives the same answer."""

    document_id: str
    source: str
    start: int
    end: int
    probability: float


@dataclass(frozen=True, slots=True)
class Answer:
    """A quotation: `document_text[start:end] == text`, and the same range of `context` less `context_start`.

    Attributes:
        probability: that this text answers the question, calibrated on held-out questions.
        start, end: half-open character range in the document.
        page: page of `start`, from 1; None where the format has no pages.
        context: the text around the answer; `context_start` is its offset in the document.
        reader_score: start logit + end logit of the span.
        null_score: the reader's score for "this passage does not answer".
        retriever_score: BM25 score of the passage.
        support: other places, in other documents or elsewhere in this one, with the same answer.
    """

    text: str
    probability: float
    document_id: str
    source: str
    start: int
    end: int
    page: int | None
    language: str
    passage_id: str
    context: str
    context_start: int
    reader_score: float
    null_score: float
    retriever_score: float
    support: tuple[Support, ...] = ()


@dataclass(frozen=True, slots=True)
class RetrievedPassage:
    """A passage and the retriever's score for it."""

    passage: Passage
    retriever_score: float


@dataclass(frozen=True, slots=True)
class QueryResult:
    """Everything found for one question. No answer is an empty `answers` and its probability.

    `timings` holds milliseconds: `retrieve_ms`, `read_ms`, `total_ms`.
    """

    question: str
    language: str
    answers: Sequence[Answer]
    no_answer_probability: float
    passages: Sequence[RetrievedPassage]
    timings: Mapping[str, float]


def as_dict(result: QueryResult) -> dict[str, Any]:
    """The result as plain JSON values, as `fundstelle ask --json` and the REST service give it.

    Passages are named, not quoted: `{"id", "document_id", "source", "start", "language", "retriever_score"}`.
    """
    return {
        "question": result.question,
        "language": result.language,
        "no_answer_probability": result.no_answer_probability,
        "answers": [
            asdict(answer) | {"support": [*map(asdict, answer.support)]} for answer in result.answers
        ],
        "passages": [_passage_as_dict(found) for found in result.passages],
        "timings": dict(result.timings),
    }


def _passage_as_dict(found: RetrievedPassage) -> dict[str, Any]:
    passage = found.passage
    return {
        "id": passage.id,
        "document_id": passage.document_id,
        "source": passage.source,
        "start": passage.start,
        "language": passage.language,
        "retriever_score": found.retriever_score,
    }
