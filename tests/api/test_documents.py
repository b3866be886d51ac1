"""Documents and their jobs: taken in, followed, cancelled, resumed after any end, listed, deleted."""

import json
import os
import sqlite3
import time
from collections.abc import Callable
from errno import ENOSPC
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient
from hypothesis import given
from hypothesis import strategies as st

from fundstelle.api.database import Database
from fundstelle.api.job_records import JobFile, JobRecords
from fundstelle.api.staging import Staging, label_of, suffix_of
from fundstelle.encoder import bundle
from fundstelle.indexing.addresses import open_store
from fundstelle.indexing.progress import DocumentCounts, FileFailure, JobState
from fundstelle.indexing.store import VectorSpace
from fundstelle.pipelines.fusion import FILE_NAME, Fusion

TOWER = "The tower has *ninety* steps and was built of sandstone."


def texts(*sources: str, **fields: Any) -> dict[str, Any]:
    return {
        "documents": [{"source": source, "text": f"{TOWER} It is {source}.", **fields} for source in sources]
    }


def finished(client: TestClient, job: dict[str, Any]) -> dict[str, Any]:
    """The job once it is over."""
    while job["state"] in ("queued", "running"):
        time.sleep(0.05)
        job = client.get(f"/v1/jobs/{job['id']}").json()
    return job


def listed(client: TestClient, limit: int = 1000) -> list[dict[str, Any]]:
    """All documents, page by page."""
    found: list[dict[str, Any]] = []
    cursor: dict[str, str] = {}
    while True:
        page = client.get("/v1/documents", params={"limit": limit, **cursor}).json()
        assert len(page["documents"]) <= limit
        found += page["documents"]
        if page["next_cursor"] is None:
            return found
        cursor = {"cursor": page["next_cursor"]}


def test_uploads_become_documents_with_their_metadata(client: TestClient) -> None:
    """Files and texts are indexed in the background, found by their metadata, and the staged copies are gone."""
    files = [
        ("files", ("tower.txt", TOWER.encode())),
        ("files", ("../../etc/gate.md", b"# Gate\n\nIt is *open*.")),
    ]
    meta = [json.dumps({"team": "it", "year": 2024}), json.dumps({"team": "hr"})]
    accepted = client.post("/v1/documents", files=files, data={"meta": meta})
    assert accepted.status_code == 202
    assert accepted.headers["location"] == f"/v1/jobs/{accepted.json()['id']}"
    job = finished(client, accepted.json())
    assert (job["state"], job["documents"]["added"], job["files_done"], job["failures"]) == ("done", 2, 2, [])
    ask = {"question": "Is the gate open?", "filters": {"team": "hr"}}
    assert client.post("/v1/query", json=ask).json()["answers"][0]["source"] == "gate.md"
    ask = {"question": "How many steps has the tower?", "filters": {"year": 2024}}
    assert client.post("/v1/query", json=ask).json()["answers"][0]["source"] == "tower.txt"
    assert not any((client.app.state.service.settings.data / "uploads").iterdir())  # type: ignore[attr-defined]


def test_uploads_are_found_by_meaning_and_across_languages(new_client: Callable[..., TestClient]) -> None:
    """With vectors a job gives every passage one, and a German question finds the English passage."""
    client = new_client(vectors=True)
    finished(client, client.post("/v1/documents", json=texts("tower")).json())
    found, other = (
        client.post("/v1/query", json={"question": question}).json()
        for question in ("Wie viele Stufen hat der Turm?", "Wann wurde das Penizillin entdeckt?")
    )
    assert found["retriever"] == "hybrid"
    assert (found["passages"][0]["source"], found["answers"][0]["text"]) == ("tower", "ninety")
    assert found["passages"][0]["cosine"] > other["passages"][0]["cosine"] + 0.1
    words = new_client(vectors=True, retriever="bm25", data=client.app.state.service.settings.data / "other")  # type: ignore[attr-defined]
    assert words.post("/v1/query", json={"question": "the tower"}).json()["retriever"] == "bm25"


