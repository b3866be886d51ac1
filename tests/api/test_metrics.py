"""What Prometheus is told."""

from fastapi.testclient import TestClient
from prometheus_client.parser import text_string_to_metric_families


def figures(client: TestClient) -> dict[tuple[str, tuple[tuple[str, str], ...]], float]:
    response = client.get("/metrics")
    assert response.headers["content-type"].startswith("text/plain; version=0.0.4")
    return {
        (sample.name, tuple(sorted(sample.labels.items()))): sample.value
        for family in text_string_to_metric_families(response.text)
        for sample in family.samples
    }


def test_requests_and_questions_are_counted(client: TestClient) -> None:
    """Requests count by route and status, questions by outcome, readings by their size."""
    client.post("/v1/query", json={"questions": ["When was the bridge built?", "zzz"]})
    client.get("/v1/documents/nothing")
    found = figures(client)
    labels = (("method", "POST"), ("path", "/v1/query"), ("status", "200"))
    assert found["fundstelle_requests_total", labels] == 1
    labels = (("method", "GET"), ("path", "/v1/documents/{document_id}"), ("status", "404"))
    assert found["fundstelle_requests_total", labels] == 1
    assert found["fundstelle_questions_total", (("outcome", "answer"),)] == 1
    assert found["fundstelle_questions_total", (("outcome", "no answer"),)] == 1
    assert found["fundstelle_question_seconds_count", (("stage", "read"),)] == 2
    assert found["fundstelle_batch_passages_sum", ()] >= 1
    assert found["fundstelle_waiting_jobs", ()] == found["fundstelle_requests_inside", ()] == 0
    assert found["fundstelle_reader_warm", ()] == 1


def test_paths_that_clients_make_up_are_not_remembered(client: TestClient) -> None:
    """A scan of a thousand paths makes one figure."""
    for number in range(20):
        client.get(f"/made/up/{number}")
    names = [labels for name, labels in figures(client) if name == "fundstelle_requests_total"]
    assert (("method", "unknown"), ("path", "unknown"), ("status", "404")) in names
    assert not any("made" in value for labels in names for _, value in labels)
