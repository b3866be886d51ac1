"""FARM's endpoints: the list of models and inference, in the shape of FARM 0.8."""

import json
import math
from collections.abc import Iterator
from typing import Any

import pytest
from fastapi.testclient import TestClient

from fundstelle.api import create_app
from fundstelle.api.settings import Settings
from fundstelle.compat.farm import Inferencer

TEXT = "The bridge was built in 1923. It is blue."
BRIDGE, OWNER = "When was the bridge built?", "Who owns the railway of Lyon?"


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TestClient]:
    folder = tmp_path_factory.mktemp("farm")
    settings = Settings(store=str(folder / "store"), data=folder / "data", compat="farm", max_questions=3)
    with TestClient(create_app(settings), base_url="http://127.0.0.1") as opened:
        yield opened


def infer(client: TestClient, *inputs: dict[str, Any]) -> list[dict[str, Any]]:
    reply = client.post("/models/1/inference", json={"input": inputs})
    assert reply.status_code == 200, reply.text
    assert (set(reply.json()), reply.json()["task"]) == ({"task", "predictions"}, "qa")
    predictions: list[dict[str, Any]] = reply.json()["predictions"]
    return predictions


def test_the_one_model_is_listed(client: TestClient) -> None:
    """With its id, name, type of prediction and language."""
    (model,) = client.get("/models").json()
    assert set(model) == {"id", "name", "prediction_type", "language"}
    assert model["name"] == "fundstelle-small"


def test_one_question_gives_the_result_farm_gave(client: TestClient) -> None:
    """All fields, numbers as numbers; the same answers as the Inferencer in Python gives."""
    (prediction,) = infer(client, {"questions": [BRIDGE], "text": TEXT, "id": "t"})
    assert set(prediction) == {"question", "id", "ground_truth", "answers", "no_ans_gap"}
    best = prediction["answers"][0]
    assert best == {
        "score": best["score"],
        "probability": None,
        "answer": "1923",
        "offset_answer_start": 24,
        "offset_answer_end": 28,
        "context": TEXT,
        "offset_context_start": 0,
        "offset_context_end": len(TEXT),
        "document_id": "t",
    }
    assert math.isfinite(best["score"])
    assert prediction["no_ans_gap"] > 0
    (expected,) = Inferencer.load().inference_from_dicts([{"questions": [BRIDGE], "text": TEXT, "id": "t"}])
    assert [each["answer"] for each in prediction["answers"]] == [
        each["answer"] for each in expected["predictions"][0]["answers"]
    ]


def test_no_answer_has_its_literal(client: TestClient) -> None:
    """ "no_answer", an empty context and places 0 to 0."""
    (prediction,) = infer(client, {"qas": [OWNER], "context": TEXT})
    best = prediction["answers"][0]
    assert (best["answer"], best["context"], best["offset_answer_end"]) == ("no_answer", "", 0)
    assert prediction["no_ans_gap"] < 0


def test_every_question_of_every_text_is_answered(client: TestClient) -> None:
    """FARM gave the first result alone; here `predictions` holds all, in order, also in SQuAD's shape."""
    labelled = {"question": OWNER, "id": "q", "answers": [{"text": "blue", "answer_start": 36}]}
    predictions = infer(
        client, {"questions": [BRIDGE, OWNER], "text": TEXT}, {"qas": [labelled], "context": TEXT}
    )
    assert [each["question"] for each in predictions] == [BRIDGE, OWNER, OWNER]
    assert [each["id"] for each in predictions] == ["0-0", "0-1", "q"]
    assert predictions[2]["ground_truth"] == labelled["answers"]


@pytest.mark.parametrize(
    ("path", "body", "status", "said"),
    [
        ("/models/2/inference", {"input": [{"questions": [BRIDGE], "text": TEXT}]}, 404, "GET /models"),
        ("/models/1/inference", {"input": []}, 422, "input"),
        ("/models/1/inference", {"input": [{"questions": [BRIDGE]}]}, 422, "text"),
        ("/models/1/inference", {"input": [{"text": TEXT}]}, 422, "questions"),
        ("/models/1/inference", {"input": [{"questions": [7], "text": TEXT}]}, 422, "strings"),
        ("/models/1/inference", {"input": [{"questions": None, "text": TEXT}]}, 422, "questions"),
        ("/models/1/inference", {"input": [{"qas": [{"id": "q"}], "context": TEXT}]}, 422, "question"),
        ("/models/1/inference", {"input": [{"questions": ["\ud800"], "text": TEXT}]}, 422, "surrogate"),
        (
            "/models/1/inference",
            {"input": [{"questions": [BRIDGE], "text": TEXT, "id": "\ud800"}]},
            422,
            "surrogate",
        ),
        ("/models/1/inference", {"input": [{"questions": [BRIDGE] * 4, "text": TEXT}]}, 413, "at most 3"),
        ("/models/1/inference", {"input": [{"questions": [BRIDGE], "text": "x" * 200_001}]}, 413, "200,000"),
    ],
)
def test_wrong_requests_are_refused(
    client: TestClient, path: str, body: dict[str, Any], status: int, said: str
) -> None:
    """With a sentence that says what is wrong."""
    reply = client.post(path, content=json.dumps(body), headers={"content-type": "application/json"})
    assert reply.status_code == status
    assert said in reply.json()["detail"]
