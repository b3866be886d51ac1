"""Several machines on one folder do together what one would have done."""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fundstelle.indexing.addresses import open_store
from fundstelle.indexing.jobs import DocumentCounts, IndexingJob, Splitting
from fundstelle.indexing.preparation import Recipe
from fundstelle.indexing.shards import ALL, Shard

COUNT = 3


@given(st.text(), st.integers(1, 100))
def test_every_file_falls_to_exactly_one_shard(source: str, count: int) -> None:
    """Whatever a file is called and however many shards there are, one of them does it."""
    assert sum(Shard(number, count).has(source) for number in range(1, count + 1)) == 1
    assert ALL.has(source)


@pytest.mark.parametrize("wrong", ["", "0/8", "9/8", "2", "2/0", "-1/8", "a/b", "1/8/2"])
def test_what_names_no_shard_is_refused(wrong: str) -> None:
    """A shard that does not exist is an error that shows how to write one."""
    assert Shard.parse("2/8") == Shard(2, 8)
    with pytest.raises(ValueError, match="1/8 to 8/8"):
        Shard.parse(wrong)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "files"
    folder.mkdir()
    for number in range(30):
        (folder / f"{number}.txt").write_text(f"Lighthouse number {number} is old. " * 20, encoding="utf-8")
    return folder


def test_pruning_spares_what_other_shards_hold(folder: Path, tokenizer_file: Path, tmp_path: Path) -> None:
    """Each shard removes the documents of its own files that are gone, and no others."""
    recipe = Recipe(Splitting(tokenizer_file, 80), "en")
    with open_store(str(tmp_path / "store")) as store:

        def run(shard: Shard) -> DocumentCounts:
            job = IndexingJob([folder], store, recipe, base=tmp_path, workers=1, shard=shard, prune=True)
            return job.run().documents

        shards = [Shard(number, COUNT) for number in range(1, COUNT + 1)]
        assert sum(run(shard).added for shard in shards) == 30
        gone = [path for path in folder.iterdir() if shards[0].has(f"files/{path.name}")]
        for path in gone:
            path.unlink()
        assert run(shards[1]).removed == 0
        assert run(shards[0]) == DocumentCounts(removed=len(gone))
        assert {record.source for record in store.records()} == {f"files/{p.name}" for p in folder.iterdir()}


def test_processes_together_do_what_one_does(
    folder: Path, elasticsearch_address: Callable[[], str], tmp_path: Path
) -> None:
    """Three processes at once, and then again, leave the same documents and passages as one process."""
    together, alone = elasticsearch_address(), elasticsearch_address()
    added = indexed(together, tmp_path, *(f"{number}/{COUNT}" for number in range(1, COUNT + 1)))
    assert sum(counts["added"] for counts in added) == 30
    assert all(counts["added"] for counts in added)
    again = indexed(together, tmp_path, *(f"{number}/{COUNT}" for number in range(1, COUNT + 1)))
    assert sum(counts["unchanged"] for counts in again) == 30
    indexed(alone, tmp_path, "1/1")
    with open_store(together) as one, open_store(alone) as other:
        assert {record.id: record for record in one.records()} == {r.id: r for r in other.records()}
        assert list(one.passages()) == list(other.passages())
        assert one.search("old lighthouse", 50) == other.search("old lighthouse", 50)


def indexed(address: str, base: Path, *shards: str) -> list[dict[str, int]]:
    """What processes that ran at the same time, one for each shard, count."""
    command = [sys.executable, "-c", "from fundstelle.cli import main; main()", "index", "files", "--json"]
    options = ["--store", address, "--workers", "1", "--language", "en"]
    environment = {key: value for key, value in os.environ.items() if not key.startswith("FUNDSTELLE_")}
    running = [
        subprocess.Popen(
            [*command, *options, "--shard", shard],
            cwd=base,
            env=environment,
            stdout=subprocess.PIPE,
            text=True,
        )
        for shard in shards
    ]
    outputs = [process.communicate()[0] for process in running]
    assert [process.returncode for process in running] == [0] * len(running)
    return [json.loads(output)["documents"] for output in outputs]
