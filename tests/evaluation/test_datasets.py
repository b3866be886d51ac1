"""Files in SQuAD format and what is said about bad ones."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fundstelle.evaluation.datasets import SHOWN, DatasetError, Gold, language_in, load, nearest

Write = Callable[..., Path]
PLACE = "data[0].paragraphs[0].qas[0]"


def test_questions_are_read_with_everything_about_them(write: Write) -> None:
    """Questions come in the file's order with context, title, gold answers, version and language."""
    dataset = load(write({"id": "a", "answers": (("Köln", 21),)}, {"id": "b", "answers": (("Rhein", 4),)}))
    assert [one.id for one in dataset.questions] == ["a", "b"]
    assert dataset.questions[0].golds == (Gold("Köln", 21),)
    assert dataset.questions[0].title == "Flüsse"
    assert (dataset.name, dataset.version, dataset.language) == ("river.de", "1.1", "de")
    assert len(dataset.contexts) == 1 and not dataset.has_unanswerable


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        (
            {"answers": (("Köln", 22),)},
            f"{PLACE}.answers[0].answer_start: 'Köln' does not stand at 22 but at 21",
        ),
        ({"answers": (("Bonn", 0),)}, "'Bonn' does not stand at 0 but nowhere in the context"),
        ({"answers": (("Köln", -1),)}, "does not stand at -1"),
        ({"answers": (("Köln", True),)}, "answer_start: expected a whole number, found true or false"),
        ({"answers": {"text": ["Köln"]}}, f"{PLACE}.answers: expected a list, found an object"),
        ({"answers": ["Köln"]}, f"{PLACE}.answers[0]: expected an object, found a string"),
        ({"answers": [{"answer_start": 3}]}, f"{PLACE}.answers[0].text: missing"),
        ({"id": 7}, f"{PLACE}.id: expected a string, found a whole number"),
        ({"question": None}, f"{PLACE}.question: expected a string, found null"),
        ({"answers": ()}, f"{PLACE}.answers: empty, but is_impossible does not say so"),
        ({"is_impossible": True}, f"{PLACE}.is_impossible: true, but there are answers"),
        ({"answers": (), "is_impossible": False}, f"{PLACE}.is_impossible: false, but there is no answer"),
        ({"answers": (), "is_impossible": True}, "true in a file whose version is 1.x"),
        ({"is_impossible": "no"}, f"{PLACE}.is_impossible: expected true or false, found a string"),
    ],
)
def test_a_problem_is_named_with_its_place(write: Write, changes: dict[str, Any], said: str) -> None:
    """Each kind of bad input is refused in a sentence that says where in the file it stands."""
    path = write({"id": "a", "answers": (("Köln", 21),)} | changes)
    with pytest.raises(DatasetError) as caught:
        load(path)
    assert said in str(caught.value) and str(path) in str(caught.value)


def test_an_id_used_twice_is_refused(write: Write) -> None:
    """A second question with the same id is named, with the place of the first."""
    path = write({"id": "a", "answers": (("Köln", 21),)}, {"id": "a", "answers": (("Rhein", 4),)})
    with pytest.raises(DatasetError, match=r"qas\[1\]\.id: 'a' was used before, at .*qas\[0\]"):
        load(path)


def test_mixed_versions_are_refused(write: Write) -> None:
    """Questions with the marks of SQuAD 2.0 beside questions without are named."""
    marked = {"id": "a", "answers": (), "is_impossible": True}
    path = write(marked, {"id": "b", "answers": (("Rhein", 4),)}, version="v2.0")
    with pytest.raises(DatasetError, match=r"versions are mixed: .*qas\[0\] has .*qas\[1\] has not"):
        load(path)


def test_many_problems_are_all_counted(write: Write) -> None:
    """A file with very many problems lists the first ones and counts the rest."""
    path = write(*({"id": str(number), "answers": (("Köln", 0),)} for number in range(SHOWN + 5)))
    with pytest.raises(DatasetError, match=rf"{SHOWN + 5} problems:(\n.*)+\n  and 5 more"):
        load(path)


def test_wrong_offsets_are_repaired_on_request_and_counted(write: Write) -> None:
    """Repair moves an answer to its nearest occurrence and counts it; what stands nowhere is refused."""
    dataset = load(write({"id": "a", "answers": (("Köln", 26), ("Rhein", 4))}), offsets="repair")
    assert dataset.questions[0].golds == (Gold("Köln", 27), Gold("Rhein", 4))
    assert dataset.repaired == 1
    with pytest.raises(DatasetError, match="nowhere"):
        load(write({"id": "a", "answers": (("Bonn", 4),)}), offsets="repair")


def test_wrong_offsets_can_be_reported_only(write: Write) -> None:
    """Scoring, which needs no offsets, gets the file as it is and a note for each wrong one."""
    dataset = load(write({"id": "a", "answers": (("Köln", 26),)}), offsets="report")
    assert dataset.questions[0].golds == (Gold("Köln", 26),)
    assert len(dataset.notes) == 1 and PLACE in dataset.notes[0]


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b'{"data": [,]}', "line 1, column 11"),
        (b'{"version": "1.1"}', "not in SQuAD format"),
        (b"[]", "not in SQuAD format"),
        (b'{"data": []}', "holds no question"),
        (b'{"data": {}}', "data: expected a list, found an object"),
        (b"\xff\xfe\x00", "not UTF-8"),
    ],
)
def test_what_is_no_squad_file_is_refused(tmp_path: Path, content: bytes, said: str) -> None:
    """Anything but a SQuAD-format file is refused with the reason."""
    path = tmp_path / "bad.json"
    path.write_bytes(content)
    with pytest.raises(DatasetError, match=said):
        load(path)


def test_a_missing_file_is_a_sentence(tmp_path: Path) -> None:
    """A file that is not there is named."""
    with pytest.raises(DatasetError, match=r"none\.json cannot be read"):
        load(tmp_path / "none.json")


@pytest.mark.parametrize(
    ("stem", "language"),
    [
        ("xquad.de", "de"),
        ("xquad.zh-Hant", "zh-Hant"),
        ("mlqa.de.es.dev", "de"),
        ("test-context-ar-question-es", "ar"),
        ("squad2-dev-a", "und"),
        ("dev-v2.0", "und"),
    ],
)
def test_the_language_is_in_the_name(stem: str, language: str) -> None:
    """The language of the contexts is read from the names of XQuAD's and MLQA's files and never guessed."""
    assert language_in(stem) == language


@given(st.text(alphabet="ab", max_size=20), st.text(alphabet="ab", max_size=3), st.integers(-5, 25))
def test_nearest_is_a_nearest_place(context: str, text: str, start: int) -> None:
    """The place found holds the text and no other place that does is closer, overlaps included."""
    places = [place for place in range(len(context)) if text and context.startswith(text, place)]
    found = nearest(text, context, start)
    assert (found is None) == (not places)
    if found is not None:
        assert found in places and abs(found - start) == min(abs(place - start) for place in places)


def test_the_shared_sets_are_sound(shared: Path) -> None:
    """Every visible evaluation set is read without a problem."""
    counts = {path.stem: len(load(path).questions) for path in sorted((shared / "eval").glob("*.json"))}
    stated = {
        path.stem: sum(
            len(paragraph["qas"])
            for article in json.loads(path.read_text("utf-8"))["data"]
            for paragraph in article["paragraphs"]
        )
        for path in sorted((shared / "eval").glob("*.json"))
    }
    assert counts == stated and len(counts) >= 7
