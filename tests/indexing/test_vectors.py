"""What every store must do with vectors; one body of tests for all of them."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from hashlib import blake2b

import numpy as np
import pytest

from fundstelle.indexing import vector_jobs
from fundstelle.indexing.addresses import open_store
from fundstelle.indexing.analysis import index_terms
from fundstelle.indexing.documents import AnalysedDocument, Passage, SourceDocument, identifier
from fundstelle.indexing.progress import JobState, VectorProgress
from fundstelle.indexing.store import PassageStore, StoreError, Vector, VectorSpace
from fundstelle.indexing.vector_jobs import VectorJob, add_vectors
from fundstelle.indexing.vectors import check_space, content_of, space_of

WIDTH = 64
NewAddress = Callable[[], str]


class MadeEncoder:
    """Vectors that depend on nothing but the text, and a list of the texts that were encoded."""

    prefix = "passage: "
    width = WIDTH

    def __init__(self, revision: str = "1") -> None:
        self.name, self.revision = "made", revision
        self.encoded: list[str] = []

    def passages(self, texts: Sequence[str]) -> Vector:
        self.encoded += texts
        return np.stack([vector_of(text) for text in texts])


def vector_of(text: str) -> Vector:
    """A direction of its own for each text, the same at every run."""
    seed = int.from_bytes(blake2b(text.encode(), digest_size=8).digest(), "big")
    numbers = np.random.default_rng(seed).normal(size=WIDTH).astype(np.float32)
    return np.asarray(numbers / np.linalg.norm(numbers), dtype=np.float32)


def document(text: str, source: str = "a.txt", **fields: object) -> AnalysedDocument:
    """A document with one passage a line."""
    made = SourceDocument(identifier(source), text, source, source, content_hash="1")
    made = replace(made, **fields)  # type: ignore[arg-type]
    passages, start = [], 0
    for line in text.splitlines(keepends=True):
        passages.append(
            Passage(
                identifier(made.id, start),
                made.id,
                line,
                start,
                source,
                made.language,
                made.title,
                meta=made.meta,
            )
        )
        start += len(line)
    terms = [index_terms(passage.text, passage.language) for passage in passages]
    return AnalysedDocument(made, passages, terms, [index_terms(made.title, "und")] * len(passages))


def filled(store: PassageStore, *documents: AnalysedDocument) -> PassageStore:
    store.write(documents)
    store.commit()
    return store


def lines(count: int, about: str = "line") -> str:
    return "".join(f"{about} {number}\n" for number in range(count))


def found(store: PassageStore, text: str, **options: object) -> list[str]:
    """Texts of the passages nearest to that of `text`."""
    hits = store.search_vectors(vector_of(text), **options)  # type: ignore[arg-type]
    return [hit.passage.text for hit in hits]


def test_a_store_has_no_vectors_before_they_are_made(store: PassageStore) -> None:
    """Without vectors nothing is found by them, no space is named, and the count is 0; it is searched by words."""
    filled(store, document(lines(3)))
    assert store.vector_space() is None and store.vector_count() == 0
    assert store.search_vectors(vector_of("line 1\n")) == []
    passage = next(store.passages())
    assert store.cosines(vector_of("line 1\n"), [passage, passage]) == [None, None]
    (hit, *_) = store.search("line 1")
    assert hit.bm25 == hit.score and hit.cosine is None


def test_every_passage_is_found_by_its_own_vector(store: PassageStore) -> None:
    """The nearest passage is the one of the vector, the score is the cosine, and the order is that of the cosines."""
    filled(store, document(lines(40)))
    done = add_vectors(store, MadeEncoder())
    assert (done.done, done.total) == (40, 40)
    assert store.vector_count() == 40 and store.vector_space() == VectorSpace("made", "1", WIDTH, "passage: ")
    everything = {passage.text: vector_of(passage.text) for passage in store.passages()}
    for text in ("line 0\n", "line 17\n"):
        hits = store.search_vectors(vector_of(text), top_k=10)
        order = sorted(everything, key=lambda other: -float(everything[other] @ vector_of(text)))
        assert [hit.passage.text for hit in hits] == order[:10]
        products = [float(everything[hit.passage.text] @ vector_of(text)) for hit in hits]
        assert [hit.cosine for hit in hits] == pytest.approx(products, abs=2e-3)
        assert all(hit.score == hit.cosine and hit.bm25 is None for hit in hits)
        assert store.cosines(vector_of(text), [hit.passage for hit in hits]) == pytest.approx(
            [hit.cosine for hit in hits], abs=2e-3
        )
    assert len(store.search_vectors(vector_of("x"), top_k=1000)) == 40
    assert store.search_vectors(vector_of("x"), top_k=0) == []


def test_titles_are_part_of_what_is_encoded(store: PassageStore) -> None:
    """The title stands before the text, and the same text under another title has a vector of its own."""
    filled(store, document("Open at nine.", "a.txt", title="Museum"), document("Open at nine.", "b.txt"))
    add_vectors(store, encoder := MadeEncoder())
    assert sorted(encoder.encoded) == ["Museum\nOpen at nine.", "Open at nine."]
    (best, *_) = store.search_vectors(vector_of("Museum\nOpen at nine."))
    assert best.passage.title == "Museum" and content_of(best.passage) == "Museum\nOpen at nine."


def test_filters_hold_for_vectors(store: PassageStore) -> None:
    """All conditions must hold, any of several values will do, however few passages meet them."""
    for number in range(30):
        meta = {"team": "hr" if number % 10 == 0 else "it", "year": 2000 + number}
        store.write([document(f"text {number}", f"{number}.txt", meta=meta)])
    store.commit()
    add_vectors(store, MadeEncoder())
    everywhere = found(store, "text 3", top_k=100)
    assert found(store, "text 3", top_k=100, filters={"team": "hr"}) == [
        text for text in everywhere if text in ("text 0", "text 10", "text 20")
    ]
    assert found(store, "text 3", filters={"team": "hr", "year": "2010"}) == ["text 10"]
    assert found(store, "text 3", top_k=1, filters={"year": ["2003", "2004"]}) == ["text 3"]
    assert found(store, "text 3", filters={"team": "nobody"}) == []


def test_equal_contents_share_a_vector_and_come_in_the_order_of_ids(store: PassageStore) -> None:
    """A content is encoded once, found in every document that has it, and ties are broken by passage id."""
    filled(store, *[document("The same.", f"{number}.txt") for number in range(12)], document("Other."))
    add_vectors(store, encoder := MadeEncoder())
    assert sorted(encoder.encoded) == ["Other.", "The same."] and store.vector_count() == 13
    ids = sorted(passage.id for passage in store.passages() if passage.text == "The same.")
    hits = store.search_vectors(vector_of("The same."), top_k=7)
    assert [hit.passage.id for hit in hits] == ids[:7]


def test_deleted_passages_are_not_found(store: PassageStore) -> None:
    """What is deleted is not found by its vector any more, and what takes its place is found among the nearest."""
    filled(store, *[document(f"text {number}", f"{number}.txt") for number in range(20)])
    add_vectors(store, MadeEncoder())
    order = found(store, "text 7", top_k=20)
    gone = [document(text, f"{text.removeprefix('text ')}.txt").document.id for text in order[:15]]
    store.delete(gone)
    assert found(store, "text 7", top_k=5) == order[:5], "nothing shows before the commit"
    store.commit()
    assert found(store, "text 7", top_k=5) == order[15:]
    assert store.vector_count() == 5


def test_nothing_is_computed_twice(store: PassageStore) -> None:
    """After an update only changed passages are encoded; after none, nothing is."""
    filled(store, document(lines(30)))
    add_vectors(store, encoder := MadeEncoder())
    assert sorted(encoder.encoded) == sorted(lines(30).splitlines(keepends=True))
    filled(store, document(lines(30).replace("line 7\n", "line seven\n"), content_hash="2"))
    assert store.vector_count() == 29 and store.pending_vectors().count == 1
    add_vectors(store, later := MadeEncoder())
    assert later.encoded == ["line seven\n"]
    assert found(store, "line seven\n", top_k=1) == ["line seven\n"]
    assert "line 7\n" not in found(store, "line 7\n", top_k=100)
    assert add_vectors(store, again := MadeEncoder()).total == 0 and not again.encoded


def test_vectors_of_another_encoder_are_refused(store: PassageStore) -> None:
    """A sentence says what to do; made anew, the vectors are the other encoder's and nothing of the first is left."""
    filled(store, document(lines(3)))
    check_space(store, MadeEncoder("2"))
    add_vectors(store, MadeEncoder("1"))
    check_space(store, MadeEncoder("1"))
    for refused in (check_space, add_vectors):
        with pytest.raises(StoreError, match=r"made by made \(revision 1\).*--new-vectors"):
            refused(store, MadeEncoder("2"))
    assert store.vector_count() == 3
    moved = MadeEncoder("1")
    moved.name = "the same under another name"
    check_space(store, moved)
    add_vectors(store, other := MadeEncoder("2"), anew=True)
    assert len(other.encoded) == 3 and store.vector_space() == space_of(other)
    add_vectors(store, MadeEncoder("2"), anew=True)
    assert len(other.encoded) == 3 and store.vector_count() == 3


