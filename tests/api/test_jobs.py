"""The queue of jobs: what becomes of one that is stopped or cancelled while its vectors are made."""

import time
from collections.abc import Callable
from typing import Any

import pytest
from fastapi.testclient import TestClient

from fundstelle.api.service import Service
from fundstelle.indexing import vector_jobs
from fundstelle.indexing.progress import JobState

DOCUMENTS = {"documents": [{"source": name, "text": f"The {name} was built of stone."} for name in "abc"]}


def ended(client: TestClient, job: str) -> str:
    """The state of the job once it is over."""
    while (state := client.get(f"/v1/jobs/{job}").json()["state"]) in ("queued", "running"):
        time.sleep(0.05)
    return str(state)


@pytest.fixture
def broken_off(
    new_client: Callable[..., TestClient], monkeypatch: pytest.MonkeyPatch
) -> Callable[[Callable[[Service, str], Any]], tuple[TestClient, str]]:
    """Runs a job that has something happen to it after its first vector: its client, and its id."""
    monkeypatch.setattr(vector_jobs, "GROUP", 1)

    def run(happens: Callable[[Service, str], Any]) -> tuple[TestClient, str]:
        client = new_client(vectors=True)
        service: Service = client.app.state.service  # type: ignore[attr-defined]
        encode = service.encoder.passages

        def passages(texts: Any) -> Any:
            happens(service, service.jobs.records.newest(1)[0].id)
            return encode(texts)

        monkeypatch.setattr(service.encoder, "passages", passages)
        return client, client.post("/v1/documents", json=DOCUMENTS).json()["id"]

    return run


def test_a_stop_while_vectors_are_made_leaves_them_to_the_next_start(
    new_client: Callable[..., TestClient], broken_off: Any
) -> None:
    """A job whose files are all in is not done before its passages have vectors."""
    client, job = broken_off(lambda service, job: service.begin_stop())
    service: Service = client.app.state.service
    service.jobs._thread.join(300)  # it stops by itself, at its first vector
    status = service.jobs.records.get(job)
    assert status is not None
    assert (status.state, status.files_done) == (JobState.QUEUED, 3)
    client.__exit__(None, None, None)
    again = new_client(vectors=True)
    assert ended(again, job) == "done"
    store = again.app.state.service.store  # type: ignore[attr-defined]
    assert store.pending_vectors().count == 0
    assert again.get(f"/v1/jobs/{job}").json()["documents"]["added"] == 3


def test_a_job_cancelled_while_vectors_are_made_is_cancelled(broken_off: Any) -> None:
    """What its owner broke off is not said to be done."""
    client, job = broken_off(lambda service, job: service.jobs.cancel(job))
    assert ended(client, job) == "cancelled"