def test_evidence_is_weighed_as_the_services_encoder_says(
    new_client: Callable[..., TestClient], tmp_path: Path
) -> None:
    """Weights fitted for the encoder of the settings rank the passages, as they do on the command line."""
    (tmp_path / "encoder").mkdir()
    for file in bundle.path().iterdir():
        (tmp_path / "encoder" / file.name).symlink_to(file)
    (tmp_path / "encoder" / FILE_NAME).unlink()
    Fusion(*[0.0] * 9).save(tmp_path / "encoder")
    client = new_client(vectors=True, encoder=str(tmp_path / "encoder"))
    finished(client, client.post("/v1/documents", json=texts("tower", "spire")).json())
    found = client.post("/v1/query", json={"question": "How many steps has the spire?"}).json()
    assert found["retriever"] == "hybrid" and len(found["passages"]) > 1
    assert {passage["retriever_score"] for passage in found["passages"]} == {0.0}


def test_a_later_document_of_the_same_name_replaces_the_first(client: TestClient) -> None:
    """The name of an upload is its identity; the same bytes again change nothing, another text replaces it."""
    first = finished(client, client.post("/v1/documents", json=texts("note")).json())
    again = finished(client, client.post("/v1/documents", json=texts("note")).json())
    other = finished(client, client.post("/v1/documents", json=texts("note", meta={"team": "it"})).json())
    counts = [job["documents"] for job in (first, again, other)]
    assert [count["added"] for count in counts] == [1, 0, 0]
    assert [count["unchanged"] for count in counts] == [0, 1, 0]
    assert [count["updated"] for count in counts] == [0, 0, 1]
    assert [document["meta"] for document in listed(client) if document["source"] == "note"] == [
        {"team": "it"}
    ]


def test_a_file_that_cannot_be_read_costs_one_line(client: TestClient) -> None:
    """The others are indexed, and the job says which failed and why."""
    files = [
        ("files", ("good.txt", b"A good text.")),
        ("files", ("bad.pdf", b"%PDF-1.7 no")),
        ("files", ("a.exe", b"MZ")),
    ]
    job = finished(client, client.post("/v1/documents", files=files).json())
    assert (job["state"], job["documents"]["added"], job["documents"]["failed"]) == ("done", 1, 2)
    assert {failure["source"] for failure in job["failures"]} == {"bad.pdf", "a.exe"}
    assert all(failure["reason"].endswith(".") for failure in job["failures"])


@pytest.mark.parametrize(
    ("options", "status", "code"),
    [
        ({"content": b"x", "headers": {"content-type": "text/plain"}}, 415, "unsupported-media-type"),
        ({"json": {"documents": []}}, 422, "invalid-request"),
        ({"json": texts("a", "a")}, 409, "same-name"),
        ({"json": texts(*map(str, range(5)))}, 413, "too-many-documents"),
        ({"files": [("files", ("a.txt", b"x" * 2001))]}, 413, "file-too-large"),
        ({"files": [("files", ("a.txt", b"x" * 9000))]}, 413, "request-too-large"),
        ({"files": [("files", (f"{n}.txt", b"x")) for n in range(5)]}, 400, "refused"),
        ({"files": [("file", ("a.txt", b"x"))]}, 422, "invalid-request"),
        ({"files": [("files", ("a.txt", b"x"))], "data": {"meta": "{"}}, 422, "invalid-request"),
        ({"files": [("files", ("a.txt", b"x"))], "data": {"meta": '{"a": [1]}'}}, 422, "invalid-request"),
        *(
            ({"files": [("files", ("a.txt", b"x"))], "data": {"meta": meta}}, 422, "invalid-request")
            for meta in ('{"a": "\\ud800"}', '{"a": NaN}', '{"a": 1e999}', '{"a": ' + "9" * 5000, "[" * 400)
        ),
        (
            {
                "content": b'{"documents": [{"source": "a", "text": "b", "meta": {"a": NaN}}]}',
                "headers": {"content-type": "application/json"},
            },
            422,
            "invalid-request",
        ),
        ({"files": [("files", ("a.txt", b"x"))], "data": {"meta": ["{}", "{}"]}}, 409, "too-much-meta"),
        ({"files": [("files", ("a.txt", b"x"))], "data": {"language": "german"}}, 422, "invalid-request"),
    ],
)
def test_uploads_that_cannot_be_accepted_leave_nothing(
    new_client: Callable[..., TestClient], options: dict[str, Any], status: int, code: str
) -> None:
    """A refused upload says why, and neither a job nor a file remains of it."""
    client = new_client(max_upload_files=4, max_upload_bytes=2000, max_upload_request_bytes=8000)
    refused = client.post("/v1/documents", **options)
    assert (refused.status_code, refused.json()["type"]) == (status, f"urn:fundstelle:problem:{code}")
    assert client.get("/v1/jobs").json()["jobs"] == []
    assert not any((client.app.state.service.settings.data / "uploads").iterdir())  # type: ignore[attr-defined]


