"""What every store must do; one body of tests for all of them."""

import itertools
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from fundstelle.indexing.addresses import open_store
from fundstelle.indexing.analysis import index_terms
from fundstelle.indexing.documents import AnalysedDocument, Passage, SourceDocument, identifier
from fundstelle.indexing.store import PassageStore, StoreError

NewAddress = Callable[[], str]


def analysed(text: str, source: str = "a.txt", size: int = 80, **fields: object) -> AnalysedDocument:
    """A document cut every `size` characters, as indexing would hand it to a store."""
    document = replace(
        SourceDocument(id=identifier(source), text=text, source=source, origin=source, content_hash="1"),
        **fields,  # type: ignore[arg-type]
    )
    passages = [
        Passage(
            id=identifier(document.id, start),
            document_id=document.id,
            text=text[start : start + size],
            start=start,
            source=source,
            language=document.language,
            title=document.title,
            page=document.page_of(start),
            meta=document.meta,
        )
        for start in range(0, len(text), size)
    ]
    return AnalysedDocument(
        document,
        passages,
        [index_terms(passage.text, passage.language) for passage in passages],
        [index_terms(document.title, passage.language) for passage in passages],
    )


def filled(store: PassageStore, *documents: AnalysedDocument) -> PassageStore:
    """`store` with `documents` in it."""
    store.write(documents)
    store.commit()
    return store


def sources(store: PassageStore, question: str, **options: object) -> list[str]:
    """Sources of the passages found, best first."""
    return [hit.passage.source for hit in store.search(question, **options)]  # type: ignore[arg-type]