def test_an_encoder_of_another_width_may_follow(store: PassageStore) -> None:
    """Vectors made anew may be wider or narrower; a query's vector of the wrong width is refused."""
    filled(store, document(lines(3)))
    add_vectors(store, MadeEncoder())
    store.begin_vectors(VectorSpace("narrow", "1", 8, ""), anew=True)
    passages = list(store.pending_vectors().passages)
    store.write_vectors(passages, np.eye(8, dtype=np.float32)[:3])
    store.settle_vectors()
    assert store.vector_count() == 3
    (best, *_) = store.search_vectors(np.eye(8, dtype=np.float32)[1])
    assert best.passage == passages[1]
    with pytest.raises(StoreError, match="encode queries with narrow"):
        store.search_vectors(vector_of("x"))


def test_vectors_must_fit(store: PassageStore) -> None:
    """Vectors are refused before a space is begun, and where their number or width is wrong."""
    filled(store, document(lines(2)))
    passages = list(store.passages())
    with pytest.raises(StoreError, match="begin_vectors"):
        store.write_vectors(passages, np.zeros((2, WIDTH), np.float32))
    store.begin_vectors(space_of(MadeEncoder()))
    for shape in ((1, WIDTH), (2, WIDTH + 1)):
        with pytest.raises(StoreError, match="made gave vectors"):
            store.write_vectors(passages, np.zeros(shape, np.float32))
    with pytest.raises(StoreError, match="no numbers"):
        store.write_vectors(passages, np.full((2, WIDTH), np.nan, np.float32))


