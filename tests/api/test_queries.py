"""Asking over HTTP: the command line's results, streams, limits, deadlines, refusals and clients that go away."""

import asyncio
import json
import threading
import time
from collections.abc import Callable
from typing import Any

import pytest
from fastapi.testclient import TestClient

from fundstelle.indexing.store import StoreError

BRIDGE = "When was the bridge built?"
OFFICE = "When did the office in Harbour Street open?"


def test_a_question_is_answered_by_a_quotation(client: TestClient) -> None:
    """The reply has the keys of `fundstelle ask --json`, and the offsets hold in the document."""
    result = client.post("/v1/query", json={"question": BRIDGE}).json()
    assert set(result) == {
        "question",
        "language",
        "retriever",
        "no_answer_probability",
        "answers",
        "passages",
        "timings",
    }
    answer = result["answers"][0]
    assert answer["text"] == "1923"
    document = client.get(f"/v1/documents/{answer['document_id']}").json()
    assert document["text"][answer["start"] : answer["end"]] == "1923"
    assert document["source"] == answer["source"] == "bridge.txt"


def test_several_questions_come_back_in_their_order(client: TestClient) -> None:
    """`questions` gives `results`, one each, in the order they were asked."""
    results = client.post("/v1/query", json={"questions": [BRIDGE, OFFICE, BRIDGE]}).json()["results"]
    assert [result["question"] for result in results] == [BRIDGE, OFFICE, BRIDGE]
    assert [result["answers"][0]["text"] for result in results] == ["1923", "1987", "1923"]


def test_options_reach_the_pipeline(client: TestClient) -> None:
    """top_k, retriever_top_k, filters, language, threshold and context_size do what they say."""
    ask = {"question": "Die Kantine in Harbour Street bridge öffnet built opened"}

    def found(**options: Any) -> list[dict[str, Any]]:
        answers: list[dict[str, Any]] = client.post("/v1/query", json=ask | options).json()["answers"]
        return answers

    assert len(found(top_k=2)) == 2
    assert len(found(retriever_top_k=1)) == 1
    assert [answer["source"] for answer in found(language="de")] == ["kantine.txt"]
    assert [answer["source"] for answer in found(filters={"source": ["bridge.txt"]})] == ["bridge.txt"]
    assert found(threshold=1.0) == []
    assert all(len(answer["context"]) <= 20 for answer in found(context_size=20))


def test_a_stream_has_a_line_for_each_question(client: TestClient) -> None:
    """NDJSON: a result a line, each with the number of its question."""
    response = client.post(
        "/v1/query", json={"questions": [BRIDGE, OFFICE]}, headers={"accept": "application/x-ndjson"}
    )
    assert response.headers["content-type"] == "application/x-ndjson"
    lines = [json.loads(line) for line in response.text.splitlines()]
    assert {line["index"]: line["answers"][0]["text"] for line in lines} == {0: "1923", 1: "1987"}


def test_given_texts_are_read_without_the_collection(client: TestClient) -> None:
    """/v1/read answers from the texts of the request, under the names they have."""
    texts = ["Nothing here.", {"id": "flyer", "text": "The fair opens on *3 May*."}, "It costs *5 euro*."]
    answers = client.post("/v1/read", json={"question": "When?", "texts": texts}).json()["answers"]
    assert {(answer["source"], answer["text"]) for answer in answers} == {("flyer", "3 May"), ("2", "5 euro")}


@pytest.mark.parametrize(
    ("path", "body", "code"),
    [
        ("/v1/query", {"question": "x" * 31}, "question-too-long"),
        ("/v1/query", {"questions": ["a", "b", "c"]}, "too-many-questions"),
        ("/v1/query", {"question": " \u2003\t"}, "invalid-request"),
        ("/v1/query", {"questions": []}, "invalid-request"),
        ("/v1/query", {}, "invalid-request"),
        ("/v1/read", {"question": "a", "texts": ["x" * 30, "y" * 30]}, "texts-too-long"),
        ("/v1/read", {"question": "a", "texts": []}, "invalid-request"),
    ],
)
def test_what_is_too_much_is_refused(
    new_client: Callable[..., TestClient], path: str, body: dict[str, Any], code: str
) -> None:
    """Questions and texts beyond their limits, and empty ones, are refused with a reason."""
    client = new_client(max_question_characters=30, max_questions=2, max_read_characters=50)
    response = client.post(path, json=body)
    assert response.status_code == 422
    assert response.json()["type"] == f"urn:fundstelle:problem:{code}"


def at_once(client: TestClient, count: int) -> tuple[list[threading.Thread], list[Any]]:
    """So many requests sent at the same time: the threads that wait, and where their responses come."""
    found: list[Any] = []

    def ask() -> None:
        found.append(client.post("/v1/query", json={"question": BRIDGE}))

    threads = [threading.Thread(target=ask) for _ in range(count)]
    for thread in threads:
        thread.start()
    return threads, found


def wait_until(true: Callable[[], bool]) -> None:
    while not true():
        time.sleep(0.01)


def test_concurrent_questions_share_batches(client: TestClient, reader: Any) -> None:
    """What gathers while the reader is busy is read together."""
    reader.free.clear()
    threads, found = at_once(client, 9)
    wait_until(lambda: client.app.state.service.answering.admission.inside == 9)  # type: ignore[attr-defined]
    time.sleep(0.3)
    reader.free.set()
    for thread in threads:
        thread.join()
    assert [response.json()["answers"][0]["text"] for response in found] == ["1923"] * 9
    assert max(reader.batches) > 1
    assert sum(reader.batches) >= 9 > len(reader.batches)


