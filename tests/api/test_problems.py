"""One error shape, whatever goes wrong and wherever."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from fastapi.testclient import TestClient

from fundstelle.api.limits import Limits
from fundstelle.indexing.store import StoreError


def check(response: Any, status: int | None = None) -> dict[str, Any]:
    """The body of a response that must be a problem."""
    assert response.headers["content-type"] == "application/problem+json", response.text
    body: dict[str, Any] = response.json()
    assert body["status"] == response.status_code
    assert status in (None, response.status_code)
    assert body["type"].startswith("urn:fundstelle:problem:")
    assert body["title"]
    assert body["detail"].endswith((".", ")"))
    return body


def routes(client: TestClient) -> Iterator[tuple[str, str]]:
    """Every method and path of the service, with something in the place of parameters."""
    for path, operations in client.get("/openapi.json").json()["paths"].items():
        for method in operations:
            filled = path.replace("{document_id}", "0").replace("{job_id}", "0").replace("{mark_id}", "0")
            yield method.upper(), filled


def test_every_route_refuses_without_a_key_in_the_same_shape(client: TestClient) -> None:
    """Once there are keys, every route but /health and /ready is a problem without one."""
    client.app.state.service.keys.add("somebody", frozenset(["read"]))  # type: ignore[attr-defined]
    for method, path in routes(client):
        response = client.request(method, path)
        if path not in ("/health", "/ready"):
            check(response, 401)
            assert response.headers["www-authenticate"] == "Bearer"


def test_every_route_has_the_same_shape_for_wrong_methods_and_bodies(client: TestClient) -> None:
    """A method that is not there, and a body that is no JSON, are problems on every route."""
    seen = set()
    for method, path in routes(client):
        check(client.request("PATCH", path), 405)
        if method == "POST":
            check(
                client.request(method, path, content=b"{", headers={"content-type": "application/json"}), 422
            )
            check(client.request(method, path, content=b"x", headers={"content-type": "text/plain"}))
            seen.add(path)
    assert seen == {"/v1/query", "/v1/read", "/v1/documents", "/v1/feedback"}


def test_every_route_has_the_same_shape_when_the_store_is_away_or_the_code_is_wrong(
    client: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A store that cannot be reached is 503 with a time to come back; a bug is 500 and tells nothing of itself."""
    store = type(client.app.state.service)  # type: ignore[attr-defined]
    for error, status in ((StoreError("The store is away. Start it."), 503), (KeyError("secret"), 500)):

        def broken(self: object, error: Exception = error) -> None:
            raise error

        monkeypatch.setattr(store, "store", property(broken))
        for method, path, body in (
            ("POST", "/v1/query", {"question": "When?"}),
            ("GET", "/v1/documents", None),
            ("GET", "/v1/documents/0", None),
            ("DELETE", "/v1/documents/0", None),
            ("GET", "/v1/info", None),
            ("GET", "/ready", None),
            (
                "POST",
                "/v1/feedback",
                {"question": "?", "document_id": "0", "start": 0, "end": 1, "verdict": "right"},
            ),
        ):
            response = client.request(method, path, json=body)
            assert "secret" not in check(response, status)["detail"]
            assert ("retry-after" in response.headers) == (status == 503)


def test_unknown_things_are_named(client: TestClient) -> None:
    """What is not there is named in the sentence."""
    for path in ("/nowhere", "/v1/documents/nothing", "/v1/jobs/nothing"):
        assert path.rpartition("/")[2] in check(client.get(path), 404)["detail"]


def test_an_invalid_request_names_the_field(client: TestClient) -> None:
    """Each field that is wrong is listed with its reason."""
    body = check(client.post("/v1/query", json={"question": "When?", "top_k": 0, "colour": 1}), 422)
    assert {error["field"] for error in body["errors"]} == {"body.top_k", "body.colour"}


def test_the_405_names_all_methods_of_the_path(client: TestClient) -> None:
    """`Allow` lists every method, not those of the first route of the path."""
    assert client.patch("/v1/documents/0").headers["allow"] == "DELETE, GET"


def test_refusals_of_size_are_problems(new_client: Callable[..., TestClient]) -> None:
    """A body beyond the limit is refused whether its length is announced or not."""
    client = new_client(max_request_bytes=100)
    check(client.post("/v1/query", json={"question": "x" * 200}), 413)
    check(
        client.post(
            "/v1/query", content=iter([b"x" * 60, b"x" * 60]), headers={"content-type": "application/json"}
        ),
        413,
    )


@pytest.mark.parametrize("path", ["/v1/query", "/v1/read", "/v1/feedback", "/nowhere"])
def test_only_uploads_may_be_large(new_client: Callable[..., TestClient], path: str) -> None:
    """A body is as large as its route needs, whatever its media type says."""
    client = new_client(max_request_bytes=100)
    headers = {"content-type": "multipart/form-data; boundary=x"}
    check(client.post(path, content=b"x" * 200, headers=headers), 413)
    text = {"content-type": "application/json"}
    check(client.post("/v1/documents", content=b"x" * 200, headers=text), 413)
    assert client.post("/v1/documents", files={"files": ("a.txt", b"x" * 200)}).status_code == 202
    outside = TestClient(client.app, base_url="http://localhost", root_path="/search")
    assert outside.post("/search/v1/documents", files={"files": ("a.txt", b"x" * 200)}).status_code == 202


def test_a_flood_does_not_make_the_service_look_dead(client: TestClient) -> None:
    """Past the bound of open requests all are refused but those of a supervisor."""
    client.get("/v1/info")  # waits for the reader
    flooded = TestClient(
        Limits(client.app, client.app.state.service.settings, most=0),  # type: ignore[attr-defined]
        base_url="http://localhost",
    )
    assert check(flooded.get("/v1/info"), 503)["type"].endswith(":overloaded")
    assert flooded.get("/health").is_success
    assert flooded.get("/ready").is_success
