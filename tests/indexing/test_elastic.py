"""What only Elasticsearch can do or get wrong, on a real server."""

import json
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from passages import analysed, client_of, fill

from fundstelle.indexing import elastic_bulk, elastic_index, elastic_vectors
from fundstelle.indexing.addresses import open_store
from fundstelle.indexing.elastic import ElasticsearchStore
from fundstelle.indexing.store import PassageStore, StoreError, VectorSpace

NewAddress = Callable[[], str]
EVALUATION = Path(__file__).resolve().parents[3] / "shared" / "data" / "eval"


@pytest.fixture
def address(elasticsearch_address: NewAddress) -> str:
    return elasticsearch_address()


@pytest.mark.skipif(not EVALUATION.exists(), reason="../shared/data/eval is not here")
def test_both_stores_rank_alike(elasticsearch_address: NewAddress, tmp_path: Path) -> None:
    """Over one multilingual collection both stores give the same top 20 in the same order, 99 times of 100."""
    documents, questions = [], []
    for language in ("en", "de", "es", "zh", "hi"):
        articles = json.loads((EVALUATION / f"xquad.{language}.json").read_text(encoding="utf-8"))["data"]
        paragraphs = [paragraph for article in articles for paragraph in article["paragraphs"]]
        for number, paragraph in enumerate(paragraphs):
            documents.append(analysed(paragraph["context"], f"{language}-{number}", language))
        questions += [paragraph["qas"][0]["question"] for paragraph in paragraphs[::6]]
    with open_store(elasticsearch_address()) as ours, open_store(str(tmp_path / "store")) as embedded:
        fill(ours, *documents)
        fill(embedded, *documents)
        same = sum(ranking(ours, each) == ranking(embedded, each) for each in questions)
    assert same >= 0.99 * len(questions)


def ranking(store: PassageStore, question: str) -> list[str]:
    return [hit.passage.id for hit in store.search(question, 20)]


def test_the_name_is_an_alias_of_a_versioned_index(address: str) -> None:
    """An address names an alias; the index behind it has a number and carries the versions."""
    with open_store(address) as store:
        fill(store, analysed("The bridge is old.", "a.txt"))
    client, name = client_of(address)
    with client:
        mapping = client.indices.get_mapping(index=name).body
        assert list(mapping) == [f"{name}-000001"]
        mappings = mapping[f"{name}-000001"]["mappings"]
        assert mappings["_meta"] == {"fundstelle": elastic_index.VERSIONS}
        assert mappings["dynamic"] == "strict"


def test_another_version_is_refused_with_the_way_out(address: str) -> None:
    """An index of another version is not searched; the sentence names `fundstelle reindex`."""
    with open_store(address) as store:
        fill(store, analysed("The bridge is old.", "a.txt"))
    client, name = client_of(address)
    with client:
        client.indices.put_mapping(index=name, meta={"fundstelle": {"format": 0, "analysis": 0}})
    with pytest.raises(StoreError, match="fundstelle reindex"):
        open_store(address)
    with ElasticsearchStore.open(address, any_version=True) as old:
        assert isinstance(old, ElasticsearchStore)
        old.reindex()
    with open_store(address) as store:
        assert [hit.passage.source for hit in store.search("How old is the bridge?")] == ["a.txt"]


def test_questions_go_on_during_a_rebuild(address: str) -> None:
    """While an index is rebuilt and swapped, every question finds everything."""
    with open_store(address) as store:
        fill(store, *(analysed(f"The bridge number {n} is old.", f"{n}.txt") for n in range(400)))
        expected = len(store.search("old bridge", 500))
        counts, done = [], threading.Event()

        def ask() -> None:
            with open_store(address, create=False, read_only=True) as other:
                while not done.is_set():
                    counts.append(len(other.search("old bridge", 500)))

        asking = threading.Thread(target=ask)
        asking.start()
        assert isinstance(store, ElasticsearchStore)
        store.reindex()
        store.reindex()
        done.set()
        asking.join()
    assert expected == 400
    assert counts
    assert set(counts) == {expected}


def with_vectors(store: ElasticsearchStore, space: VectorSpace, numbers: np.ndarray) -> None:
    """Give the passages of `store`, in the order of their texts, these vectors."""
    store.begin_vectors(space, anew=True)
    passages = sorted(store.pending_vectors().passages, key=lambda passage: passage.text)
    store.write_vectors(passages, numbers[: len(passages)])
    store.settle_vectors()