@pytest.mark.parametrize(
    ("limits", "status", "code"),
    [
        ({"max_waiting": 3}, 503, "overloaded"),
        ({"max_waiting_per_client": 3}, 429, "too-many-requests"),
    ],
)
def test_past_the_bound_requests_are_refused_at_once(
    new_client: Callable[..., TestClient], reader: Any, limits: dict[str, int], status: int, code: str
) -> None:
    """More requests than may wait get 503, more of one client 429, each with `Retry-After`; the others are answered."""
    client = new_client(**limits)
    reader.free.clear()
    threads, found = at_once(client, 3)
    wait_until(lambda: client.app.state.service.answering.admission.inside == 3)  # type: ignore[attr-defined]
    refused = client.post("/v1/query", json={"question": BRIDGE})
    assert refused.status_code == status
    assert refused.json()["type"] == f"urn:fundstelle:problem:{code}"
    assert int(refused.headers["retry-after"]) >= 1
    reader.free.set()
    for thread in threads:
        thread.join()
    assert [response.status_code for response in found] == [200] * 3
    assert client.post("/v1/query", json={"question": BRIDGE}).status_code == 200


def test_a_question_ends_at_its_deadline(new_client: Callable[..., TestClient], reader: Any) -> None:
    """A reader that does not come back costs the question, not the connection."""
    client = new_client(deadline_seconds=0.3)
    wait_until(lambda: client.get("/ready").is_success)
    reader.free.clear()
    late = client.post("/v1/query", json={"question": BRIDGE})
    assert (late.status_code, late.json()["type"]) == (503, "urn:fundstelle:problem:deadline-passed")
    assert "retry-after" in late.headers
    assert client.app.state.service.answering.admission.inside == 0  # type: ignore[attr-defined]


def test_a_stream_that_fails_on_its_way_ends_with_the_problem(
    new_client: Callable[..., TestClient], reader: Any
) -> None:
    """After a first line the status is sent; what goes wrong then is the last line."""
    client = new_client(deadline_seconds=1)
    read, hang = reader.read_batch, {OFFICE}

    def read_batch(requests: Any) -> Any:
        if any(question in hang for question, _ in requests):
            time.sleep(1.5)
        return read(requests)

    reader.read_batch = read_batch
    response = client.post(
        "/v1/query",
        json={"questions": [BRIDGE, OFFICE], "retriever_top_k": 1},
        headers={"accept": "application/x-ndjson"},
    )
    lines = [json.loads(line) for line in response.text.splitlines()]
    if response.status_code == 200:  # both may have been read together
        assert lines[0]["index"] == 0
        assert lines[-1]["type"] == "urn:fundstelle:problem:deadline-passed"
    else:
        assert lines[-1]["status"] == 503


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (StoreError("The store is away. Start it."), "store-unavailable"),
        (KeyError("secret"), "internal-error"),
    ],
)
def test_a_stream_ends_with_the_problem_whatever_it_is(
    client: TestClient, reader: Any, monkeypatch: pytest.MonkeyPatch, error: Exception, code: str
) -> None:
    """A store that goes away and a bug end a stream as they would answer a request, with a line of their own."""
    monkeypatch.setattr("fundstelle.api.batching.MOST_PASSAGES", 1)
    read, first_is_out = reader.read_batch, threading.Event()
    count = client.app.state.service.metrics.question  # type: ignore[attr-defined]

    def read_batch(requests: Any) -> Any:
        if any(question == OFFICE for question, _ in requests):
            assert first_is_out.wait(60)
            raise error
        return read(requests)

    def counted(result: Any) -> None:
        count(result)
        first_is_out.set()

    reader.read_batch = read_batch
    client.app.state.service.metrics.question = counted  # type: ignore[attr-defined]
    response = client.post(
        "/v1/query",
        json={"questions": [BRIDGE, OFFICE], "retriever_top_k": 1},
        headers={"accept": "application/x-ndjson"},
    )
    first, last = (json.loads(line) for line in response.text.splitlines())
    assert first["answers"][0]["text"] == "1923"
    assert last["type"] == f"urn:fundstelle:problem:{code}"
    assert "secret" not in response.text


def test_a_client_that_goes_away_stops_its_work(
    client: TestClient,
    reader: Any,
    posted: Callable[[str, str], dict[str, Any]],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Once the connection is closed, what waits to be read for it is dropped, and its place is free again."""
    monkeypatch.setattr("fundstelle.api.batching.MOST_PASSAGES", 1)
    app = client.app
    admission = app.state.service.answering.admission  # type: ignore[attr-defined]
    reader.free.clear()
    body = json.dumps({"questions": [f"{BRIDGE} {number}" for number in range(8)]}).encode()

    async def abandoned() -> None:
        gone = asyncio.Event()
        messages = iter([{"type": "http.request", "body": body, "more_body": False}])

        async def receive() -> Any:
            for message in messages:
                return message
            await gone.wait()
            return {"type": "http.disconnect"}

        async def send(message: Any) -> None:
            pass

        task = asyncio.create_task(app(posted("/v1/query", "application/json"), receive, send))
        while not reader.entered.is_set():
            await asyncio.sleep(0.01)
        assert admission.inside == 1
        await asyncio.sleep(0.2)
        gone.set()
        await asyncio.wait_for(task, None)

    assert client.portal
    client.portal.call(abandoned)
    assert admission.inside == admission.waiting == 0
    reader.free.set()
    assert client.post("/v1/query", json={"question": BRIDGE}).status_code == 200
    # Two reading threads had one question each when the client went; then came the other client's.
    assert sum(reader.batches) <= 3
