"""The service as a process: `fundstelle serve`, its signals, `fundstelle keys`."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
from fastapi.testclient import TestClient

from fundstelle.api import Settings, create_app

pytestmark = pytest.mark.timeout(900)  # a process takes minutes to start where others want the cores, too

MAIN = [sys.executable, "-c", "from fundstelle.cli import main; main()"]
TEXT = "The bridge at Ulmen was built in 1923 by masons from Prague. "


def environment(more: Mapping[str, str] = {}) -> dict[str, str]:
    kept = {key: value for key, value in os.environ.items() if not key.startswith("FUNDSTELLE_")}
    return kept | dict(more)


def fundstelle(folder: Path, *arguments: str, **more: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*MAIN, *arguments], cwd=folder, env=environment(more), capture_output=True, text=True
    )


@contextmanager
def serving(folder: Path, **more: str) -> Iterator[tuple["subprocess.Popen[str]", httpx.Client]]:
    """A running service and a client of it, once it is ready."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]
    with (folder / "log").open("a") as log:
        process = subprocess.Popen(
            [*MAIN, "serve", "--port", str(port)],
            cwd=folder,
            env=environment(more),
            stdout=log,
            stderr=log,
            text=True,
        )
        try:
            with httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=600) as client:
                wait_until_ready(process, client)
                yield process, client
        finally:
            process.kill()
            process.wait()


def wait_until_ready(process: "subprocess.Popen[str]", client: httpx.Client) -> None:
    while True:
        assert process.poll() is None
        try:
            if client.get("/ready").is_success:
                return
        except httpx.TransportError:
            pass
        time.sleep(0.1)


def upload(client: httpx.Client, count: int) -> str:
    documents = [{"source": f"{number}", "text": f"{TEXT * 20}{number}"} for number in range(count)]
    job: str = client.post("/v1/documents", json={"documents": documents}).json()["id"]
    return job


def finished(client: httpx.Client, job: str) -> dict[str, Any]:
    while (status := client.get(f"/v1/jobs/{job}").json())["state"] in ("queued", "running"):
        time.sleep(0.1)
    found: dict[str, Any] = status
    return found


@pytest.mark.parametrize("end", [signal.SIGTERM, signal.SIGKILL])
def test_a_job_survives_the_end_of_the_service(tmp_path: Path, end: signal.Signals) -> None:
    """However the process ends, what was accepted is done after the next start; SIGTERM ends it in good order."""
    with serving(tmp_path) as (process, client):
        job = upload(client, 60)
        stream = client.stream("GET", f"/v1/jobs/{job}", headers={"accept": "text/event-stream"})
        with stream as events:
            for line in events.iter_lines():
                if (
                    line.startswith("data: ")
                    and json.loads(line.removeprefix("data: "))["state"] == "running"
                ):
                    break
            process.send_signal(end)
            code = process.wait()
    assert code in (0, -end)
    with serving(tmp_path) as (process, client):
        status = finished(client, job)
        assert (status["state"], status["files_done"]) == ("done", 60)
        counts = status["documents"]
        assert counts["added"] + counts["unchanged"] == 60
        answers = client.post("/v1/query", json={"question": "When was the bridge at Ulmen built?"}).json()[
            "answers"
        ]
        assert answers[0]["text"] == "1923"
    assert "Traceback" not in (tmp_path / "log").read_text()


def test_sigterm_lets_questions_finish(tmp_path: Path) -> None:
    """What was asked before the signal is answered."""
    with serving(tmp_path) as (process, client):
        finished(client, upload(client, 30))
        lines = []
        questions = [f"When was the bridge at Ulmen built, {number}?" for number in range(30)]
        ask = client.stream(
            "POST", "/v1/query", json={"questions": questions}, headers={"accept": "application/x-ndjson"}
        )
        with ask as response:
            for line in response.iter_lines():
                if not lines:
                    process.send_signal(signal.SIGTERM)
                lines.append(json.loads(line))
        assert sorted(line["index"] for line in lines) == list(range(30))
        assert process.wait() in (0, -signal.SIGTERM)


def test_strangers_are_not_served_by_accident(tmp_path: Path) -> None:
    """Listening beyond loopback without keys ends with a sentence, as does a data folder in use."""
    refused = fundstelle(tmp_path, "serve", "--host", "0.0.0.0", "--port", "0")
    assert refused.returncode == 2
    assert "fundstelle keys add" in refused.stderr
    assert "Traceback" not in refused.stderr
    with serving(tmp_path):
        second = fundstelle(tmp_path, "serve", "--port", "0")
        assert second.returncode == 2
        assert "Another service" in second.stderr


def test_keys_are_made_listed_and_removed_while_the_service_runs(tmp_path: Path) -> None:
    """A key counts at once, is shown once, and opens nothing once it is removed."""
    with serving(tmp_path) as (_, client):
        assert client.get("/v1/info").is_success
        key = fundstelle(tmp_path, "keys", "add", "the page").stdout.strip()
        assert client.get("/v1/info").status_code == 401
        headers = {"authorization": f"Bearer {key}"}
        assert client.get("/v1/info", headers=headers).is_success
        (listed,) = json.loads(fundstelle(tmp_path, "keys", "list", "--json").stdout)["keys"]
        assert (listed["name"], listed["scopes"]) == ("the page", ["read"])
        assert key.split("_")[2] not in fundstelle(tmp_path, "keys", "list").stdout
        assert fundstelle(tmp_path, "keys", "remove", listed["id"]).returncode == 0
        assert client.get("/v1/info", headers=headers).is_success  # no key is left, so that none is needed
    assert fundstelle(tmp_path, "keys", "remove", "0").returncode == 2
    assert fundstelle(tmp_path, "keys", "add", "x", "--scope", "admin").returncode == 2


def test_wrong_settings_are_one_sentence(tmp_path: Path) -> None:
    """A setting that cannot be is named without a traceback."""
    wrong = fundstelle(tmp_path, "serve", FUNDSTELLE_MAX_WAITING="many")
    assert wrong.returncode == 2
    assert "FUNDSTELLE_MAX_WAITING" in wrong.stderr
    assert len(wrong.stderr.splitlines()) == 1


def test_a_reader_that_cannot_be_loaded_is_named(tmp_path: Path) -> None:
    """The service says what is wrong with the reader, in its log and to whoever asks, and is not ready."""
    settings = Settings(
        store=str(tmp_path / "store"), data=tmp_path / "data", reader=str(tmp_path / "nothing")
    )
    with TestClient(create_app(settings), base_url="http://localhost") as client:
        for path in ("/ready", "/v1/info"):
            while (reply := client.get(path)).json().get("type", "").endswith("reader-loading"):
                time.sleep(0.05)
            assert reply.status_code == 503
            assert reply.json()["type"] == "urn:fundstelle:problem:reader-failed"
            assert "nothing" in reply.json()["detail"]
        assert client.get("/health").is_success