def test_a_rebuild_keeps_vectors(address: str) -> None:
    """Vectors move into the new index; those of an encoder that was given up stay behind with their field."""
    old, new = VectorSpace("old", "1", 4, ""), VectorSpace("new", "1", 8, "passage: ")
    with ElasticsearchStore.open(address) as store:
        assert isinstance(store, ElasticsearchStore)
        fill(store, *[analysed(f"castle {number}", f"{number}.txt") for number in range(4)])
        with_vectors(store, old, np.eye(4, dtype=np.float32))
        with_vectors(store, new, np.eye(8, dtype=np.float32))
        before = store.search_vectors(np.eye(8, dtype=np.float32)[2])
        store.reindex()
        assert store.vector_space() == new and store.vector_count() == 4
        assert store.search_vectors(np.eye(8, dtype=np.float32)[2]) == before
        assert before[0].passage.text == "castle 2" and before[0].cosine == 1
        assert store.pending_vectors().count == 0 and len(store.search("castle")) == 4
    client, name = client_of(address)
    with client:
        (index,) = client.indices.get_mapping(index=name).body.values()
        fields = [name for name in index["mappings"]["properties"] if name.startswith("vector_")]
        assert fields == [elastic_index.field_of(new)]


def test_a_vector_does_not_bring_back_what_was_deleted(address: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A passage that another process removes while its vector is on the way stays removed."""
    space = VectorSpace("made", "1", 4, "")
    with ElasticsearchStore.open(address) as store, ElasticsearchStore.open(address) as other:
        fill(store, analysed("castle", "a.txt"), analysed("bridge", "b.txt"))
        store.begin_vectors(space)
        passages = list(store.pending_vectors().passages)
        bulk = elastic_vectors.bulk

        def late(client: Any, actions: Any) -> int:
            waiting = list(actions)
            fill(other, analysed("tunnel", "b.txt"))
            return bulk(client, waiting)

        monkeypatch.setattr(elastic_vectors, "bulk", late)
        store.write_vectors(passages, np.eye(4, dtype=np.float32)[:2])
        monkeypatch.undo()
        store.settle_vectors()
        assert sorted(passage.text for passage in store.passages()) == ["castle", "tunnel"]
        assert store.vector_count() == 1 and store.pending_vectors().count == 1


def test_writers_are_kept_out_of_a_rebuild_and_let_in_again(address: str) -> None:
    """After a rebuild the new index takes writes as the old one did."""
    with open_store(address) as store:
        fill(store, analysed("One.", "a.txt"))
        assert isinstance(store, ElasticsearchStore)
        store.reindex()
        fill(store, analysed("Two.", "b.txt"))
        assert {record.source for record in store.records()} == {"a.txt", "b.txt"}


def test_listing_does_not_stop_at_ten_thousand(address: str) -> None:
    """More documents than one Elasticsearch page or window holds are all listed, and all deleted."""
    count = 10_100
    with open_store(address) as store:
        fill(store, *(analysed(f"Number {n}.", f"{n}.txt") for n in range(count)))
        ids = [record.id for record in store.records()]
        assert len(set(ids)) == count
        store.delete(ids)
        store.commit()
        assert list(store.records()) == []
        assert store.languages() == {}


def test_old_generations_are_cleared_away(address: str) -> None:
    """After a change no passage of the former text is left in the index."""
    with open_store(address) as store:
        first = analysed("The canteen opens at ten.", "a.txt")
        fill(store, first)
        fill(store, analysed("The canteen opens at eleven.", "a.txt"))
    client, name = client_of(address)
    with client:
        assert client.count(index=name)["count"] == 2  # the passage and the record


def test_a_half_written_change_does_not_show(address: str) -> None:
    """Between writing and commit the old text is found, and only it, by every process."""
    with open_store(address) as writer, open_store(address) as other:
        fill(writer, analysed("The canteen opens at ten.", "a.txt"))
        writer.write([analysed("The canteen opens at eleven o'clock.", "a.txt")])
        client, name = client_of(address)
        with client:
            client.indices.refresh(index=name)  # as Elasticsearch might do by itself
        assert [hit.passage.text for hit in other.search("canteen")] == ["The canteen opens at ten."]
        writer.commit()
        assert [hit.passage.text for hit in other.search("canteen")] == [
            "The canteen opens at eleven o'clock."
        ]


def test_an_index_of_somebody_else_is_searched_as_it_is(elasticsearch_url: str, address: str) -> None:
    """`?field=` asks over an existing index with its own analyser, finds by title, and never writes."""
    client, name = client_of(address)
    with client:
        client.indices.create(index=name, mappings={"properties": {"team": {"type": "keyword"}}})
        client.index(
            index=name, id="1", document={"body": "The tower is 90 m high.", "head": "Tower", "team": "a"}
        )
        client.index(
            index=name, id="2", document={"body": "It was built in 1901.", "head": "Bridge", "team": "b"}
        )
        client.indices.refresh(index=name)
    with open_store(f"{address}?field=body&title=head", create=False) as store:
        hits = store.search("How high is the tower?")
        assert hits[0].passage.text == "The tower is 90 m high."
        assert hits[0].passage.title == "Tower"
        assert [hit.passage.document_id for hit in store.search("bridge")] == ["2"]
        assert store.search("tower", filters={"team": "b"}) == []
        document = store.document("2")
        assert document is not None
        assert document.text == "It was built in 1901."
        with pytest.raises(StoreError, match="only read"):
            store.write([])
    with pytest.raises(StoreError, match="no field nonsense"):
        open_store(f"{address}?field=nonsense", create=False)
    with pytest.raises(StoreError, match=r"not made by Fundstelle.*\?field="):
        open_store(address)


def test_a_refused_entry_names_document_and_reason(address: str) -> None:
    """An entry that Elasticsearch refuses is reported with its document and Elasticsearch's own words."""
    with open_store(address) as store, pytest.raises(StoreError, match=r"(?s)bad\.txt.*range"):
        store.write([analysed("Text.", "good.txt"), analysed("Text.", "bad.txt", page=2**40)])


def test_a_read_only_index_is_one_sentence_and_loses_nothing(address: str) -> None:
    """The block of a full disk stops writing at once, with advice; what was committed stays."""
    client, name = client_of(address)
    with client, open_store(address) as store:
        fill(store, analysed("Before.", "a.txt"))
        client.indices.put_settings(index=name, settings={"index.blocks.read_only_allow_delete": True})
        with pytest.raises(StoreError, match="read-only"):
            fill(store, analysed("After.", "b.txt"))
        client.indices.put_settings(index=name, settings={"index.blocks.read_only_allow_delete": None})
        assert [record.source for record in store.records()] == ["a.txt"]


def test_what_an_index_does_not_take_now_is_sent_again(address: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Entries that a rebuild keeps out are sent again until they are taken."""
    monkeypatch.setattr(elastic_bulk, "FIRST_PAUSE", 0.05)
    client, name = client_of(address)
    with client, open_store(address) as store:
        client.indices.add_block(index=name, block="write")
        lift = threading.Timer(
            0.3, lambda: client.indices.put_settings(index=name, settings={"index.blocks.write": None})
        )
        lift.start()
        fill(store, analysed("At last.", "a.txt"))
        lift.join()
        assert [record.source for record in store.records()] == ["a.txt"]


@pytest.mark.parametrize(
    ("where", "sentence"),
    [
        ("elasticsearch://127.0.0.1:9/x", "no connection"),
        ("elasticsearch://host", "write elasticsearch://host:9200/index"),
        ("elasticsearch://host/a/b", "write elasticsearch://host:9200/index"),
        ("elasticsearch://host/a?colour=red", "unknown colour"),
        ("elasticsearch+https://host/a?ca=missing.pem", "missing.pem is not a file"),
    ],
)
def test_an_address_that_leads_nowhere_is_one_sentence(where: str, sentence: str) -> None:
    """What is wrong with an address, or with what is there, is said in one sentence."""
    with pytest.raises(StoreError, match=sentence):
        open_store(where)


def test_a_missing_index_is_named(address: str) -> None:
    """Reading a store that is not there names it and the command that makes one."""
    with pytest.raises(StoreError, match=r"no store at .*fundstelle index"):
        open_store(address, create=False)
