"""What is left of questions, jobs and data when a node of a cluster of three dies."""

import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from cluster import Cluster, Unavailable
from elasticsearch import Elasticsearch
from passages import analysed, fill

from fundstelle.indexing.addresses import open_store
from fundstelle.indexing.jobs import IndexingJob, JobProgress, JobResult, Splitting
from fundstelle.indexing.preparation import Recipe
from fundstelle.indexing.store import StoreError

FILES = 200
KNOWN = 40
COPIED, SINGLE = "copied", "single"


@dataclass
class Witness:
    """What was seen while a node died."""

    result: JobResult | None = None
    committed: int = 0
    answers: list[int] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)


@pytest.fixture(scope="module")
def cluster() -> Iterator[Cluster]:
    try:
        three = Cluster(nodes=3)
    except Unavailable as error:
        pytest.skip(str(error))
    with three:
        three.wait("green")
        yield three


@pytest.fixture(scope="module")
def witness(cluster: Cluster, tokenizer_file: Path, tmp_path_factory: pytest.TempPathFactory) -> Witness:
    """A job and a stream of questions on an index with copies; half way through, a data node is killed.

    It is the one that holds all of a second index without copies.
    """
    seen, done = Witness(), threading.Event()
    folder = tmp_path_factory.mktemp("files")
    for number in range(FILES):
        (folder / f"{number}.txt").write_text(f"Lighthouse {number} stands on a cape.", encoding="utf-8")
    with open_store(cluster.address(f"{SINGLE}?replicas=0")) as single:
        fill(single, analysed("The bridge is old.", "bridge.txt"))
    victim = node_of(cluster, SINGLE)
    with open_store(cluster.address(f"{COPIED}?shards=3&replicas=1")) as store:
        fill(store, *(analysed(f"Fortress {n}.", f"fortress-{n}.txt") for n in range(KNOWN)))
        cluster.wait("green")
        asking = threading.Thread(target=ask, args=(cluster, seen, done))
        asking.start()

        def kill(now: JobProgress) -> None:
            if now.files_done >= FILES // 4 and not seen.committed:
                seen.committed = now.files_done
                cluster.kill(victim)

        recipe = Recipe(Splitting(tokenizer_file, 80), "en")
        job = IndexingJob([folder], store, recipe, base=folder, workers=1, on_progress=kill)
        try:
            seen.result = job.run()
        finally:
            done.set()
            asking.join()
    return seen


def node_of(cluster: Cluster, index: str) -> int:
    """The number of the node that holds the first shard of an index."""
    with Elasticsearch(cluster.url) as client:
        shards = client.cat.shards(index=index, format="json", h=["node"]).body
    return int(shards[0]["node"].rpartition("-")[2])


def ask(cluster: Cluster, seen: Witness, done: threading.Event) -> None:
    with open_store(cluster.address(COPIED), create=False, read_only=True) as store:
        while not done.is_set():
            try:
                seen.answers.append(len(store.search("fortress", 2 * KNOWN)))
            except StoreError as error:
                seen.errors.append(str(error))


def test_the_job_ends_as_if_nothing_had_happened(witness: Witness, cluster: Cluster) -> None:
    """The job goes on by itself: every file is in, none failed, and nothing that was committed is lost."""
    assert witness.result is not None
    assert 0 < witness.committed < FILES
    assert witness.result.failures == ()
    assert witness.result.documents.added == FILES
    with open_store(cluster.address(COPIED), create=False, read_only=True) as store:
        assert sum(1 for _ in store.records()) == FILES + KNOWN
        texts = {passage.text for passage in store.passages()}
        assert {f"Lighthouse {n} stands on a cape." for n in range(FILES)} <= texts
        assert len(store.search("lighthouse", 2 * FILES)) == FILES


def test_questions_are_answered_whole_or_with_a_clear_error(witness: Witness) -> None:
    """No answer is given from a part of the index, and what cannot be answered is one sentence with its status."""
    assert set(witness.answers) == {KNOWN}
    assert all("503" in error or "no connection" in error for error in witness.errors)
    assert len(witness.answers) > len(witness.errors)


def test_an_index_without_copies_is_away_and_comes_back(witness: Witness, cluster: Cluster) -> None:
    """While the only copy is gone a question is a clear error, never an empty answer; then all is there again."""
    with open_store(cluster.address(SINGLE), create=False, read_only=True) as store:
        with pytest.raises(StoreError, match=r"status 503.*health"):
            store.search("How old is the bridge?")
        cluster.restart(next(node for node in range(3) if not cluster.is_running(node)))
        cluster.wait("green")
        assert [hit.passage.source for hit in store.search("How old is the bridge?")] == ["bridge.txt"]
