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
        retriever_score: what the passage was ranked by: its BM25 score, its cosine, or, for the hybrid retriever,
            its log-odds against the best passage (0 for that one).
        bm25, cosine: the evidence of words and of meaning; None where it was not looked for.
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
    bm25: float | None = None
    cosine: float | None = None
    support: tuple[Support, ...] = ()


@dataclass(frozen=True, slots=True)
class RetrievedPassage:
    """A passage, what the retriever ranked it by, and the evidence of words and of meaning where it is known."""

    passage: Passage
    retriever_score: float
    bm25: float | None = None
    cosine: float | None = None


@dataclass(frozen=True, slots=True)
class QueryResult:
    """Everything found for one question. No answer is an empty `answers` and its probability.

    `timings` holds milliseconds: `retrieve_ms`, `read_ms`, `total_ms`. `retriever` is "bm25", "dense" or "hybrid".
    """

    question: str
    language: str
    answers: Sequence[Answer]
    no_answer_probability: float
    passages: Sequence[RetrievedPassage]
    timings: Mapping[str, float]
    retriever: str = "bm25"


def as_dict(result: QueryResult) -> dict[str, Any]:
    """The result as plain JSON values, as `fundstelle ask --json` and the REST service give it.

    Passages are named, not quoted: `{"id", "document_id", "source", "start", "language", "retriever_score", "bm25",
    "cosine"}`.
    """
    return {
        "question": result.question,
        "language": result.language,
        "retriever": result.retriever,
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
        "bm25": found.bm25,
        "cosine": found.cosine,
    }
