"""The whole system over a small collection."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from fundstelle.evaluation import metrics
from fundstelle.evaluation.answering import Answering, answer
from fundstelle.evaluation.collection import ForeignPlaces
from fundstelle.evaluation.datasets import Dataset, Gold, Question
from fundstelle.evaluation.figures import figures
from fundstelle.indexing.embedded import EmbeddedStore
from fundstelle.pipelines.retrieval import Retriever

TEXTS = {
    "Rhein": "Der Rhein mündet bei Hoekvanholland.",
    "Donau": "Die Donau mündet hinter Tulcea.",
    "Elbe": "Die Elbe mündet bei Cuxhaven.",
}


@pytest.fixture
def dataset() -> Dataset:
    def question(number: int, river: str, gold: str) -> Question:
        context = TEXTS[river]
        golds = (Gold(gold, context.index(gold)),) if gold else ()
        return Question(str(number), f"Wo mündet die {river}?", context, golds)

    asked = [("Rhein", "Hoekvanholland"), ("Donau", "hinter Tulcea"), ("Elbe", "")]
    return Dataset("rivers.de", "2.0", tuple(question(at, *one) for at, one in enumerate(asked)), "de")


@pytest.fixture
def rows(
    dataset: Dataset, reader: Any, tmp_path: Path, store_of: Callable[[Path, list[str]], str]
) -> Callable[..., list[Any]]:
    """Runs the whole system with the given settings."""
    address = store_of(tmp_path / "store", list(TEXTS.values()))

    def run(**settings: Any) -> list[Any]:
        with EmbeddedStore.open(address) as store:
            how = Answering(**settings)
            return list(
                answer(
                    dataset, Retriever(store, "bm25"), ForeignPlaces(), reader, metrics.metric("squad"), how
                )
            )

    return run


def test_rows_hold_the_answer_and_its_ceiling(rows: Callable[..., list[Any]]) -> None:
    """A row has the best answer, its place, its rank among answers, and what the right passage alone gives."""
    first, second, _ = rows()
    assert (first.forced, first.exact, first.answer_rank, first.ceiling_exact) == ("Hoekvanholland", 1, 1, 1)
    quotation = first.quotation
    assert quotation.context[quotation.start : quotation.end] == "Hoekvanholland"
    assert first.passage_ranks == (1,) and first.paragraph_rank == 1 and first.passages_read >= 1
    assert set(first.timings) == {"retrieve_ms", "read_ms", "total_ms"}
    assert second.forced == "hinter" and second.f1 == pytest.approx(2 / 3) and second.answer_rank is None


def test_a_threshold_turns_unsure_answers_into_none(rows: Callable[..., list[Any]]) -> None:
    """Below the threshold the prediction is empty, while the best span and its probability stay known."""
    sure, unsure = rows(threshold=0.0)[0], rows(threshold=1.0)[0]
    assert sure.prediction == sure.forced == unsure.forced and unsure.prediction == ""
    assert unsure.probability == sure.probability and unsure.exact == 0


def test_only_the_passages_of_the_question_are_counted(rows: Callable[..., list[Any]]) -> None:
    """Reading the right passage for the ceiling is not counted as a passage read."""
    assert all(row.passages_read == 1 for row in rows(retriever_top_k=1))


def test_figures_of_the_whole_system(rows: Callable[..., list[Any]]) -> None:
    """Top-n accuracy, the loss to the ceiling and the quality of "no answer" are averages over the rows."""
    found = figures(rows(threshold=1.0))
    assert found["top_5_exact"] == 50 and found["ceiling_exact"] == 50 and found["loss_exact"] == 0
    assert found["loss_f1"] == pytest.approx(0)
    assert found["no_answer_recall"] == 100 and found["no_answer_precision"] == pytest.approx(100 / 3)
    assert found["NoAns_exact"] == 100 and found["HasAns_exact"] == 0
