"""The description of the service, and that the service is as described: schemathesis plays the client."""

import os
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import uvicorn
from fastapi import FastAPI

from fundstelle.api import Settings, create_app
from fundstelle.pipelines.reading import PassageReader


@pytest.fixture(scope="module")
def app(
    tmp_path_factory: pytest.TempPathFactory, collection: Path, new_reader: Callable[[], PassageReader]
) -> FastAPI:
    """A service over a collection that may be spoilt."""
    folder = tmp_path_factory.mktemp("service")
    shutil.copytree(collection, folder / "store")
    chosen = Settings(store=str(folder / "store"), data=folder / "data", open=True, compat=(), page=False)
    return create_app(chosen, new_reader())


@pytest.fixture(scope="module")
def url(app: FastAPI) -> Iterator[str]:
    """Where the service listens."""
    server = uvicorn.Server(uvicorn.Config(app, port=0, log_level="warning"))
    thread = threading.Thread(target=server.run)
    thread.start()
    while not server.started:
        assert thread.is_alive()
        time.sleep(0.01)
    port = server.servers[0].sockets[0].getsockname()[1]
    yield f"http://127.0.0.1:{port}"
    server.should_exit = True
    thread.join()


@pytest.mark.timeout(600)
def test_the_service_is_as_described(url: str, tmp_path: Path) -> None:
    """Whatever fits the description is answered as it says, and whatever does not is refused as it says."""
    command = [sys.executable, "-c", "from schemathesis.cli import schemathesis; schemathesis()"]
    options = ["--max-examples", "6", "--no-color", "--warnings", "off", "--request-timeout", "60"]
    # A job that was deleted is cancelled: it can still be asked how far it came.
    options += ["--exclude-checks", "use_after_free"]
    done = subprocess.run(
        [*command, "run", f"{url}/openapi.json", *options],
        cwd=tmp_path,
        env=os.environ | {"PYTHONWARNINGS": "ignore"},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout[-20_000:] + done.stderr[-2000:]


def test_every_call_is_described_with_its_errors(app: FastAPI) -> None:
    """Each operation has a summary, and every error of it is a problem."""
    for path, operations in app.openapi()["paths"].items():
        for method, operation in operations.items():
            assert operation["summary"], path
            errors = {code: reply for code, reply in operation["responses"].items() if code >= "400"}
            assert errors or path == "/health", (method, path)
            for code, reply in errors.items():
                assert list(reply["content"]) == ["application/problem+json"], (method, path, code)


def test_every_request_has_an_example(app: FastAPI) -> None:
    """A reader of the description sees what to send."""
    found = app.openapi()
    shapes = found["components"]["schemas"]
    bodies = [
        body["schema"]
        for operations in found["paths"].values()
        for operation in operations.values()
        for kind, body in operation.get("requestBody", {}).get("content", {}).items()
        if kind == "application/json"
    ]
    assert bodies
    for body in bodies:
        assert shapes[body["$ref"].rpartition("/")[2]]["examples"], body