FULL = OSError(ENOSPC, os.strerror(ENOSPC))


FULL_DATABASE = sqlite3.OperationalError("database or disk is full")


@pytest.mark.parametrize(
    ("step", "error", "reason", "options"),
    [
        ("staging.shutil.copyfileobj", FULL, "No space left", {"files": [("files", ("a.txt", b"x"))]}),
        ("staging.Path.write_text", FULL, "No space left", {"json": texts("a")}),
        ("job_records.JobRecords.add", FULL_DATABASE, "is full", {"files": [("files", ("a.txt", b"x"))]}),
        ("job_records.JobRecords.add", FULL_DATABASE, "is full", {"json": texts("a")}),
        ("uploads.Request.form", FULL, "No space left", {"files": [("files", ("a.txt", b"x"))]}),
    ],
)
def test_a_full_disk_is_told_and_made_no_fuller(
    client: TestClient,
    monkeypatch: pytest.MonkeyPatch,
    step: str,
    error: Exception,
    reason: str,
    options: dict[str, Any],
) -> None:
    """What cannot be written down is refused with the reason, and of its files none stays."""

    def fail(*_: object, **__: object) -> None:
        raise error

    monkeypatch.setattr(f"fundstelle.api.{step}", fail)
    refused = client.post("/v1/documents", **options)
    assert (refused.status_code, refused.json()["type"]) == (503, "urn:fundstelle:problem:not-kept")
    assert reason in refused.json()["detail"]
    assert refused.headers["retry-after"]
    assert not any((client.app.state.service.settings.data / "uploads").iterdir())  # type: ignore[attr-defined]


@pytest.mark.parametrize("kind", ["application/json", "multipart/form-data; boundary=b"])
def test_a_client_that_goes_during_its_upload_is_no_mistake_of_the_service(
    client: TestClient, break_off: Callable[..., int], kind: str
) -> None:
    """The request ends as others do whose client has gone, and leaves nothing."""
    assert break_off(client, "/v1/documents", kind) == 503
    assert client.get("/v1/jobs").json()["jobs"] == []


def test_behind_a_proxy_the_job_is_where_the_reply_says(new_client: Callable[..., TestClient]) -> None:
    """`Location` has the path under which the proxy shows the service."""
    client = new_client(root_path="/search")
    accepted = client.post("/v1/documents", json=texts("a"))
    assert accepted.headers["location"] == f"/search/v1/jobs/{accepted.json()['id']}"
    assert client.get("/openapi.json").json()["servers"] == [{"url": "/search"}]


def test_pages_join_to_all_documents(client: TestClient) -> None:
    """Whatever the size of a page, each document comes once, in the order of ids."""
    everything = listed(client)
    assert {document["source"] for document in everything} == {"office.md", "bridge.txt", "kantine.txt"}
    assert (
        listed(client, 1)
        == listed(client, 2)
        == everything
        == sorted(everything, key=lambda each: each["id"])
    )


def test_a_document_comes_whole_and_goes(client: TestClient) -> None:
    """Its passages partition its text; once deleted it is neither shown nor found."""
    for document in listed(client):
        whole = client.get(f"/v1/documents/{document['id']}").json()
        pieces = [whole["text"][passage["start"] : passage["end"]] for passage in whole["text_passages"]]
        assert "".join(pieces) == whole["text"]
        assert len(whole["text"]) == whole["characters"]
        assert client.delete(f"/v1/documents/{document['id']}").status_code == 204
        assert client.get(f"/v1/documents/{document['id']}").status_code == 404
        assert client.delete(f"/v1/documents/{document['id']}").status_code == 404
    assert client.post("/v1/query", json={"question": "When was the bridge built?"}).json()["answers"] == []


