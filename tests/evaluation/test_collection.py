"""Collections made of a data set, and where their answers are."""

from collections.abc import Callable
from pathlib import Path

import pytest

from fundstelle.evaluation.collection import ForeignPlaces, opened
from fundstelle.evaluation.datasets import Dataset, Gold, Question
from fundstelle.evaluation.searching import search
from fundstelle.indexing.documents import Passage
from fundstelle.pipelines.retrieval import Retriever
from fundstelle.reader import bundle

RHINE = "Der Rhein entspringt in den Alpen und mündet in die Nordsee."
DANUBE = "Die Donau entspringt im Schwarzwald und mündet in das Schwarze Meer."
LONG = (
    " ".join(f"Die Elbe fließt durch die Stadt Nummer {number}." for number in range(120))
    + " Sie endet in Cuxhaven."
)


def dataset(*parts: tuple[str, str, str]) -> Dataset:
    questions = (
        Question(str(number), text, context, (Gold(gold, context.index(gold)),) if gold else ())
        for number, (text, context, gold) in enumerate(parts)
    )
    return Dataset("rivers.de", "2.0", tuple(questions), "de")


@pytest.fixture
def rivers() -> Dataset:
    return dataset(
        ("Wo mündet der Rhein?", RHINE, "die Nordsee"),
        ("Wo mündet die Donau?", DANUBE, "das Schwarze Meer"),
        ("Wo mündet die Oder?", DANUBE, ""),
        ("Wo endet die Elbe, in Cuxhaven?", LONG, "Cuxhaven"),
    )


@pytest.fixture
def tokenizer() -> Path:
    path = bundle.path() / bundle.TOKENIZER
    if not path.is_file():
        pytest.skip("the bundled reader's tokenizer is not here")
    return path


def test_a_fresh_collection_finds_its_contexts(rivers: Dataset, tokenizer: Path) -> None:
    """Each answerable question gets a row with the ranks of its passages; others have none to find."""
    with opened(rivers, None, tokenizer) as (store, places):
        rows = list(search(rivers, Retriever(store, "bm25"), places))
    assert [row.id for row in rows] == ["0", "1", "3"]
    assert all(row.passage_ranks == (1,) and row.paragraph_rank == 1 for row in rows)
    assert rows[0].retrieved[0] == RHINE and rows[0].timings["retrieve_ms"] >= 0


def test_only_passages_with_an_answer_count(rivers: Dataset, tokenizer: Path) -> None:
    """A passage of the right paragraph that does not hold the answer raises the paragraph's rank alone."""
    with opened(rivers, None, tokenizer) as (store, places):
        passages = [one for one in store.passages() if one.text[:8] == LONG[:8] or "Elbe" in one.text]
        assert len(passages) > 1
        ranks, paragraph = places.ranks(rivers.questions[3], passages[:1])
        assert (list(ranks), paragraph) == ([None], 1)
        ranks, paragraph = places.ranks(rivers.questions[3], passages)
        assert (list(ranks), paragraph) == ([len(passages)], 1)


def test_nothing_retrieved_is_a_miss(rivers: Dataset, tokenizer: Path) -> None:
    """Without a single hit every right passage is missed."""
    with opened(rivers, None, tokenizer) as (_, places):
        assert places.ranks(rivers.questions[0], []) == ([None], None)


def test_a_foreign_collection_is_recognised_by_its_text() -> None:
    """Where somebody else split the texts, the passage that quotes the answer in its surroundings is right."""
    question = dataset(("Wo mündet der Rhein?", RHINE, "die Nordsee")).questions[0]
    other = Passage("1", "a", "Ferien an die Nordsee sind schön.", 0, "a")
    right = Passage("2", "b", f"Ein Satz davor.  {RHINE}\nEin Satz danach.", 0, "b")
    half = Passage("3", "c", "Der Rhein entspringt", 0, "c")
    assert ForeignPlaces().ranks(question, [other, right]) == ([2], 2)
    assert ForeignPlaces().ranks(question, [other, half]) == ([None], 2)
    assert ForeignPlaces().ranks(question, [other]) == ([None], None)


def test_a_store_of_the_users_is_searched(
    rivers: Dataset, tokenizer: Path, tmp_path: Path, store_of: Callable[[Path, list[str]], str]
) -> None:
    """With an address, that store is searched instead of a fresh one."""
    address = store_of(tmp_path / "store", [DANUBE, RHINE])
    with opened(rivers, address, tokenizer) as (store, places):
        rows = list(search(rivers, Retriever(store, "bm25"), places))
    assert [row.passage_ranks for row in rows] == [(1,), (1,), (None,)]
