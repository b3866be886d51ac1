"""The retriever alone: at which ranks it returns the passages that hold the answers."""

from collections.abc import Iterator
from time import perf_counter

from fundstelle.evaluation.collection import Places
from fundstelle.evaluation.datasets import Dataset
from fundstelle.evaluation.rows import Row
from fundstelle.pipelines.retrieval import Retriever

TOP_K = 100
SHOWN, BEGINNING = 3, 160


def search(dataset: Dataset, retriever: Retriever, places: Places, top_k: int = TOP_K) -> Iterator[Row]:
    """One row for every question that has an answer, in order; the others have no right passage to find."""
    for question in dataset.questions:
        if not question.golds:
            continue
        started = perf_counter()
        (hits,) = retriever.retrieve([question.text], top_k)
        spent = (perf_counter() - started) * 1000
        passages = [hit.passage for hit in hits]
        ranks, paragraph_rank = places.ranks(question, passages)
        yield Row.of(
            question,
            dataset.label,
            passage_ranks=tuple(ranks),
            paragraph_rank=paragraph_rank,
            retrieved=tuple(passage.text[:BEGINNING] for passage in passages[:SHOWN]),
            timings={"retrieve_ms": round(spent, 3)},
        )