def test_documents_can_be_deleted_while_a_job_runs(client: TestClient) -> None:
    """The one writer is shared: deleting waits for no job, and neither loses the other's work."""
    victims = [document["id"] for document in listed(client)]
    job = client.post("/v1/documents", json=texts(*map(str, range(30)))).json()
    assert [client.delete(f"/v1/documents/{each}").status_code for each in victims] == [204] * 3
    assert finished(client, job)["documents"]["added"] == 30
    assert {document["source"] for document in listed(client)} == set(map(str, range(30)))


def test_a_job_waits_while_another_process_writes(client: TestClient) -> None:
    """A store that is locked costs time, not the job; deletions are told to come again."""
    service = client.app.state.service  # type: ignore[attr-defined]
    with open_store(service.settings.store) as store:
        store.delete(())  # takes the lock
        job = client.post("/v1/documents", json=texts("patient")).json()
        while not client.get(f"/v1/jobs/{job['id']}").json()["error"]:
            time.sleep(0.05)
        refused = client.delete(f"/v1/documents/{listed(client)[0]['id']}")
        assert (refused.status_code, "retry-after" in refused.headers) == (503, True)
    assert finished(client, job)["state"] == "done"


def test_vectors_of_another_encoder_fail_a_job_at_once(
    new_client: Callable[..., TestClient], tmp_path: Path
) -> None:
    """Waiting makes them no better, and the reason says what to do."""
    with open_store(str(tmp_path / "store")) as store:
        store.begin_vectors(VectorSpace("another", "1", 8, ""))
    client = new_client(vectors=True, retriever="bm25")
    job = finished(client, client.post("/v1/documents", json=texts("one")).json())
    assert job["state"] == "failed" and "--new-vectors" in job["error"]


def test_progress_is_streamed_until_the_end(client: TestClient) -> None:
    """Events tell every change, the last one that the job is over; then the stream ends."""
    job = client.post("/v1/documents", json=texts("a", "b")).json()
    response = client.get(f"/v1/jobs/{job['id']}", headers={"accept": "text/event-stream"})
    assert response.headers["content-type"].startswith("text/event-stream")
    events = [block.split("\n") for block in response.text.strip().split("\n\n")]
    assert all(event[0] == "event: job" for event in events)
    states = [json.loads(event[1].removeprefix("data: "))["state"] for event in events]
    assert states[-1] == "done"
    assert states == sorted(states, key=("queued", "running", "done").index)


def test_a_waiting_job_can_be_cancelled(client: TestClient) -> None:
    """A cancelled job leaves nothing in the collection and can be asked about; cancelling again changes nothing."""
    first = client.post("/v1/documents", json=texts(*map(str, range(20)))).json()
    second = client.post("/v1/documents", json=texts("never")).json()
    cancelled = client.delete(f"/v1/jobs/{second['id']}").json()
    assert cancelled["state"] == "cancelled"
    assert finished(client, first)["state"] == "done"
    assert client.delete(f"/v1/jobs/{first['id']}").json()["state"] == "done"
    assert client.get(f"/v1/jobs/{second['id']}").json() == cancelled
    assert "never" not in {document["source"] for document in listed(client)}


def test_too_many_waiting_jobs_are_refused(new_client: Callable[..., TestClient]) -> None:
    """Past the bound an upload is told when to come again."""
    client = new_client(max_waiting_jobs=1)
    replies = [client.post("/v1/documents", json=texts(*(f"{n}-{k}" for k in range(5)))) for n in range(6)]
    refused = [reply for reply in replies if reply.status_code == 503]
    assert refused
    assert all(int(reply.headers["retry-after"]) >= 1 for reply in refused)


def test_a_restart_goes_on_where_the_last_process_was(
    new_client: Callable[..., TestClient], tmp_path: Path
) -> None:
    """Jobs that waited or ran are done by the next process; files that were done are not done twice."""
    database = Database(tmp_path / "data")
    records, staging = JobRecords(database), Staging(tmp_path / "data" / "uploads")
    for job in ("waiting", "running"):
        paths = [staging.keep_text(job, n, {"text": TOWER, "title": f"{job} {n}"}) for n in range(3)]
        files = [JobFile(path.name, f"{job}-{n}", {}, path.stat().st_size) for n, path in enumerate(paths)]
        records.add(job, "auto", "", files)
    assert records.begin("running")
    (staging.of("stray") / "x").parent.mkdir()
    database.close()
    client = new_client()
    jobs = [finished(client, client.get(f"/v1/jobs/{job}").json()) for job in ("running", "waiting")]
    assert [(job["state"], job["documents"]["added"], job["files_done"]) for job in jobs] == [
        ("done", 3, 3)
    ] * 2
    assert not any((tmp_path / "data" / "uploads").iterdir())


