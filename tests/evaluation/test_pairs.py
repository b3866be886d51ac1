"""Questions in one language over parallel contexts in another."""

import pytest

from fundstelle.evaluation.datasets import Dataset, DatasetError, Gold, Question

GERMAN = "Die Donau mündet ins Schwarze Meer."
ENGLISH = "The Danube flows into the Black Sea."


def dataset(name: str, language: str, context: str, asked: str, answer: str) -> Dataset:
    question = Question("1", asked, context, (Gold(answer, context.index(answer)),))
    return Dataset(name, "1.1", (question,), language)


def test_questions_are_asked_over_parallel_contexts() -> None:
    """Texts come from one file, contexts and answers from the other; the pair of languages is named."""
    german = dataset("x.de", "de", GERMAN, "Wohin mündet die Donau?", "Schwarze Meer")
    english = dataset("x.en", "en", ENGLISH, "Where does the Danube flow?", "Black Sea")
    both = english.asked_by(german)
    assert (both.name, both.label, both.language) == ("x.de@x.en", "de>en", "en")
    assert (both.questions[0].text, both.questions[0].gold_texts) == (
        "Wohin mündet die Donau?",
        ["Black Sea"],
    )
    assert english.asked_by(english).label == "en"


def test_files_that_are_not_parallel_are_refused() -> None:
    """Without a common id there is nothing to ask."""
    german = dataset("x.de", "de", GERMAN, "Wohin?", "Meer")
    with pytest.raises(DatasetError, match="not parallel"):
        Dataset("y", "1.1", (Question("2", "?", "c", ()),)).asked_by(german)
