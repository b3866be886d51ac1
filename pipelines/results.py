"""From what was read for a question to what it comes to: answers that are sure enough, quoted."""

from time import perf_counter

from fundstelle.pipelines.answers import QueryResult, RetrievedPassage
from fundstelle.pipelines.merge import merge
from fundstelle.pipelines.quoting import Quoter
from fundstelle.pipelines.reading import Asked, milliseconds_since
from fundstelle.reader.confidence import Calibration


def result_of(
    asked: Asked,
    calibration: Calibration,
    quoter: Quoter,
    *,
    top_k: int,
    threshold: float | None,
    language: str,
    retriever: str = "",
    retrieve_ms: float = 0.0,
) -> QueryResult:
    """The `top_k` best answers at most whose probability reaches `threshold`, the calibration's where it is None."""
    started = perf_counter()
    least = calibration.threshold if threshold is None else threshold
    merged = merge(asked.hits, asked.readings, calibration)
    chosen = [finding for finding in merged.findings[:top_k] if finding.probability >= least]
    answers = [quoter.answer(finding) for finding in chosen]
    total_ms = retrieve_ms + asked.read_ms + milliseconds_since(started)
    times = {"retrieve_ms": retrieve_ms, "read_ms": asked.read_ms, "total_ms": total_ms}
    return QueryResult(
        question=asked.question,
        language=language,
        answers=answers,
        no_answer_probability=merged.no_answer_probability,
        passages=[RetrievedPassage(hit.passage, hit.score, hit.bm25, hit.cosine) for hit in asked.hits],
        timings={name: round(time, 3) for name, time in times.items()},
        retriever=retriever,
    )
