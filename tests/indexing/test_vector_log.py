"""Rows that only grow: what a killed process leaves, and the search over them."""

import shutil
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fundstelle.indexing import embedded_nearest, embedded_vectors, vector_nearest
from fundstelle.indexing.addresses import open_store
from fundstelle.indexing.analysis import index_terms
from fundstelle.indexing.documents import AnalysedDocument, Passage, SourceDocument, identifier
from fundstelle.indexing.progress import JobState, VectorProgress
from fundstelle.indexing.store import PassageStore, StoreError, Vector, VectorSpace
from fundstelle.indexing.vector_jobs import VectorJob, add_vectors
from fundstelle.indexing.vector_log import Generation, VectorLog
from fundstelle.indexing.vector_nearest import Nearest, cosines_of, extend_graph

WIDTH = 16
SPACE = VectorSpace("made", "1", WIDTH, "")


def directions(count: int, seed: int = 0, width: int = WIDTH) -> np.ndarray:
    numbers = np.random.default_rng(seed).normal(size=(count, width)).astype(np.float32)
    return numbers / np.linalg.norm(numbers, axis=1, keepdims=True)


def begun(folder: Path, space: VectorSpace = SPACE) -> VectorLog:
    generation = Generation.new(folder, space)
    generation.begin()
    generation.establish()
    return VectorLog(generation)


def test_rows_are_found_by_key(tmp_path: Path) -> None:
    """Each key leads to its row, whatever the order, in the log that appended and in one that is opened later."""
    vectors = directions(30)
    log = begun(tmp_path).append(list(range(300, 270, -1)), vectors).append([7, 5], directions(2, 1))
    current = Generation.current(tmp_path)
    assert current is not None and current.space == SPACE
    for one in (log, VectorLog(current)):
        places = one.places_of(np.array([300, 271, 5, 1, 299]))
        assert places.tolist() == [0, 29, 31, -1, 1] and len(one) == 32
        assert np.allclose(one.rows[places[0]], vectors[0], atol=1e-3)
    assert begun(tmp_path / "..").places_of(np.array([1])).tolist() == [-1]


@pytest.mark.parametrize("lost_rows", [0, 1, 33, 500])
@pytest.mark.parametrize("lost_keys", [0, 3, 8, 50])
def test_what_a_killed_writer_left_is_cut_off(tmp_path: Path, lost_rows: int, lost_keys: int) -> None:
    """Bytes of rows whose keys were not written, or of half a key, are passed over and then written over."""
    log = begun(tmp_path).append([1, 2, 3], directions(3))
    torn = log.append(list(range(10, 20)), directions(10, 1))
    sizes = {
        "rows": 3 * WIDTH * 2 + lost_rows,
        "keys": 3 * 8 + min(lost_keys, 7 if lost_rows < WIDTH * 2 else 8),
    }
    for kind, size in sizes.items():
        with torn.generation.file(kind).open("r+b") as file:
            file.truncate(size)
    left = VectorLog(torn.generation)
    whole = sizes["keys"] // 8
    assert len(left) == whole and np.array_equal(left.rows[:3], log.rows)
    assert left.is_current()
    more = left.append([40, 41], directions(2, 2))
    again = VectorLog(more.generation)
    assert len(again) == whole + 2 and np.allclose(again.rows[-2:], directions(2, 2), atol=1e-3)


def test_a_reader_keeps_what_it_mapped(tmp_path: Path) -> None:
    """Rows that were opened stay readable when a new generation takes their place."""
    log = begun(tmp_path).append([1, 2, 3, 4], directions(4))
    kept = np.array(log.rows)
    fewer = log.without(np.array([False, True, False, True]))
    assert Generation.current(tmp_path) == log.generation, "a generation counts when it is established"
    fewer.establish()
    assert Generation.current(tmp_path) == fewer and np.array_equal(log.rows, kept)
    assert VectorLog(fewer).keys.tolist() == [1, 3]
    assert {path.name for path in fewer.folder.iterdir()} == {"2.keys", "2.rows", "space.json"}


@given(rows=st.integers(0, 40), count=st.integers(1, 50), seed=st.integers(0, 100))
def test_the_best_rows_are_those_of_numpy(rows: int, count: int, seed: int) -> None:
    """The cosines of all rows are their products with the query, whatever their number."""
    stored = directions(rows, seed).astype(np.float16)
    query = directions(1, seed + 1)[0]
    products = stored.astype(np.float32) @ query
    assert np.allclose(cosines_of(stored, query), products, atol=2e-3)


