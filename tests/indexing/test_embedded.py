"""What is particular to the store in a folder: its lock, its versions, and folders that are not stores."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from fundstelle.indexing.documents import AnalysedDocument, SourceDocument
from fundstelle.indexing.embedded import VERSIONS, EmbeddedStore
from fundstelle.indexing.store import PassageStore, StoreError

EMPTY = AnalysedDocument(SourceDocument(id="1", text="", source="a", origin="a"), [], [], [])


def test_it_is_a_passage_store(tmp_path: Path) -> None:
    """The class fulfils the protocol and says where it lives."""
    with EmbeddedStore.open(tmp_path / "store") as store:
        assert isinstance(store, PassageStore)
        assert store.address == str(tmp_path / "store")


def test_only_one_writes_at_a_time(tmp_path: Path) -> None:
    """A second writer is told so, reads all the same, and may write once the first has closed."""
    first, second = EmbeddedStore.open(tmp_path), EmbeddedStore.open(tmp_path)
    first.write([EMPTY])
    with pytest.raises(StoreError, match="another process"):
        second.write([EMPTY])
    first.commit()
    assert len(list(second.records())) == 1
    first.close()
    second.write([EMPTY])
    second.close()


def test_documents_of_a_file_are_found_by_origin(tmp_path: Path) -> None:
    """A file of several documents names them all."""
    with EmbeddedStore.open(tmp_path) as store:
        store.write(
            AnalysedDocument(
                SourceDocument(id=f"{n}", text="", source=f"f#{n}", origin="f" * 600 * (n % 2) or "g"),
                [],
                [],
                [],
            )
            for n in range(6)
        )
        store.commit()
        assert {record.id for record in store.records(origin="g")} == {"0", "2", "4"}
        assert {record.id for record in store.records(origin="f" * 600)} == {"1", "3", "5"}
        assert not list(store.records(origin="h"))


def test_another_versions_store_is_refused(tmp_path: Path) -> None:
    """A store of another format or analysis, or a damaged one, is left alone with a sentence on what to do."""
    EmbeddedStore.open(tmp_path).close()
    for content in (json.dumps({**VERSIONS, "analysis": -1}), "{", '"x"'):
        (tmp_path / "store.json").write_text(content, encoding="utf-8")
        with pytest.raises(StoreError, match="index the documents again"):
            EmbeddedStore.open(tmp_path)


def test_a_damaged_index_is_named(tmp_path: Path) -> None:
    """An index that cannot be read gives a StoreError and no traceback of the library."""
    with EmbeddedStore.open(tmp_path) as store:
        store.write([EMPTY])
        store.commit()
    (tmp_path / "index" / "meta.json").write_text("{}", encoding="utf-8")
    with pytest.raises(StoreError, match="Cannot open"):
        EmbeddedStore.open(tmp_path)


def test_foreign_folders_are_left_alone(tmp_path: Path) -> None:
    """A folder that holds something else never becomes a store; an empty one does, and a half-made one too."""
    (tmp_path / "letter.txt").write_text("Dear all", encoding="utf-8")
    with pytest.raises(StoreError, match="something else"):
        EmbeddedStore.open(tmp_path)
    assert [entry.name for entry in tmp_path.iterdir()] == ["letter.txt"]
    with pytest.raises(StoreError, match="Cannot open"):
        EmbeddedStore.open(tmp_path / "letter.txt")
    half = tmp_path / "half"
    half.mkdir()
    (half / "store.json.draft").write_text("", encoding="utf-8")
    EmbeddedStore.open(half).close()


def test_a_folder_nobody_may_write_is_named() -> None:
    """Where no folder can be made, the error says which and why."""
    with pytest.raises(StoreError, match=r"Cannot open the store /proc/1/store"):
        EmbeddedStore.open("/proc/1/store")


def test_a_full_disk_keeps_the_last_commit(tmp_path: Path) -> None:
    """When the disk takes no more, writing fails with a StoreError and what was committed stays readable."""
    code = f"""
import resource, sys
from fundstelle.indexing.documents import AnalysedDocument, Passage, SourceDocument
from fundstelle.indexing.embedded import EmbeddedStore
from fundstelle.indexing.store import StoreError

def document(name, text):
    source = SourceDocument(id=name, text=text, source=name, origin=name)
    return AnalysedDocument(source, [Passage(name, name, text, 0, name)], ["und:castle"], [""])

store = EmbeddedStore.open({str(tmp_path)!r})
store.write([document("kept", "castle")])
store.commit()
resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, 20_000))
try:
    store.write(document(str(n), "".join(chr(33 + (i * i * n) % 9999) for i in range(30_000))) for n in range(1, 9))
    store.commit()
except StoreError as error:
    print(error)
    store.close()
    sys.exit(len(list(EmbeddedStore.open({str(tmp_path)!r}, read_only=True).records())) - 1)
sys.exit("the disk was not full")
"""
    result = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=False, timeout=60
    )
    assert result.returncode == 0, result.stderr
    assert "free space" in result.stdout
    with EmbeddedStore.open(tmp_path) as store:
        assert [hit.passage.id for hit in store.search("castle")] == ["kept"]