META = st.dictionaries(
    st.text(min_size=1, max_size=8),
    st.one_of(st.text(max_size=8), st.integers(), st.booleans(), st.floats(allow_nan=False)),
)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    text=st.text(max_size=400), source=st.text(min_size=1), title=st.text(), meta=META, pages=st.booleans()
)
def test_a_document_comes_back_as_it_was(
    store: PassageStore,
    text: str,
    source: str,
    title: str,
    meta: dict[str, str | int | float | bool],
    pages: bool,
) -> None:
    """Whatever the text, names and metadata hold, the store gives back exactly what was written."""
    written = analysed(text, source, title=title, meta=meta, pages=(0, len(text) // 2) if pages else ())
    filled(store, written)
    assert store.document(written.document.id) == written.document
    assert list(store.passages(written.document.id)) == list(written.passages)
    record = store.record(written.document.id)
    assert record is not None
    assert (record.characters, record.passages, record.meta) == (len(text), len(written.passages), meta)


def test_nothing_shows_before_commit(store: PassageStore) -> None:
    """Writing and deleting change nothing that is read until they are committed."""
    store.write([analysed("The castle stands on the hill.")])
    assert not list(store.records())
    store.commit()
    store.delete([identifier("a.txt")])
    assert sources(store, "castle") == ["a.txt"]
    store.commit()
    assert not sources(store, "castle") and not list(store.records()) and not store.languages()


def test_writing_again_replaces(store: PassageStore) -> None:
    """A document written again leaves nothing of its former self, in the same commit or in a later one."""
    long, short = analysed("The old castle. " * 30), analysed("The new bridge.")
    filled(store, long, short)
    assert [record.passages for record in store.records()] == [1]
    filled(store, long)
    filled(store, long)
    assert len(list(store.passages())) == len(long.passages)
    filled(store, short)
    assert [hit.text for hit in store.passages()] == ["The new bridge."]
    assert not store.search("castle")
    assert store.languages() == {"und": 1}


def test_records_tell_what_is_there(store: PassageStore) -> None:
    """Every document is listed once with its origin and content hash, and passages follow document by document."""
    written = [analysed(f"Text number {n}. " * 20, f"{n}.txt", content_hash=str(n)) for n in range(30)]
    filled(store, *written)
    assert {(r.id, r.origin, r.content_hash) for r in store.records()} == {
        (w.document.id, w.document.source, w.document.content_hash) for w in written
    }
    order = [(passage.document_id, passage.start) for passage in store.passages()]
    groups = [list(group) for _, group in itertools.groupby(order, key=lambda place: place[0])]
    assert len(groups) == 30 and all(group == sorted(group) for group in groups)
    assert store.record("no such document") is None and store.document("no such document") is None


def test_documents_are_listed_by_id_a_page_at_a_time(store: PassageStore) -> None:
    """Pages join to all documents in the order of their ids; what was deleted is on none of them."""
    filled(store, *(analysed(f"Text {number}.", f"{number}.txt") for number in range(8)))
    store.delete([identifier("3.txt")])
    store.commit()
    listed: list[str] = []
    while page := store.records_after(listed[-1] if listed else "", 3):
        assert len(page) <= 3
        listed += [record.id for record in page]
    assert listed == sorted(identifier(f"{number}.txt") for number in range(8) if number != 3)


def test_an_empty_document_is_remembered(store: PassageStore) -> None:
    """A file without text has a record, so that it is not read again, and no passages."""
    filled(store, analysed("", "empty.txt"), analysed("castle", "full.txt"))
    assert {record.source for record in store.records()} == {"empty.txt", "full.txt"}
    assert [passage.source for passage in store.passages()] == ["full.txt"]
    assert store.languages() == {"und": 1}


def test_words_find_passages_best_first(store: PassageStore) -> None:
    """A passage with more, and rarer, words of the question is found before one with fewer."""
    filled(
        store,
        analysed("The castle stands on the hill above the river.", "hill.txt", language="en"),
        analysed("The castle is closed on Mondays.", "closed.txt", language="en"),
        analysed("The bridge is open.", "bridge.txt", language="en"),
    )
    assert sources(store, "Which castles stand above the river?")[:2] == ["hill.txt", "closed.txt"]
    assert sources(store, "Which castles stand above the river?", top_k=1) == ["hill.txt"]
    scores = [hit.score for hit in store.search("castle on the hill")]
    assert scores == sorted(scores, reverse=True) and scores[-1] > 0


def test_equal_passages_come_in_the_order_of_their_ids(store: PassageStore) -> None:
    """Ties are broken by passage id, also where they reach beyond the last rank, however often it is committed."""
    for number in range(40):
        filled(store, analysed("The castle.", f"{number}.txt"))
    ids = sorted(passage.id for passage in store.passages())
    assert [hit.passage.id for hit in store.search("castle", top_k=7)] == ids[:7]
    assert [hit.passage.id for hit in store.search("castle", top_k=100)] == ids


def test_a_title_finds_all_passages_of_its_document(store: PassageStore) -> None:
    """Words of the title count though the passage does not hold them."""
    filled(
        store,
        analysed("Open from nine to five.", "museum.txt", title="Town museum", language="en"),
        analysed("Open from nine to five.", "library.txt", title="Library", language="en"),
    )
    assert sources(store, "When is the museum open?")[0] == "museum.txt"


def test_a_question_matches_within_languages(store: PassageStore) -> None:
    """The question is read in every language of the collection, each variant matching its own passages only."""
    filled(
        store,
        analysed("Die Häuser sind alt.", "de.txt", language="de"),
        analysed("They die young.", "en.txt", language="en"),
        analysed("这座城堡很古老。", "zh.txt", language="zh"),
    )
    assert sources(store, "Haus") == ["de.txt"]
    assert sources(store, "城堡") == ["zh.txt"]
    assert store.languages() == {"de": 1, "en": 1, "zh": 1}


def test_a_rare_language_ranks_as_if_alone(new_address: NewAddress) -> None:
    """Passages in other languages change neither the order of a language's passages nor much of their scores."""
    texts = [
        "Das Haus am See und das Boot.",
        "Der See ist tief.",
        "Das Haus ist alt, das Dach neu.",
        "Ein Boot.",
    ]
    german = [analysed(text, f"{n}.txt", language="de") for n, text in enumerate(texts)]
    english = [analysed(f"A house by the lake, number {n}.", f"en{n}.txt", language="en") for n in range(60)]
    with open_store(new_address()) as alone, open_store(new_address()) as among:
        filled(alone, *german)
        filled(among, *german, *english)
        expected = sources(alone, "Welches Haus am See hat ein Boot?")
        assert sources(among, "Welches Haus am See hat ein Boot?", filters={"language": "de"}) == expected


def test_filters_narrow_without_changing_scores(store: PassageStore) -> None:
    """All conditions must hold, any of several values will do, and scores stay what they were."""
    filled(
        store,
        analysed("castle one", "a.txt", meta={"team": "hr", "year": 2020, "draft": False, "größe": 1.5}),
        analysed("castle two", "b.txt", meta={"team": "it", "year": 2021, "draft": True, "größe": 2.5}),
        analysed("castle six", "c.txt", meta={"team": "人事 部", "year": 2021}, title="Six", language="und"),
    )
    found = lambda filters: sorted(sources(store, "castle", filters=filters))  # noqa: E731
    assert found({"team": "hr"}) == ["a.txt"]
    assert found({"team": ["hr", "it"]}) == ["a.txt", "b.txt"]
    assert found({"year": "2021"}) == ["b.txt", "c.txt"]
    assert found({"year": "2021", "draft": "true"}) == ["b.txt"]
    assert found({"größe": "1.5"}) == ["a.txt"]
    assert found({"team": "人事 部"}) == ["c.txt"]
    assert found({"source": "b.txt"}) == ["b.txt"]
    assert found({"title": "Six", "language": "und"}) == ["c.txt"]
    assert found({"team": "nobody"}) == [] and found({"nothing": "hr"}) == [] and found({"team": []}) == []
    everywhere = {hit.passage.id: hit.score for hit in store.search("castle")}
    assert all(
        everywhere[hit.passage.id] == hit.score for hit in store.search("castle", filters={"year": "2021"})
    )


def test_questions_of_any_kind_are_answered(store: PassageStore) -> None:
    """Nothing to search for finds nothing; ten thousand characters find what their words find."""
    assert store.search("castle") == []
    filled(store, analysed("The castle stands on the hill.", language="en"))
    for nothing in ("", "   ", "?!…", "😀", "\x00", "\ud800", "unheard-of", "城堡"):
        assert store.search(nothing) == []
    assert sources(store, "castle " * 2000) == ["a.txt"]
    assert sources(store, " ".join(f"word{n}" for n in range(1000)) + " castle") == ["a.txt"]
    assert store.search("castle", top_k=0) == []


def test_readers_see_each_commit(new_address: NewAddress) -> None:
    """A reader that was open before sees what another has committed since, and may not write itself."""
    address = new_address()
    with open_store(address) as writer, open_store(address, read_only=True) as reader:
        for number in range(3):
            filled(writer, analysed("castle", f"{number}.txt"))
            assert len(sources(reader, "castle")) == number + 1
        with pytest.raises(StoreError, match="reading only"):
            reader.write([])


def test_what_was_not_committed_is_dropped(new_address: NewAddress) -> None:
    """Closing without a commit leaves the last commit."""
    address = new_address()
    with open_store(address) as store:
        filled(store, analysed("castle", "kept.txt"))
        store.write([analysed("castle", "dropped.txt")])
    with open_store(address) as store:
        assert sources(store, "castle") == ["kept.txt"]


def test_a_store_that_is_not_there_is_named(new_address: NewAddress) -> None:
    """Reading from an address without a store says so, and makes none."""
    address = new_address()
    for options in ({"create": False}, {"read_only": True}):
        for _ in range(2):
            with pytest.raises(StoreError, match="no store"):
                open_store(address, **options)


KILLED = """
import sys
from fundstelle.indexing.addresses import open_store
from tests_store import analysed
store = open_store(sys.argv[1])
number = 0
while True:
    store.write([analysed(f"castle {number} " * 40, f"{i}.txt", content_hash=str(number)) for i in range(20)])
    store.commit()
    number += 1
    print(number, flush=True)
"""


@pytest.mark.parametrize("moment", range(6))
def test_a_killed_writer_leaves_its_last_commit(new_address: NewAddress, tmp_path: Path, moment: int) -> None:
    """However a process dies, all documents are of one commit, the last or the one under way, and writing goes on."""
    address = new_address()
    (tmp_path / "tests_store.py").write_bytes(Path(__file__).read_bytes())
    writer = subprocess.Popen(
        [sys.executable, "-c", KILLED, address],
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": str(tmp_path)},
    )
    assert writer.stdout is not None
    for _ in range(3):
        reported = int(writer.stdout.readline())
    time.sleep(moment * 0.004)
    writer.send_signal(signal.SIGKILL)
    reported = max([reported, *map(int, writer.stdout.read().split())])
    writer.wait()
    writer.stdout.close()
    with open_store(address) as store:
        (content,) = {record.content_hash for record in store.records()}
        assert int(content) + 1 in (reported, reported + 1)
        assert len(list(store.records())) == 20
        filled(store, analysed("bridge", "0.txt"))
        assert sources(store, "bridge") == ["0.txt"]


def test_unknown_addresses_are_refused() -> None:
    """An address that names no known kind of store is not taken for a folder."""
    with pytest.raises(StoreError, match="elasticsearch://"):
        open_store("solr://localhost/collection")