@pytest.fixture
def clustered(tmp_path: Path) -> VectorLog:
    """Five thousand rows around two hundred centres, as texts on few subjects are."""
    space = VectorSpace("made", "1", 64, "")
    centres = directions(200, 1, 64)
    rows = centres[np.arange(5000) % 200] + directions(5000, 2, 64) * 0.8
    rows /= np.linalg.norm(rows, axis=1, keepdims=True)
    return begun(tmp_path, space).append(list(range(5000)), rows)


def test_the_index_finds_nearly_what_looking_at_all_finds(clustered: VectorLog) -> None:
    """Recall at 10 against the exact search is at least 0.99, also for rows that came after the index was built."""
    extend_graph(clustered, exact_rows=1000)
    assert clustered.generation.file("nearest").exists()
    later = clustered.append(list(range(5000, 5300)), directions(300, 3, 64))
    hits = total = 0
    for number in range(0, 5300, 53):
        query = np.asarray(later.rows[number], np.float32)
        nearest = Nearest(later, query, exact_rows=1000)
        assert nearest.is_approximate
        found, cosines = nearest.best(10)
        exact = np.argsort(-cosines_of(later.rows, query), kind="stable")[:10]
        hits += len(set(found) & set(exact))
        total += 10
        assert found[0] == number and (np.diff(cosines) <= 0).all()
    assert hits / total >= 0.99


def test_the_index_is_extended_when_much_is_new(clustered: VectorLog) -> None:
    """Few new rows leave the index as it is, many are added to it; a broken file is built anew."""
    path = clustered.generation.file("nearest")
    extend_graph(clustered, exact_rows=1_000_000)
    assert not path.exists(), "small collections need none"
    extend_graph(clustered, exact_rows=1000)
    first = path.read_bytes()
    few = clustered.append(list(range(5000, 5010)), directions(10, 3, 64))
    extend_graph(few, exact_rows=1000)
    assert path.read_bytes() == first
    many = few.append(list(range(6000, 7000)), directions(1000, 4, 64))
    extend_graph(many, exact_rows=1000)
    graph = vector_nearest.load_graph(many)
    assert graph is not None and len(graph) == len(many)
    path.write_bytes(b"broken")
    again = VectorLog(many.generation)
    assert not many.is_current(), "a log notices that its index has changed"
    assert not Nearest(again, again.rows[0].astype(np.float32), exact_rows=1000).is_approximate
    extend_graph(again, exact_rows=1000)
    graph = vector_nearest.load_graph(VectorLog(many.generation))
    assert graph is not None and len(graph) == len(many)


def documents(count: int) -> list[AnalysedDocument]:
    made = []
    for number in range(count):
        source, text = f"{number}.txt", f"text {number}"
        meta = {"third": str(number % 3 == 0), "rare": str(number % 100 == 0)}
        document = SourceDocument(identifier(source), text, source, source, meta=meta, content_hash="1")
        passage = Passage(identifier(document.id, 0), document.id, text, 0, source, meta=meta)
        made.append(AnalysedDocument(document, [passage], [index_terms(text, "und")], [""]))
    return made


