"""A service over a small collection, with a reader that finds words in *stars* and can be held up."""

import os
import shutil
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path
from threading import Event
from typing import Any

import pytest
import regex
from fastapi.testclient import TestClient

from fundstelle.api import Settings, create_app
from fundstelle.indexing.addresses import open_store
from fundstelle.indexing.jobs import Splitting, index
from fundstelle.reader.bundle import TOKENIZER
from fundstelle.reader.bundle import path as bundle_path
from fundstelle.reader.confidence import Calibration
from fundstelle.reader.readings import Reading, Span, Text

TEXTS = {
    "office.md": "# The office\n\nThe office in Harbour Street opened in *1987*. It has forty desks.\n",
    "bridge.txt": "The bridge was built in *1923*. It is ninety metres long.\n",
    "kantine.txt": "Die Kantine öffnet um *11:30 Uhr*. Das Mittagessen kostet sechs Euro.\n",
}


class StarReader:
    """Finds what stands between stars, without them; counts batches, and waits while it is held up."""

    name = "stars"

    def __init__(self) -> None:
        self.calibration = Calibration(intercept=2.0, margin=1.0)
        self.batches: list[int] = []
        self.free = Event()
        self.free.set()
        self.entered = Event()

    def read_batch(self, requests: Sequence[tuple[str, Sequence[Text]]]) -> list[list[Reading]]:
        self.entered.set()
        assert self.free.wait(60)
        self.batches.append(len(requests))
        return [[self._read(passage) for passage in passages] for _, passages in requests]

    def _read(self, passage: Text) -> Reading:
        found = regex.finditer(r"\*([^*]+)\*", passage.text)
        return Reading(passage.id, tuple(Span(m.start(1), m.end(1), 4.0) for m in found), 0.0)


@pytest.fixture(scope="session")
def collection(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store of `TEXTS`; to be copied by who writes to it."""
    folder = tmp_path_factory.mktemp("collection")
    (folder / "files").mkdir()
    for name, text in TEXTS.items():
        (folder / "files" / name).write_text(text, encoding="utf-8")
    with open_store(str(folder / "store")) as store:
        index(
            [folder / "files"],
            store,
            base=folder / "files",
            splitting=Splitting(bundle_path() / TOKENIZER),
            workers=1,
        )
    return folder / "store"


@pytest.fixture(scope="session")
def new_reader() -> Callable[[], StarReader]:
    """What makes readers of stars."""
    return StarReader


@pytest.fixture
def reader() -> StarReader:
    return StarReader()


@pytest.fixture
def new_client(
    tmp_path: Path, collection: Path, reader: StarReader, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Callable[..., TestClient]]:
    """Clients of services with the settings that are given; each service over the same collection and data."""
    for name in [name for name in os.environ if name.startswith("FUNDSTELLE_")]:
        monkeypatch.delenv(name)
    shutil.copytree(collection, tmp_path / "store")
    with ExitStack() as opened:

        def start(**given: Any) -> TestClient:
            places = {"store": str(tmp_path / "store"), "data": tmp_path / "data", "vectors": False}
            app = create_app(Settings(**{**places, **given}), reader)
            return opened.enter_context(
                TestClient(app, base_url="http://localhost", raise_server_exceptions=False)
            )

        yield start
        reader.free.set()


@pytest.fixture
def client(new_client: Callable[..., TestClient]) -> TestClient:
    """A client of a service with the usual settings."""
    return new_client()


@pytest.fixture
def posted() -> Callable[[str, str], dict[str, Any]]:
    """What a server tells an application of a POST to a path, with a body of some media type."""

    def scope(path: str, kind: str) -> dict[str, Any]:
        return {
            "type": "http",
            "method": "POST",
            "path": path,
            "raw_path": path.encode(),
            "query_string": b"",
            "headers": [(b"host", b"localhost"), (b"content-type", kind.encode())],
            "client": ("127.0.0.1", 1),
            "server": ("localhost", 80),
            "scheme": "http",
            "root_path": "",
            "http_version": "1.1",
            "asgi": {"version": "3.0"},
        }

    return scope


@pytest.fixture
def break_off(posted: Callable[[str, str], dict[str, Any]]) -> Callable[..., int]:
    """What sends the beginning of a request's body and goes; gives the status that nobody reads."""

    def send_half(client: TestClient, path: str, kind: str) -> int:
        start = b'--b\r\nContent-Disposition: form-data; name="files"; filename="a.txt"\r\n\r\nhalf a'
        messages = iter([{"type": "http.request", "body": start, "more_body": True}])
        sent: list[dict[str, Any]] = []

        async def receive() -> Any:
            return next(messages, {"type": "http.disconnect"})

        async def send(message: Any) -> None:
            sent.append(message)

        assert client.portal
        client.portal.call(client.app, posted(path, kind), receive, send)
        return int(sent[0]["status"])

    return send_half
