"""The reader alone: questions to texts that no store holds."""

from collections.abc import Sequence
from time import perf_counter

from fundstelle.indexing.documents import Passage, identifier
from fundstelle.indexing.languages import detect
from fundstelle.indexing.store import Hit
from fundstelle.pipelines.answers import QueryResult, RetrievedPassage
from fundstelle.pipelines.merge import merge
from fundstelle.pipelines.quoting import Quoter
from fundstelle.pipelines.reading import Asked, PassageReader, milliseconds_since, read_all


def read_texts(
    question: str,
    texts: Sequence[tuple[str, str]],
    reader: PassageReader,
    *,
    top_k: int,
    threshold: float | None,
    context_size: int,
) -> QueryResult:
    """The answers to `question` in all `texts`, pairs of name and text; the names stand for documents.

    Each text is one passage without a retriever's score; the reader cuts long ones into windows.
    """
    asked = Asked(
        question, [Hit(_passage(name, number, text), 0.0) for number, (name, text) in enumerate(texts)]
    )
    read_all([asked], reader, reader.calibration, early_stop=False)
    least = reader.calibration.threshold if threshold is None else threshold
    return _result(asked, reader, top_k, least, context_size)


def _passage(name: str, number: int, text: str) -> Passage:
    return Passage(identifier(number, name), name, text, 0, name, detect(text))


def _result(
    asked: Asked, reader: PassageReader, top_k: int, threshold: float, context_size: int
) -> QueryResult:
    started = perf_counter()
    merged = merge(asked.hits, asked.readings, reader.calibration)
    quoter = Quoter(None, context_size)
    chosen = [finding for finding in merged.findings[:top_k] if finding.probability >= threshold]
    answers = [quoter.answer(finding) for finding in chosen]
    total_ms = asked.read_ms + milliseconds_since(started)
    return QueryResult(
        question=asked.question,
        language=detect(asked.question),
        answers=answers,
        no_answer_probability=merged.no_answer_probability,
        passages=[RetrievedPassage(hit.passage, hit.score) for hit in asked.hits],
        retriever="",
        timings={"retrieve_ms": 0.0, "read_ms": round(asked.read_ms, 3), "total_ms": round(total_ms, 3)},
    )
