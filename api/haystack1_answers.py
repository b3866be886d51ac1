"""This service's results in the shape of Haystack 1.26."""

from collections.abc import Mapping
from typing import Any

from fundstelle.compat.haystack_reading import softened
from fundstelle.compat.haystack_retrieving import document_of
from fundstelle.compat.haystack_schema import Answer, Span, no_answer
from fundstelle.indexing.documents import Passage
from fundstelle.pipelines.answers import Answer as Found
from fundstelle.pipelines.answers import QueryResult


def reply_of(result: QueryResult, top_k: int, debug: bool) -> dict[str, Any]:
    """`{"query", "answers", "documents"}`, with `_debug` if wanted.

    Scores of answers are probabilities, that of the answer "" the probability of there being none; scores of
    documents are the logistic function of an eighth of the BM25 score, as they were.
    """
    passages = {found.passage.id: found.passage for found in result.passages}
    answers = [_answer(found, passages[found.passage_id]) for found in result.answers]
    answers.append(no_answer(result.no_answer_probability))
    documents = [document_of(found.passage, softened(found.retriever_score)) for found in result.passages]
    reply: dict[str, Any] = {
        "query": result.question,
        "answers": [without_none(each.to_dict()) for each in sorted(answers, reverse=True)[:top_k]],
        "documents": [without_none(each.to_dict()) for each in documents],
    }
    if debug:
        reply["_debug"] = _timings(result.timings)
    return reply


def _answer(found: Found, passage: Passage) -> Answer:
    """An answer whose place is told in its passage, which was a document of its own."""
    start, end = found.start - passage.start, found.end - passage.start
    meta = dict(document_of(passage).meta or {})
    if found.page is not None:
        meta["answer_page_number"] = found.page
    return Answer(
        found.text,
        score=found.probability,
        context=found.context,
        offsets_in_document=[Span(start, end)],
        offsets_in_context=[Span(found.start - found.context_start, found.end - found.context_start)],
        document_ids=[passage.id],
        meta=meta,
    )


def _timings(timings: Mapping[str, float]) -> dict[str, Any]:
    return {
        "Retriever": {"exec_time_ms": timings["retrieve_ms"]},
        "Reader": {"exec_time_ms": timings["read_ms"]},
    }


def without_none(values: Mapping[str, Any]) -> dict[str, Any]:
    """The fields that have a value: the others were left out."""
    return {key: value for key, value in values.items() if value is not None}
