"""The query pipeline: retrieve passages, read them in groups, merge what was read into answers."""

from collections.abc import Sequence
from time import perf_counter

from fundstelle.indexing.languages import detect
from fundstelle.indexing.store import Filters, PassageStore
from fundstelle.pipelines.answers import QueryResult
from fundstelle.pipelines.contexts import CONTEXT_SIZE
from fundstelle.pipelines.quoting import Quoter
from fundstelle.pipelines.reading import Asked, PassageReader, milliseconds_since, read_all
from fundstelle.pipelines.results import result_of
from fundstelle.pipelines.retrieval import Kind, QueryEncoder, Retriever
from fundstelle.reader.confidence import Calibration


class QueryPipeline:
    """Asks questions of a store with a reader.

    Args:
        store: where passages are found.
        reader: what reads them.
        retriever: "bm25", "dense", "hybrid" or an open `Retriever`; None: hybrid where the store has vectors.
        encoder: what made the store's vectors; the bundled one unless given.
        calibration: turns scores into probabilities; the reader's own unless given.
        context_size: characters of context around an answer.
    """

    def __init__(
        self,
        store: PassageStore,
        reader: PassageReader,
        *,
        retriever: Retriever | Kind | None = None,
        encoder: QueryEncoder | str | None = None,
        calibration: Calibration | None = None,
        context_size: int = CONTEXT_SIZE,
    ) -> None:
        self.store = store
        self.reader = reader
        self.retriever = (
            retriever if isinstance(retriever, Retriever) else Retriever(store, retriever, encoder)
        )
        self.calibration = calibration or reader.calibration
        self.context_size = context_size

    def ask(
        self,
        question: str,
        *,
        top_k: int = 5,
        retriever_top_k: int = 20,
        filters: Filters | None = None,
        threshold: float | None = None,
        early_stop: bool = True,
    ) -> QueryResult:
        """The answers to one question; see `ask_many`."""
        return self.ask_many(
            [question],
            top_k=top_k,
            retriever_top_k=retriever_top_k,
            filters=filters,
            threshold=threshold,
            early_stop=early_stop,
        )[0]

    def ask_many(
        self,
        questions: Sequence[str],
        *,
        top_k: int = 5,
        retriever_top_k: int = 20,
        filters: Filters | None = None,
        threshold: float | None = None,
        early_stop: bool = True,
    ) -> list[QueryResult]:
        """One result per question, in order; passages of all questions are read in shared batches.

        Args:
            questions: in any language.
            top_k: answers at most.
            retriever_top_k: passages retrieved and, unless reading stops early, read.
            filters: metadata that documents must have.
            threshold: least probability of an answer; None: what the calibration says.
            early_stop: leave passages unread that cannot change the best answer. Answers below the best
                one come from what was read: False reads everything and gives the best lower answers.

        Raises:
            ValueError: a question is empty, or a number is out of range.
            StoreError: the retriever needs vectors and the store has none, or another encoder's.
        """
        _check(questions, top_k, retriever_top_k, threshold)
        started = perf_counter()
        retrieved = self.retriever.retrieve(questions, retriever_top_k, filters)
        asked = [Asked(each, hits) for each, hits in zip(questions, retrieved, strict=True)]
        languages = self.store.languages()
        retrieve_ms = milliseconds_since(started) / max(len(asked), 1)
        read_all(asked, self.reader, self.calibration, early_stop)
        return [
            result_of(
                each,
                self.calibration,
                Quoter(self.store, self.context_size),
                top_k=top_k,
                threshold=threshold,
                language=detect(each.question, among=languages),
                retriever=self.retriever.kind,
                retrieve_ms=retrieve_ms,
            )
            for each in asked
        ]


def _check(questions: Sequence[str], top_k: int, retriever_top_k: int, threshold: float | None) -> None:
    for question in questions:
        if not question.strip():
            raise ValueError("The question is empty: ask something, as in 'When was the bridge built?'.")
    if top_k < 1 or retriever_top_k < 1:
        raise ValueError("top_k and retriever_top_k must be at least 1.")
    if threshold is not None and not 0.0 <= threshold <= 1.0:
        raise ValueError(f"threshold is a probability, from 0 to 1, not {threshold}.")
