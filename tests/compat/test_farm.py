"""FARM's Inferencer: inputs, the three shapes of output, and how answers are ranked."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from fundstelle.compat.farm import Inferencer, QAInput, QAPred, Question
from fundstelle.compat.farm_results import surroundings

TEXT = "john is in paris and rome"
REST = {"questions": ["who", "who is"], "text": TEXT, "id": "t"}
SQUAD = {
    "qas": [{"question": "who", "id": "q1", "answers": [{"text": "john", "answer_start": 0}]}],
    "context": TEXT,
}


@pytest.fixture
def inferencer(scripted: Any, bert_like: Any) -> Callable[..., Inferencer]:
    """Prefers "paris" by 6 + 6, then "rome" by 4 + 4; the null answer is worth 3 + 3."""

    def make(**options: Any) -> Inferencer:
        scores = {"paris": 6.0, "rome": 4.0, "[CLS]": 3.0}
        sizes = {"max_seq_len": 40, "doc_stride": 8, "max_query_length": 16} | options
        return Inferencer(scripted(bert_like(), scores, scores), **sizes)

    return make


def test_the_last_versions_shape(inferencer: Callable[..., Inferencer]) -> None:
    """One result per text and question, with scores, offsets, context, ids and the gap to no answer."""
    results = inferencer().inference_from_dicts([REST])
    assert [result["predictions"][0]["question"] for result in results] == ["who", "who is"]
    (prediction,) = results[0]["predictions"]
    assert (results[0]["task"], prediction["id"], prediction["ground_truth"]) == ("qa", "t", None)
    assert prediction["no_ans_gap"] == pytest.approx(12 - 6)
    assert prediction["answers"][0] == {
        "score": 12.0,
        "probability": None,
        "answer": "paris",
        "offset_answer_start": 11,
        "offset_answer_end": 16,
        "context": TEXT,
        "offset_context_start": 0,
        "offset_context_end": len(TEXT),
        "document_id": "t",
    }
    none = next(each for each in prediction["answers"] if each["answer"] == "no_answer")
    assert (none["score"], none["context"], none["offset_answer_end"]) == (6.0, "", 0)
    assert len(prediction["answers"]) == 5


def test_the_shape_of_0_4_3(inferencer: Callable[..., Inferencer]) -> None:
    """`rest_api_schema=True` numbers questions and writes no answer as None; False gives tokens."""
    given = [{"questions": ["who", "who is"], "text": TEXT, "document_id": "d"}]
    (prediction,) = inferencer().inference_from_dicts(dicts=given, rest_api_schema=True)[1]["predictions"]
    assert prediction["question_id"] == 1
    assert {(each["document_id"], each["probability"]) for each in prediction["answers"]} == {("d", -1)}
    assert [each["context"] for each in prediction["answers"] if each["answer"] is None] == [None]
    (found,) = inferencer().inference_from_dicts([SQUAD], rest_api_schema=False)
    assert (found["id"], found["preds"][0]) == ("q1", ["paris", 3, 3, 12.0])
    assert ["", -1, -1, 6.0] in found["preds"]


def test_files_objects_and_streams_give_the_same(
    inferencer: Callable[..., Inferencer], tmp_path: Path
) -> None:
    """A SQuAD file, objects and a stream are answered like dictionaries; labels come back."""
    expected = inferencer().inference_from_dicts([SQUAD])
    assert expected[0]["predictions"][0]["ground_truth"] == [{"text": "john", "answer_start": 0}]
    file = tmp_path / "squad.json"
    file.write_text(json.dumps({"data": [{"paragraphs": [SQUAD]}]}))
    assert inferencer().inference_from_file(file) == expected
    streamed = inferencer().inference_from_dicts(iter([SQUAD]), streaming=True, multiprocessing_chunksize=1)
    assert not isinstance(streamed, list)
    assert list(streamed) == expected
    objects = [QAInput(doc_text=TEXT, questions=Question("who", uid="q1"))]
    (answer,) = inferencer().inference_from_objects(objects, return_json=False)
    assert isinstance(answer, QAPred)
    assert answer.to_json()["predictions"][0]["answers"] == expected[0]["predictions"][0]["answers"]
    inferencer().close_multiprocessing_pool()


def test_the_head_can_be_set(inferencer: Callable[..., Inferencer]) -> None:
    """A boost of more than the gap makes no answer the first; `n_best` cuts the list."""
    nlp = inferencer()
    nlp.model.prediction_heads[0].no_ans_boost = 6.5
    nlp.model.prediction_heads[0].n_best = 2
    (prediction,) = nlp.inference_from_dicts([SQUAD])[0]["predictions"]
    assert [each["answer"] for each in prediction["answers"]] == ["no_answer", "paris"]
    assert prediction["no_ans_gap"] == pytest.approx(-0.5)


def test_long_texts_are_read_to_their_end(inferencer: Callable[..., Inferencer]) -> None:
    """Windows start `doc_stride` tokens apart whatever the question's length, and offsets count from the text."""
    text = "river " * 60 + "paris"
    nlp = inferencer(doc_stride=16)
    (first, second) = nlp.inference_from_dicts([{"questions": ["who", "who is the son"], "text": text}])
    for result in (first, second):
        best = result["predictions"][0]["answers"][0]
        assert (best["answer"], best["offset_answer_start"]) == ("paris", 360)
    starts = {window.window.first for window in nlp._settled(2).window_logits([("who is", [_Text(text)])])}
    assert starts == {0, 16, 32}


class _Text:
    id = "t"

    def __init__(self, text: str) -> None:
        self.text = text


def test_blank_texts_have_no_answer(inferencer: Callable[..., Inferencer]) -> None:
    """A text without a visible character gives no answer, and no error."""
    (prediction,) = inferencer().inference_from_dicts([{"questions": ["who"], "text": " "}])[0]["predictions"]
    assert [each["answer"] for each in prediction["answers"]] == ["no_answer"]


def test_wrong_input_is_refused(inferencer: Callable[..., Inferencer]) -> None:
    """Missing texts, other tasks and lengths that leave text unread are named."""
    with pytest.raises(KeyError, match="context, text"):
        inferencer().inference_from_dicts([{"questions": ["who"]}])
    with pytest.raises(ValueError, match="question_answering"):
        Inferencer.load(task_type="embeddings")
    with pytest.raises(ValueError, match="lower it"):
        inferencer(doc_stride=22)


@pytest.mark.parametrize(
    ("place", "expected"),
    [((50, 60), (45, 65)), ((0, 5), (0, 20)), ((95, 100), (80, 100)), ((10, 90), (10, 90))],
)
def test_context_is_centred_inside_the_text(place: tuple[int, int], expected: tuple[int, int]) -> None:
    """The window is moved into the text, and grows to hold a long answer."""
    assert surroundings(*place, 100, 20) == expected
