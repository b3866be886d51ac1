"""What stands before Elasticsearch in the wild: gateways with API keys, limits of size and login pages.

Every test runs behind nginx, where it is installed, and behind a gateway of Python's own in any case.
"""

from collections.abc import Callable
from contextlib import AbstractContextManager

import pytest
from gateways import KEY, LIMIT, has_nginx, nginx, python
from passages import analysed, fill

from fundstelle.indexing.addresses import open_store
from fundstelle.indexing.store import StoreError

NewAddress = Callable[[], str]
Gateway = Callable[[str | None], AbstractContextManager[str]]

without_nginx = pytest.mark.skipif(not has_nginx(), reason="nginx is not installed; Python's gateway is used")


@pytest.fixture(params=[python, pytest.param(nginx, marks=without_nginx)], ids=["python", "nginx"])
def gateway(request: pytest.FixtureRequest) -> Gateway:
    chosen: Gateway = request.param
    return chosen


def test_an_api_key_opens_the_gateway(
    gateway: Gateway,
    elasticsearch_url: str,
    elasticsearch_address: NewAddress,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """With the key in the environment the store works through the gateway; without it, the key is asked for."""
    index = elasticsearch_address().rpartition("/")[2]
    with gateway(elasticsearch_url) as host:
        with pytest.raises(StoreError, match=r"status 401.*API key"):
            open_store(f"elasticsearch://{host}/{index}")
        monkeypatch.setenv("FUNDSTELLE_ELASTICSEARCH_API_KEY", KEY)
        with open_store(f"elasticsearch://{host}/{index}") as store:
            fill(store, analysed("The gate is open.", "a.txt"))
            assert [hit.passage.source for hit in store.search("Is the gate open?")] == ["a.txt"]
            store.delete([next(store.records()).id])
            store.commit()
            assert not store.search("gate")


def test_requests_are_cut_to_what_the_gateway_lets_through(
    gateway: Gateway,
    elasticsearch_url: str,
    elasticsearch_address: NewAddress,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A load larger than the gateway's limit is sent in parts; a passage that is larger by itself is named."""
    monkeypatch.setenv("FUNDSTELLE_ELASTICSEARCH_API_KEY", KEY)
    index = elasticsearch_address().rpartition("/")[2]
    with gateway(elasticsearch_url) as host, open_store(f"elasticsearch://{host}/{index}") as store:
        fill(store, *(analysed(f"Number {n}. " + "word " * 100, f"{n}.txt") for n in range(200)))
        assert sum(1 for _ in store.records()) == 200
        with pytest.raises(StoreError, match=r"big\.txt.*larger than"):
            fill(store, analysed("x" * LIMIT, "big.txt"))


def test_a_login_page_is_not_taken_for_elasticsearch(gateway: Gateway) -> None:
    """A proxy that answers everything with a web page is named as what it is."""
    with gateway(None) as host, pytest.raises(StoreError, match="not Elasticsearch"):
        open_store(f"elasticsearch://{host}/x")