def test_counts_of_an_interrupted_job_are_those_of_the_whole_job(
    new_client: Callable[..., TestClient], tmp_path: Path
) -> None:
    """What was indexed before the end of a process is counted as added, and once."""
    client = new_client()
    finished(client, client.post("/v1/documents", json=texts("a", "b")).json())
    client.__exit__(None, None, None)
    database = Database(tmp_path / "data")
    records, staging = JobRecords(database), Staging(tmp_path / "data" / "uploads")
    documents = texts("a", "b", "c")["documents"]
    paths = [staging.keep_text("job", n, {"text": d["text"], "title": ""}) for n, d in enumerate(documents)]
    files = [
        JobFile(path.name, document["source"], {}, path.stat().st_size)
        for path, document in zip(paths, documents, strict=True)
    ]
    records.add("job", "auto", "", files)
    records.begin("job")
    records.advance("job", 2, 2, DocumentCounts(added=2), ())
    database.close()
    job = finished(client := new_client(), client.get("/v1/jobs/job").json())
    counts = job["documents"]
    assert (counts["added"], counts["unchanged"], counts["updated"], job["passages"]) == (3, 0, 0, 3)


def test_two_services_do_not_share_a_data_folder(new_client: Callable[..., TestClient]) -> None:
    """The second is told which folder is taken."""
    new_client()
    with pytest.raises(ValueError, match="Another service"):
        new_client()


@given(st.text(max_size=400))
def test_names_never_become_paths(name: str) -> None:
    """Whatever a file is called, its label is one line without separators, and its ending is harmless."""
    label, suffix = label_of(name), suffix_of(name)
    assert "/" not in label
    assert "\\" not in label
    assert len(label) <= 255
    assert label.isprintable() or " " in label or any(ord(c) > 127 for c in label)
    assert "\n" not in label
    assert suffix == "" or (suffix[0] == "." and suffix[1:].isalnum() and suffix.isascii())


def test_long_names_keep_their_ending_and_stay_apart() -> None:
    """A name of any length is told from another that is alike at both ends, and its format is still seen."""
    long = "folder \u203a " * 40
    labels = [label_of(f"{long}{middle}{long}minutes.pdf") for middle in ("January", "February")]
    assert len(set(labels)) == 2
    assert all(len(label) <= 255 and label.endswith("minutes.pdf") for label in labels)
    assert label_of("x" * 251 + ".pdf") == "x" * 251 + ".pdf"


def test_records_keep_what_jobs_were(tmp_path: Path) -> None:
    """A job can be ended once, and its state is what the database says."""
    records = JobRecords(Database(tmp_path))
    records.add("a", "de", "somebody", [JobFile("0.txt", "x", {"team": "it", "n": 1, "b": True}, 3)])
    assert records.files("a")[0].meta == {"team": "it", "n": 1, "b": True}
    assert records.next_queued() == "a"
    assert records.begin("a")
    assert not records.begin("a")
    assert records.end("a", JobState.DONE)
    assert not records.end("a", JobState.FAILED)
    status = records.get("a")
    assert status is not None
    assert status.is_over
    assert records.files("a") == []


def test_old_jobs_are_forgotten_one_day(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The latest jobs that are over can be asked about, with their failures; those that wait always."""
    monkeypatch.setattr("fundstelle.api.job_records.MOST_KEPT", 2)
    database = Database(tmp_path)
    records = JobRecords(database)
    for name in "abcd":
        records.add(name, "auto", "", [JobFile("0.txt", name, {}, 5)])
    assert records.waiting_bytes() == 20
    for name in "abc":
        records.begin(name)
        records.advance(name, 1, 0, DocumentCounts(failed=1), [FileFailure(name, "Broken.")])
        records.end(name, JobState.DONE)
    assert [status.id for status in records.newest(10)] == ["d", "c", "b"]
    assert records.waiting_bytes() == 5
    assert [row["job"] for row in database.rows("SELECT job FROM job_failures")] == ["b", "c"]