def test_a_reader_sees_vectors_as_they_come(new_address: NewAddress) -> None:
    """A reader that was open before sees new vectors and those made anew, and may make none itself."""
    address = new_address()
    with open_store(address) as writer, open_store(address, read_only=True) as reader:
        filled(writer, document(lines(4)))
        assert reader.vector_space() is None
        add_vectors(writer, MadeEncoder())
        assert found(reader, "line 2\n", top_k=1) == ["line 2\n"] and reader.vector_count() == 4
        filled(writer, document("more\n", "b.txt"))
        add_vectors(writer, MadeEncoder())
        assert found(reader, "more\n", top_k=1) == ["more\n"]
        add_vectors(writer, MadeEncoder("2"), anew=True)
        assert reader.vector_space() == space_of(MadeEncoder("2"))
        assert found(reader, "more\n", top_k=1) == ["more\n"]
        with pytest.raises(StoreError, match="reading only"):
            add_vectors(reader, MadeEncoder("2"))


def test_a_cancelled_job_keeps_what_is_done(store: PassageStore, monkeypatch: pytest.MonkeyPatch) -> None:
    """A job stops after the group it is at; the next one makes the rest and nothing else."""
    monkeypatch.setattr(vector_jobs, "GROUP", 4)
    filled(store, document(lines(20)))
    reports: list[VectorProgress] = []

    def stop(progress: VectorProgress) -> None:
        reports.append(progress)
        if progress.done >= 8:
            job.cancel()

    job = VectorJob(store, first := MadeEncoder(), on_progress=stop)
    assert job.run().done == 8 and job.state is JobState.CANCELLED
    assert [(report.done, report.total) for report in reports] == [(0, 20), (4, 20), (8, 20)]
    assert store.vector_count() == 8
    add_vectors(store, second := MadeEncoder())
    assert store.vector_count() == 20 and len(second.encoded) == 12
    assert not set(first.encoded) & set(second.encoded)


def test_exact_names_and_text_survive_vectors(store: PassageStore) -> None:
    """Giving vectors changes nothing of what was written: texts that are no Unicode, words, metadata."""
    odd = document(
        "half \ud800 a pair\n", "name \udcff.txt", title="t \ud83d", meta={"a": float("inf"), "b\0": 1}
    )
    filled(store, odd, document("The castle.\n", "b.txt", language="en"))
    before = [hit.passage for hit in store.search("castle")]
    add_vectors(store, Lenient())
    assert store.document(odd.document.id) == odd.document
    assert list(store.passages(odd.document.id)) == list(odd.passages)
    assert [hit.passage for hit in store.search("castle")] == before and before
    assert store.vector_count() == 2


class Lenient(MadeEncoder):
    """Takes texts with halves of surrogate pairs, as an encoder must."""

    def passages(self, texts: Sequence[str]) -> Vector:
        return super().passages([text.encode("utf-8", "replace").decode() for text in texts])
