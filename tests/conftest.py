"""What tests of several rooms need: a real Elasticsearch, the shared evaluation sets."""

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from uuid import uuid4

import pytest
from cluster import Cluster, Unavailable

SHARED = Path(__file__).resolve().parents[2] / "shared" / "data"


@pytest.fixture(scope="session")
def elasticsearch_url() -> Iterator[str]:
    """`http://...` of a running Elasticsearch: ELASTICSEARCH_URL, or one node started for this run."""
    if url := os.environ.get("ELASTICSEARCH_URL"):
        yield url
        return
    try:
        cluster = Cluster()
    except Unavailable as error:
        pytest.skip(str(error))
    with cluster:
        yield cluster.url


@pytest.fixture
def elasticsearch_address(elasticsearch_url: str) -> Iterator[Callable[[], str]]:
    """Store addresses at which there is nothing yet; what tests leave there is deleted."""
    from elasticsearch import Elasticsearch

    prefix = f"test-{uuid4().hex}"
    names = (f"{prefix}-{number}" for number in range(1000))
    yield lambda: f"{elasticsearch_url.replace('http', 'elasticsearch', 1)}/{next(names)}"
    with Elasticsearch(elasticsearch_url) as client:
        for index in client.indices.get(index=f"{prefix}-*").body:
            client.indices.delete(index=index)