def test_the_index_is_built_in_pieces(clustered: VectorLog, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each call adds a piece and says how many rows are left; between the calls all rows are found."""
    monkeypatch.setattr(vector_nearest, "PIECE", 1500)
    for left in (3500, 2000, 0):  # the last piece takes along what alone would be too few
        log = VectorLog(clustered.generation)
        assert extend_graph(log, exact_rows=1000) == left
        for number in range(0, 5000, 500):
            log = VectorLog(clustered.generation)
            nearest = Nearest(log, np.asarray(log.rows[number], np.float32), exact_rows=1000)
            assert nearest.is_approximate and nearest.best(1)[0][0] == number
    assert extend_graph(VectorLog(clustered.generation), exact_rows=1000) == 0


def test_a_job_reports_and_stops_between_pieces(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A job tells how many vectors are still to be indexed; one that is cancelled there is continued by the next."""
    monkeypatch.setattr(vector_nearest, "EXACT_ROWS", 100)
    monkeypatch.setattr(vector_nearest, "PIECE", 400)
    seen: list[int] = []

    def stop(progress: VectorProgress) -> None:
        if progress.unindexed:
            seen.append(progress.unindexed)
            job.cancel()

    with open_store(str(tmp_path / "store")) as store:
        store.write(documents(1200))
        store.commit()
        job = VectorJob(store, Made(), on_progress=stop)
        assert job.run().done == 1200 and job.state is JobState.CANCELLED and seen == [800]
        later = VectorJob(store, Made(), on_progress=lambda progress: seen.append(progress.unindexed))
        assert later.run().done == 0 and later.state is JobState.DONE and seen[1:] == [0, 400]
        assert store.vector_count() == 1200


class Made:
    """An encoder of made vectors."""

    name, revision, width, prefix = SPACE.encoder, SPACE.revision, SPACE.width, SPACE.prefix

    def passages(self, texts: Sequence[str]) -> Vector:
        return directions(len(texts))


@pytest.fixture
def large(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> PassageStore:
    """A store that is large by limits made small: it has an index of its vectors, and looks few contents up at once."""
    monkeypatch.setattr(vector_nearest, "EXACT_ROWS", 500)
    monkeypatch.setattr(embedded_nearest, "MOST_LOOKED_UP", 100)
    store = open_store(str(tmp_path / "store"))
    store.write(documents(1200))
    store.commit()
    store.begin_vectors(SPACE)
    passages = sorted(store.pending_vectors().passages, key=lambda passage: int(passage.source[:-4]))
    store.write_vectors(passages, directions(1200))
    store.settle_vectors()
    return store


@pytest.mark.parametrize(("filters", "step"), [(None, 1), ({"third": "True"}, 3), ({"rare": "True"}, 100)])
def test_large_stores_find_within_filters(
    large: PassageStore, filters: dict[str, str] | None, step: int
) -> None:
    """With an index and with filters of any strictness, nearly the nearest passages are found, and none beside them."""
    assert list(Path(large.address, "vectors").glob("*.nearest"))
    vectors, wanted, right = directions(1200), 0, 0
    allowed = np.arange(0, 1200, step)
    for query in directions(20, 9):
        found = [int(hit.passage.source[:-4]) for hit in large.search_vectors(query, 10, filters)]
        exact = allowed[np.argsort(-(vectors[allowed] @ query))][:10]
        assert len(found) == 10 and not set(found) - set(allowed.tolist())
        right, wanted = right + len(set(found) & set(exact.tolist())), wanted + 10
    assert right / wanted >= 0.99
    large.close()


def test_deletes_in_large_stores(large: PassageStore, monkeypatch: pytest.MonkeyPatch) -> None:
    """However many of the nearest are deleted, the others are found; rows that nobody needs are cleared away."""
    query = directions(1, 9)[0]
    order = np.argsort(-(directions(1200) @ query))
    large.delete([identifier(f"{number}.txt") for number in order[:700]])
    large.commit()
    found = [hit.passage.source for hit in large.search_vectors(query, 5)]
    assert found == [f"{number}.txt" for number in order[700:705]]
    monkeypatch.setattr(embedded_vectors, "FEW_DEAD", 100)
    large.settle_vectors()
    assert Path(large.address, "vectors", "2.keys").stat().st_size == 500 * 8
    assert [hit.passage.source for hit in large.search_vectors(query, 5)] == found
    assert large.vector_count() == 500
    large.close()


def test_lost_files_are_named(large: PassageStore) -> None:
    """Where the rows were removed by hand, a sentence says how to make them anew; words still find."""
    for path in Path(large.address, "vectors").glob("1.*"):
        path.unlink()
    with open_store(large.address, read_only=True) as store:
        with pytest.raises(StoreError, match="--new-vectors"):
            store.search_vectors(directions(1)[0])
        assert store.search("text 7")
    large.close()
    shutil.rmtree(large.address)


@pytest.mark.parametrize(
    ("name", "kept"), [("1.rows", None), ("1.rows", 100), ("1.rows", 0), ("1.keys", None), ("space.json", 0)]
)
def test_damaged_vectors_are_made_anew(tmp_path: Path, name: str, kept: int | None) -> None:
    """Whichever file is lost or cut off, a sentence says what to do, and doing it gives every passage a vector."""
    address = str(tmp_path / "store")
    with open_store(address) as store:
        store.write(documents(5))
        store.commit()
        add_vectors(store, Made())
    damaged = Path(address, "vectors", name)
    damaged.write_bytes(damaged.read_bytes()[:kept])
    if kept is None:
        damaged.unlink()
    with open_store(address) as store, open_store(address, read_only=True) as reader:
        for ask in (reader.vector_space, reader.vector_count, lambda: add_vectors(store, Made())):
            with pytest.raises(StoreError, match="--new-vectors"):
                ask()
        assert add_vectors(store, Made(), anew=True).done == 5
        assert reader.vector_count() == 5
        assert {path.name for path in damaged.parent.iterdir()} == {"2.keys", "2.rows", "space.json"}
        assert add_vectors(store, Made(), anew=True).done == 0, "what is whole stays"
