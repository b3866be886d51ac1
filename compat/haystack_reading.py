"""What Haystack 1's two readers share: their calls, the shapes of their results, and what they add to answers."""

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from fundstelle.compat.haystack_schema import Answer, Document, no_answer
from fundstelle.compat.opening import HUB_OPTIONS

Batched = list[Document] | list[list[Document]]


class BaseReader:
    """The calls of a reader; kinds of reader say how documents are read and answers ranked."""

    outgoing_edges = 1
    top_k: int
    no_answer_without_documents: float | None
    """Score of no answer where there is nothing to read; None: it is not returned."""

    def _answers(self, asked: Sequence[tuple[str, list[Document]]]) -> list[tuple[list[Answer], float]]:
        """All answers, best first, and gap to no answer for each question over its documents, none of them blank."""
        raise NotImplementedError

    def predict(self, query: str, documents: list[Document], top_k: int | None = None) -> dict[str, Any]:
        """`{"query", "no_ans_gap", "answers"}`, best answer first; without documents there is no gap."""
        documents = visible(documents)
        if not documents:
            return {"query": query, "answers": self._nothing()}
        ((answers, gap),) = self._answers([(query, documents)])
        answers = without_repeats(answers, {str(document.id): document for document in documents})
        best = described(self._best(answers, top_k), documents, pages=True)
        return {"query": query, "no_ans_gap": gap, "answers": best}

    def predict_batch(
        self,
        queries: list[str],
        documents: Batched,
        top_k: int | None = None,
        batch_size: int | None = None,
    ) -> dict[str, Any]:
        """`{"queries", "answers", "no_ans_gaps"}`.

        Lists of documents, one per query, or any number for a single query: `answers` holds a list for each.
        One list of documents: every query is asked of every document by itself; `answers` holds a list per
        document, and for several queries a list of these per query.

        Raises:
            ValueError: there are not as many lists of documents as queries.
        """
        pairs = _paired(queries, documents)
        kept = [(query, visible(group)) for query, group in pairs]
        results = iter(self._answers([pair for pair in kept if pair[1]]))
        answers: list[Any] = []
        gaps: list[float | None] = []
        for _, group in kept:
            found, gap = next(results) if group else (self._nothing(), None)
            answers.append(described(self._best(found, top_k), group, pages=False))
            gaps.append(gap)
        if len(queries) > 1 and not _nested(documents):
            size = len(documents)
            answers = [answers[i * size : (i + 1) * size] for i in range(len(queries))]
        return {"queries": queries, "answers": answers, "no_ans_gaps": gaps}

    def predict_on_texts(self, question: str, texts: list[str], top_k: int | None = None) -> dict[str, Any]:
        """The same as `predict`, on texts."""
        return self.predict(question, [Document(text) for text in texts], top_k)

    def run(
        self, query: str, documents: list[Document], top_k: int | None = None, **ignored: Any
    ) -> tuple[dict[str, Any], str]:
        """As a node of a pipeline: the result of `predict`, and the name of the way out."""
        return self.predict(query, documents, top_k), "output_1"

    def run_batch(
        self, queries: list[str], documents: Batched, top_k: int | None = None, **ignored: Any
    ) -> tuple[dict[str, Any], str]:
        """As a node of a pipeline: the result of `predict_batch`, and the name of the way out."""
        return self.predict_batch(queries, documents, top_k), "output_1"

    def _best(self, answers: list[Answer], top_k: int | None) -> list[Answer]:
        return answers[: self.top_k if top_k is None else top_k]

    def _nothing(self) -> list[Answer]:
        score = self.no_answer_without_documents
        return [] if score is None else [no_answer(score)]


def visible(documents: Iterable[Document]) -> list[Document]:
    """Those with something to read."""
    return [document for document in documents if document.content.strip()]


def _nested(documents: Batched) -> bool:
    return bool(documents) and isinstance(documents[0], list)


def _paired(queries: list[str], documents: Batched) -> list[tuple[str, list[Document]]]:
    """Each query with the documents it is asked of together."""
    if not _nested(documents):
        return [(query, [document]) for query in queries for document in documents]  # type: ignore[list-item]
    if len(queries) == 1:
        queries = queries * len(documents)
    if len(queries) != len(documents):
        raise ValueError(
            f"There are {len(queries)} queries and {len(documents)} lists of documents: pair them."
        )
    return list(zip(queries, documents, strict=True))  # type: ignore[arg-type]


def described(answers: Iterable[Answer], documents: Iterable[Document], *, pages: bool) -> list[Answer]:
    """Answers with their document's meta data and, where the document has a page number, the answer's."""
    by_id = {document.id: document for document in documents}
    answers = list(answers)
    for answer in answers:
        for id in answer.document_ids or ():
            meta = dict(by_id[id].meta or {})
            if pages and isinstance(meta.get("page"), int) and answer.offsets_in_document:
                before = by_id[id].content[: answer.offsets_in_document[0].start]
                meta["answer_page_number"] = meta["page"] + before.count("\f")
            answer.meta = meta | (answer.meta or {})
    return answers


def without_repeats(answers: Sequence[Answer], documents: dict[str, Document]) -> list[Answer]:
    """Answers in order, less those that a better one gives from the part two documents share.

    Splitters of Haystack 1 say in `_split_overlap` which documents share a part, and where it is in each.
    """
    seen: set[tuple[str, int, int]] = set()
    kept = []
    for answer in answers:
        places = set(_places(answer, documents))
        if not places & seen:
            kept.append(answer)
            seen |= places
    return kept


def _places(answer: Answer, documents: dict[str, Document]) -> Iterable[tuple[str, int, int]]:
    """Where an answer stands: in its document, and in each that shares this part of it."""
    for id in answer.document_ids or ():
        for span in answer.offsets_in_document or ():
            yield id, span.start, span.end
            for other, shift in _shared(id, span.start, span.end, documents):
                yield other, span.start + shift, span.end + shift


def _shared(id: str, start: int, end: int, documents: dict[str, Document]) -> Iterable[tuple[str, int]]:
    """The documents that hold characters `[start, end)` of this one too, and how far they are moved there."""
    for overlap in (documents[id].meta or {}).get("_split_overlap") or ():
        other = documents.get(overlap["doc_id"])
        low, high = overlap["range"]
        for back in (other.meta or {}).get("_split_overlap") or () if other else ():
            if back["doc_id"] == id and low <= start and end <= high:
                yield overlap["doc_id"], back["range"][0] - low


def softened(score: float) -> float:
    """A raw score between 0 and 1 as Haystack 1 put it there: the logistic function of an eighth."""
    return 0.5 * (1.0 + math.tanh(score / 16.0))


def whereabouts(
    use_gpu: bool, devices: Sequence[Any] | None, version: str | None, options: Mapping[str, Any]
) -> dict[str, Any]:
    """Where a model comes from and runs, and in what: the arguments of `open_reader`.

    Both of a reader's `options` and of their `model_kwargs` count.
    """
    given = dict(options.get("model_kwargs") or {}) | dict(options)
    hub = {name: given[name] for name in HUB_OPTIONS if given.get(name) is not None}
    if isinstance(given.get("use_auth_token"), str):
        hub["token"] = given["use_auth_token"]
    if version is not None:
        hub["revision"] = version
    device = next(iter(devices or ()), None if use_gpu else "cpu")
    return {"device": device, "dtype": given.get("dtype", given.get("torch_dtype")), "hub": hub}
