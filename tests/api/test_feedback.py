"""Marks of answers, and the SQuAD 2 file made of them, which the evaluation reads."""

import json
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient

from fundstelle.evaluation.datasets import load

BRIDGE = "When was the bridge built?"


def answer(client: TestClient, question: str = BRIDGE) -> dict[str, Any]:
    found: dict[str, Any] = client.post("/v1/query", json={"question": question}).json()["answers"][0]
    return found


def mark(
    client: TestClient, found: dict[str, Any], verdict: str, question: str = BRIDGE, **other: Any
) -> Any:
    place = {key: found[key] for key in ("document_id", "start", "end", "text")}
    return client.post("/v1/feedback", json={"question": question, "verdict": verdict, **place, **other})


def exported(client: TestClient, path: Path, **params: str) -> Any:
    """The export as the evaluation reads it."""
    response = client.get("/v1/feedback/export", params=params)
    assert "attachment" in response.headers["content-disposition"]
    path.write_bytes(response.content)
    return load(path)


def test_right_answers_become_gold_and_wrong_ones_impossible(client: TestClient, tmp_path: Path) -> None:
    """The evaluation reads the export; every gold answer stands where it says in its context."""
    found = answer(client)
    assert mark(client, found, "right").status_code == 201
    assert mark(client, found, "wrong", "Who built the bridge?").status_code == 201
    dataset = exported(client, tmp_path / "feedback.json")
    gold = {question.text: question.gold_texts for question in dataset.questions}
    assert gold == {BRIDGE: ["1923"], "Who built the bridge?": []}
    for question in dataset.questions:
        for one in question.golds:
            assert question.context[one.start : one.start + len(one.text)] == one.text


def test_one_question_over_one_passage_is_asked_once(client: TestClient, tmp_path: Path) -> None:
    """Right marks win over wrong ones, several are several gold answers, and an unknown right answer says nothing."""
    found = answer(client)
    longer = found | {"start": found["start"] - 4, "text": "in *1923"}
    longer = longer | {"start": found["start"] - 1, "text": "*1923"}
    for place, verdict in ((found, "wrong"), (found, "right"), (found, "right"), (longer, "right")):
        assert mark(client, place, verdict).status_code == 201
    assert mark(client, found, "wrong-span", "How long is it?").status_code == 201
    (question,) = exported(client, tmp_path / "feedback.json").questions
    assert sorted(question.gold_texts) == ["*1923", "1923"]


def test_marks_outlive_their_document(client: TestClient, tmp_path: Path) -> None:
    """What was marked is exported as it stood then, whatever became of the document."""
    found = answer(client)
    mark(client, found, "right")
    client.delete(f"/v1/documents/{found['document_id']}")
    assert exported(client, tmp_path / "feedback.json").questions[0].gold_texts == ["1923"]


def test_exports_can_be_of_one_language(client: TestClient, tmp_path: Path) -> None:
    """`language` keeps the passages in it, and names the file so that the evaluation knows."""
    mark(client, answer(client), "right")
    german = "Wann öffnet die Kantine?"
    mark(client, answer(client, german), "right", german)
    assert [q.text for q in exported(client, tmp_path / "feedback.de.json", language="de").questions] == [
        german
    ]
    assert len(exported(client, tmp_path / "all.json").questions) == 2


@pytest.mark.parametrize(
    ("change", "status"),
    [
        ({"document_id": "0"}, 404),
        ({"text": "1924"}, 409),
        ({"start": 10_000, "end": 10_004}, 409),
        ({"end": 0, "start": 0}, 422),
        ({"start": 9, "end": 9}, 409),
        ({"end": 100_000}, 409),
    ],
)
def test_only_what_stands_there_can_be_marked(
    client: TestClient, change: dict[str, Any], status: int
) -> None:
    """A place that is not in the document, or that says something else by now, is refused."""
    assert mark(client, answer(client) | change, "right").status_code == status
    assert client.get("/v1/feedback/export").json()["data"] == []


def test_a_mark_can_be_taken_back(client: TestClient) -> None:
    """A mark that is deleted is exported no more."""
    made = mark(client, answer(client), "right").json()
    assert client.delete(f"/v1/feedback/marks/{made['id']}").status_code == 204
    assert client.delete(f"/v1/feedback/marks/{made['id']}").status_code == 404
    assert client.get("/v1/feedback/export").json() == {"version": "v2.0", "data": []}


def test_any_text_can_be_marked(client: TestClient, tmp_path: Path) -> None:
    """Questions and comments in any script come back as they were."""
    question = "كم يبلغ طول الجسر؟ 橋の長さは？ 👩‍👩‍👧"
    assert mark(client, answer(client), "right", question, comment="„ja“").status_code == 201
    assert [q.text for q in exported(client, tmp_path / "feedback.json").questions] == [question]
    assert json.loads((tmp_path / "feedback.json").read_text(encoding="utf-8"))
