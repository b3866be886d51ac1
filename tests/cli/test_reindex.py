"""`fundstelle reindex`, run as a user runs it."""

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from elasticsearch import Elasticsearch
from passages import analysed, client_of, fill

from fundstelle.indexing.addresses import open_store


def reindex(address: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", "from fundstelle.cli import main; main()"]
    return subprocess.run(
        [*command, "reindex", "--store", address, "--json"], capture_output=True, text=True, timeout=120
    )


def test_an_index_of_another_version_is_made_anew(elasticsearch_address: Callable[[], str]) -> None:
    """What another version wrote is refused by every command but this one, and afterwards searched again."""
    address = elasticsearch_address()
    with open_store(address) as store:
        fill(store, analysed("The bridge is old.", "a.txt"))
    client, name = client_of(address)
    with client:
        client.indices.put_mapping(index=name, meta={"fundstelle": {"format": 1, "analysis": 0}})
    done = reindex(address)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == {"store": address, "entries": 2}
    with open_store(address, create=False) as store:
        assert [hit.passage.source for hit in store.search("How old is the bridge?")] == ["a.txt"]


def test_what_cannot_be_rebuilt_is_one_sentence(
    elasticsearch_address: Callable[[], str], elasticsearch_url: str, tmp_path: Path
) -> None:
    """A folder, a missing index and somebody else's index are refused with what to do, and status 2."""
    missing, foreign = elasticsearch_address(), elasticsearch_address()
    with Elasticsearch(elasticsearch_url) as client:
        client.index(index=foreign.rpartition("/")[2], document={"body": "text"}, refresh=True)
    for address, sentence in (
        (str(tmp_path), "is a folder"),
        (missing, "There is no store"),
        (f"{foreign}?field=body", "somebody else's index"),
    ):
        done = reindex(address)
        assert done.returncode == 2
        assert sentence in done.stderr
        assert "Traceback" not in done.stderr
