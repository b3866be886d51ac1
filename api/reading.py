"""The reader alone: questions to texts that no store holds."""

from collections.abc import Sequence

from fundstelle.indexing.documents import Passage, identifier
from fundstelle.indexing.languages import detect
from fundstelle.indexing.store import Hit
from fundstelle.pipelines.answers import QueryResult
from fundstelle.pipelines.quoting import Quoter
from fundstelle.pipelines.reading import Asked, PassageReader, read_all
from fundstelle.pipelines.results import result_of


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
    return result_of(
        asked,
        reader.calibration,
        Quoter(None, context_size),
        top_k=top_k,
        threshold=threshold,
        language=detect(question),
    )


def _passage(name: str, number: int, text: str) -> Passage:
    return Passage(identifier(number, name), name, text, 0, name, detect(text))
