"""Who is let in: keys and their scopes, and without keys this machine alone."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient

from fundstelle.api import Settings
from fundstelle.api.access import check_exposure, is_from_here, is_loopback
from fundstelle.api.database import Database
from fundstelle.api.keys import Keys, Scope

BODY = {"question": "When was the bridge built?"}


@pytest.fixture
def keys(tmp_path: Path) -> Keys:
    return Keys(Database(tmp_path / "keys"))


def with_key(key: str) -> dict[str, str]:
    return {"authorization": f"Bearer {key}"}


def test_a_key_is_found_by_itself_alone(keys: Keys) -> None:
    """The whole key opens, and no part or change of it does; the database holds none of its secret."""
    key = keys.add("page", frozenset([Scope.READ]))
    found = keys.find(key)
    assert found is not None
    assert (found.name, found.scopes) == ("page", {Scope.READ})
    prefix, key_id, secret = key.split("_")
    for wrong in ("", "_", "__", key[:-1], key + "0", f"{prefix}_{key_id}_", f"xx_{key_id}_{secret}", secret):
        assert keys.find(wrong) is None
    stored = keys._database.rows("SELECT * FROM keys")[0]
    assert secret not in str(tuple(stored))
    assert len(stored["hash"]) == 32


def test_a_removed_key_opens_nothing(keys: Keys) -> None:
    """Removal holds at once; removing what is not there says so."""
    key = keys.add("page", frozenset(Scope))
    assert keys.exist
    assert keys.remove(key.split("_")[1])
    assert not keys.remove("0")
    assert keys.find(key) is None
    assert not keys.exist


def test_scopes_say_what_a_key_allows(client: TestClient) -> None:
    """A reading key asks and looks, a writing key adds and deletes, and neither does the other's."""
    keys = client.app.state.service.keys  # type: ignore[attr-defined]
    reading = with_key(keys.add("r", frozenset([Scope.READ])))
    writing = with_key(keys.add("w", frozenset([Scope.WRITE])))
    texts = {"documents": [{"source": "a", "text": "A text."}]}
    calls: list[tuple[str, str, dict[str, Any] | None, dict[str, str], dict[str, str]]] = [
        ("POST", "/v1/query", BODY, reading, writing),
        ("GET", "/v1/documents", None, reading, writing),
        ("GET", "/v1/jobs", None, reading, writing),
        ("GET", "/metrics", None, reading, writing),
        ("POST", "/v1/documents", texts, writing, reading),
    ]
    for method, path, body, allowed, forbidden in calls:
        assert client.request(method, path, json=body, headers=allowed).is_success, path
        refused = client.request(method, path, json=body, headers=forbidden)
        assert (refused.status_code, refused.json()["type"]) == (403, "urn:fundstelle:problem:scope-missing")
    assert client.delete("/v1/documents/0", headers=reading).status_code == 403
    assert client.delete("/v1/jobs/0", headers=reading).status_code == 403


def test_a_key_may_come_in_either_header(client: TestClient) -> None:
    """`Authorization: Bearer` and `X-API-Key` are the same; a wrong key is refused, and /health needs none."""
    key = client.app.state.service.keys.add("r", frozenset([Scope.READ]))  # type: ignore[attr-defined]
    assert client.get("/v1/info", headers=with_key(key)).json()["scopes"] == ["read"]
    assert client.get("/v1/info", headers={"x-api-key": key}).is_success
    assert client.get("/v1/info", headers={"x-api-key": key + "0"}).status_code == 401
    assert client.get("/v1/info").status_code == 401
    assert client.get("/health").is_success


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({}, 200),
        ({"host": "127.0.0.1:8000"}, 200),
        ({"host": "[::1]:8000"}, 200),
        ({"origin": "http://localhost"}, 200),
        ({"host": "rebound.example"}, 403),
        ({"origin": "https://elsewhere.example"}, 403),
        ({"origin": "null"}, 403),
        ({"host": "["}, 403),
        ({"origin": "http://["}, 403),
        ({"origin": "https://friend.example"}, 200),
    ],
)
def test_without_keys_pages_of_others_are_refused(
    new_client: Callable[..., TestClient], headers: dict[str, str], status: int
) -> None:
    """A page in a browser on this machine reaches the service only from its own or a permitted origin."""
    client = new_client(cors_origins=("https://friend.example",))
    assert client.post("/v1/query", json=BODY, headers=headers).status_code == status


def test_other_origins_may_not_read_unless_permitted(
    new_client: Callable[..., TestClient], tmp_path: Path
) -> None:
    """CORS is closed by default, and opened for the origins of the settings alone."""
    ask = {"origin": "https://friend.example", "access-control-request-method": "POST"}
    assert "access-control-allow-origin" not in new_client().options("/v1/query", headers=ask).headers
    client = new_client(cors_origins=("https://friend.example",), data=tmp_path / "other")
    allowed = client.options("/v1/query", headers=ask)
    assert allowed.headers["access-control-allow-origin"] == "https://friend.example"
    refused = client.options("/v1/query", headers=ask | {"origin": "https://other.example"})
    assert "access-control-allow-origin" not in refused.headers


def test_strangers_are_not_let_in_by_accident(keys: Keys) -> None:
    """Beyond loopback the service starts only with a key, or when told that it is open."""
    check_exposure(Settings(host="127.0.0.1"), keys)
    check_exposure(Settings(host="0.0.0.0", open=True), keys)
    with pytest.raises(ValueError, match="fundstelle keys add"):
        check_exposure(Settings(host="0.0.0.0"), keys)
    keys.add("page", frozenset(Scope))
    check_exposure(Settings(host="0.0.0.0"), keys)


@pytest.mark.parametrize(
    ("address", "opened", "status"),
    [("127.0.0.1", False, 200), ("10.0.0.5", False, 401), ("10.0.0.5", True, 200)],
)
def test_removing_the_last_key_lets_no_stranger_in(
    new_client: Callable[..., TestClient], address: str, opened: bool, status: int
) -> None:
    """Where no key is left, what comes from the network is refused whatever its `Host` says, unless all may come."""
    client = new_client(host="0.0.0.0", open=opened)
    keys = client.app.state.service.keys  # type: ignore[attr-defined]
    keys.remove(keys.add("page", frozenset(Scope)).split("_")[1])
    reply = client.post(f"http://{address}/v1/query", json=BODY, headers={"host": "localhost"})
    assert reply.status_code == status


@pytest.mark.parametrize(
    ("server", "expected"),
    [
        (("127.0.0.1", 8000), True),
        (("::1", 8000), True),
        (("/run/fundstelle.sock", None), True),
        (None, True),
        (("10.0.0.5", 8000), False),
        (("fe80::1", 8000), False),
    ],
)
def test_only_this_machine_reaches_loopback_and_sockets(server: Any, expected: bool) -> None:
    """A connection is this machine's where it came to a Unix socket or a loopback address."""
    assert is_from_here({"type": "http", "server": server}) is expected


@pytest.mark.parametrize(
    ("host", "expected"),
    [
        *((host, True) for host in ("127.0.0.1", "127.8.0.1", "::1", "[::1]", "localhost")),
        *((host, False) for host in ("0.0.0.0", "::", "10.0.0.1", "localhost.example", "")),
    ],
)
def test_loopback_is_this_machine_alone(host: str, expected: bool) -> None:
    """Only addresses that no other machine can reach count as loopback."""
    assert is_loopback(host) is expected
