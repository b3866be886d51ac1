"""Observing: which questions are asked of which collection, and what is kept of the reading."""

import json
from collections.abc import Sequence
from pathlib import Path

import pytest

from fundstelle.evaluation.datasets import Dataset, Gold, Question, load
from fundstelle.reader import bundle
from fundstelle.reader.readings import Reading, Span, Text
from fundstelle.training.observations import Observation, choose, observe_files, read_back, save


def dataset(paragraphs: int) -> Dataset:
    """Every paragraph has a question that it answers and one that it does not."""
    questions = []
    for number in range(paragraphs):
        context = f"The bridge of Ort{number} is {number} metres long."
        gold = Gold(f"{number} metres", context.index(f"{number} metres"))
        questions.append(Question(f"a{number}", f"How long is the bridge of Ort{number}?", context, (gold,)))
        questions.append(Question(f"u{number}", f"How old is the bridge of Ort{number}?", context, ()))
    return Dataset("bridges", "2.0", tuple(questions), "en")


class FirstWords:
    """Reads nothing but the beginning."""

    def __init__(self, tokenizer_path: Path | None):
        self.tokenizer_path = tokenizer_path

    def read_batch(self, requests: Sequence[tuple[str, Sequence[Text]]]) -> list[list[Reading]]:
        return [[Reading(one.id, (Span(0, 3, 1.0),), 0.5) for one in passages] for _, passages in requests]


def test_questions_are_of_three_kinds() -> None:
    """Some have their answer in the collection, some in no paragraph, some in one that was left out."""
    asking = choose(dataset(100), 50, paragraphs=60)
    present = set(asking.collection.contexts)
    assert len(present) == 60
    inside = [one for one in asking.questions if one.context in present]
    assert len(asking.questions) == 50
    assert len([one for one in inside if not one.golds]) == 5
    assert len([one for one in asking.questions if one.context not in present and one.golds]) == 5
    assert len([one for one in inside if one.golds]) == 40


def test_the_same_seed_chooses_the_same() -> None:
    """A calibration can be fitted again on the same questions, and on others."""
    assert choose(dataset(50), 20) == choose(dataset(50), 20)
    assert choose(dataset(50), 20, seed=1) != choose(dataset(50), 20)


def test_a_small_data_set_is_used_as_far_as_it_goes() -> None:
    """Fewer paragraphs or questions than wanted are no error."""
    assert len(choose(dataset(1), 80).questions) == 2
    assert choose(dataset(0), 80).questions == ()


def test_observations_hold_all_that_fitting_needs(tmp_path: Path) -> None:
    """Question, gold answers, hits and readings of every file, in turn; and a file keeps them as they are."""
    if not (bundle.path() / bundle.TOKENIZER).is_file():
        pytest.skip("the bundled reader's tokenizer is not in this checkout")
    files = [tmp_path / name for name in ("one.en.json", "two.en.json")]
    for file in files:
        file.write_text(json.dumps(squad(dataset(10))), encoding="utf-8")
    assert len(load(files[0]).questions) == 20
    reader = FirstWords(bundle.path() / bundle.TOKENIZER)
    found = list(observe_files(files, reader, None, 6))
    assert [one.dataset for one in found[:4]] == ["one.en", "two.en", "one.en", "two.en"]
    for one in found:
        assert [reading.passage_id for reading in one.readings] == [hit.passage.id for hit in one.hits]
        assert one.hits and (one.golds or not one.answered)
    save(found[:3], tmp_path / "observations.jsonl")
    save(found[3:], tmp_path / "observations.jsonl")
    assert read_back(tmp_path / "observations.jsonl") == found
    assert isinstance(found[0], Observation)


def test_a_reader_without_a_tokenizer_is_refused() -> None:
    """Passages are cut by the reader's tokens, so it must say what these are."""
    with pytest.raises(ValueError, match=r"tokenizer\.json"):
        list(observe_files([], FirstWords(None), None, 5))


def squad(data: Dataset) -> dict[str, object]:
    paragraphs = [
        {
            "context": one.context,
            "qas": [
                {
                    "id": one.id,
                    "question": one.text,
                    "is_impossible": not one.golds,
                    "answers": [{"text": gold.text, "answer_start": gold.start} for gold in one.golds],
                }
            ],
        }
        for one in data.questions
    ]
    return {"version": data.version, "data": [{"title": "t", "paragraphs": paragraphs}]}
