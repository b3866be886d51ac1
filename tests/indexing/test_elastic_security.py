"""Passwords and TLS, on a real server with security on."""

from collections.abc import Iterator

import pytest
from cluster import Cluster, Unavailable

from fundstelle.indexing.addresses import open_store
from fundstelle.indexing.documents import AnalysedDocument, SourceDocument, identifier
from fundstelle.indexing.store import StoreError

PASSWORD = "correct-horse/battery@staple"
QUOTED = "correct-horse%2Fbattery%40staple"


@pytest.fixture(scope="module")
def secured() -> Iterator[Cluster]:
    """A node that asks for a password and speaks TLS alone."""
    try:
        cluster = Cluster(password=PASSWORD, tls=True)
    except Unavailable as error:
        pytest.skip(str(error))
    with cluster:
        yield cluster


def address(cluster: Cluster, login: str = "", index: str = "secret", options: str = "") -> str:
    host = cluster.url.removeprefix("https://")
    return f"elasticsearch+https://{login}{host}/{index}?ca={cluster.authority}{options}"


def test_the_right_password_opens_and_shows_nowhere(secured: Cluster) -> None:
    """User and password in the address, with signs that URLs quote, give access; the public address is without."""
    with open_store(address(secured, f"elastic:{QUOTED}@")) as store:
        document = SourceDocument(identifier("a"), "", "a", "a", content_hash="1")
        store.write([AnalysedDocument(document, [], [], [])])
        store.commit()
        assert [record.source for record in store.records()] == ["a"]
        assert "horse" not in store.address


def test_a_password_may_come_from_the_environment(secured: Cluster, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without a login in the address, the environment's is used."""
    monkeypatch.setenv("FUNDSTELLE_ELASTICSEARCH_PASSWORD", PASSWORD)
    with open_store(address(secured, index="from-environment")) as store:
        assert store.languages() == {}


@pytest.mark.parametrize("login", ["", "elastic:wrong@", "nobody:nothing@"])
def test_a_wrong_login_is_one_sentence(secured: Cluster, login: str) -> None:
    """No password or a wrong one is named as that, and the password is not repeated."""
    with pytest.raises(StoreError, match=r"(?s)status 401.*password.*API key") as caught:
        open_store(address(secured, login))
    assert "wrong" not in str(caught.value)


def test_an_unknown_authority_is_one_sentence(secured: Cluster) -> None:
    """A certificate that nothing vouches for is not accepted; the sentence says how to name the authority."""
    where = address(secured, f"elastic:{QUOTED}@").partition("?")[0]
    with pytest.raises(StoreError, match=r"certificate was not accepted.*\?ca=FILE"):
        open_store(where)


def test_plain_http_to_a_tls_port_is_one_sentence(secured: Cluster) -> None:
    """Whoever leaves out TLS is told that the connection failed, not shown a traceback."""
    where = address(secured).partition("?")[0].replace("+https", "")
    with pytest.raises(StoreError, match=r"no connection|not Elasticsearch"):
        open_store(where)
