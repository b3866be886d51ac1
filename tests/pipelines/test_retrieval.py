"""Retrieving by words, by meaning and by both, over a real store and an encoder that is seen through."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from fundstelle.encoder import Encoder, bundle
from fundstelle.indexing.analysis import index_terms
from fundstelle.indexing.documents import AnalysedDocument, Passage, SourceDocument
from fundstelle.indexing.embedded import EmbeddedStore
from fundstelle.indexing.store import StoreError, Vector
from fundstelle.indexing.vector_jobs import add_vectors
from fundstelle.pipelines.fusion import Fusion
from fundstelle.pipelines.query import QueryPipeline
from fundstelle.pipelines.retrieval import KINDS, Retriever

TOPICS = ("bridge", "harbour", "school")
SYNONYMS = {"brücke": "bridge", "crossing": "bridge", "port": "harbour", "lessons": "school"}
TEXTS = {
    "a": "The bridge was opened in *1987*.",
    "b": "The crossing is closed on Sundays.",
    "c": "The harbour is deep.",
    "d": "The school of bridge players.",
}


class TopicEncoder:
    """A vector of topics: each word of one counts, and synonyms are words of the same topic."""

    name, revision, width, prefix = "topics", "1", 3, ""

    def queries(self, texts: Sequence[str]) -> Vector:
        rows = []
        for text in texts:
            words = [
                SYNONYMS.get(word, word) for word in text.lower().replace(".", "").replace("?", "").split()
            ]
            counts = np.array([0.1 + words.count(topic) for topic in TOPICS], dtype=np.float32)
            rows.append(counts / np.linalg.norm(counts))
        return np.array(rows, dtype=np.float32).reshape(len(texts), self.width)

    passages = queries


@pytest.fixture
def store(tmp_path: Path) -> Iterator[EmbeddedStore]:
    with EmbeddedStore.open(tmp_path / "store") as opened:
        documents = []
        for name, text in TEXTS.items():
            passage = Passage(name, name, text, 0, name, "en", meta={"room": "1" if name < "c" else "2"})
            document = SourceDocument(name, text, name, name, language="en", meta=passage.meta)
            documents.append(AnalysedDocument(document, [passage], [index_terms(text, "en")], [""]))
        opened.write(documents)
        opened.commit()
        yield opened


def found(retriever: Retriever, question: str, **options: Any) -> list[str]:
    (hits,) = retriever.retrieve([question], **options)
    return [hit.passage.id for hit in hits]


def test_by_words_until_there_are_vectors_then_by_both(store: EmbeddedStore) -> None:
    """The default follows the store, even while the retriever is open."""
    retriever = Retriever(store, encoder=TopicEncoder())
    assert (retriever.kind, found(retriever, "the bridge")[0]) == ("bm25", "a")
    add_vectors(store, TopicEncoder())
    assert retriever.kind == "hybrid"
    assert set(found(retriever, "the bridge")[:2]) == {"a", "b"}


def test_each_kind_finds_what_it_looks_for(store: EmbeddedStore) -> None:
    """Words do not find a synonym, meaning does, and both find each passage once."""
    add_vectors(store, TopicEncoder())
    words, dense, hybrid = (Retriever(store, kind, TopicEncoder()) for kind in KINDS)
    assert "b" not in found(words, "bridge") and set(found(dense, "bridge", top_k=2)) == {"a", "b"}
    assert sorted(found(hybrid, "bridge")) == ["a", "b", "c", "d"]
    (hits,) = hybrid.retrieve(["bridge"])
    assert all(hit.cosine is not None for hit in hits) and hits[0].score == hits[0].odds == 0.0
    assert {hit.passage.id for hit in hits if hit.bm25 is None} == {"b", "c"}


def test_filters_and_top_k_hold_for_every_kind(store: EmbeddedStore) -> None:
    """Nothing comes back that the filters leave out, and never more than asked for."""
    add_vectors(store, TopicEncoder())
    for kind in KINDS:
        retriever = Retriever(store, kind, TopicEncoder())
        assert set(found(retriever, "the bridge", filters={"room": "2"})) <= {"c", "d"}
        assert len(found(retriever, "the bridge", top_k=1)) == 1
        assert retriever.retrieve([]) == []


def test_without_vectors_meaning_cannot_be_asked_for(store: EmbeddedStore) -> None:
    """The error says how vectors are made; other encoders' vectors are refused too."""
    with pytest.raises(StoreError, match="index --vectors-only"):
        Retriever(store, "dense", TopicEncoder()).retrieve(["the bridge"])
    add_vectors(store, TopicEncoder())
    other = TopicEncoder()
    other.revision = "2"
    with pytest.raises(StoreError, match="--encoder"):
        Retriever(store, "hybrid", other).retrieve(["the bridge"])
    with pytest.raises(ValueError, match="choose one of bm25, dense, hybrid"):
        Retriever(store, "sparse")  # type: ignore[arg-type]


def test_evidence_is_weighed_as_the_encoders_folder_says(
    store: EmbeddedStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Open or by name, an encoder brings the weights beside its own; one that has none takes the bundled ones."""
    add_vectors(store, encoder := TopicEncoder())
    assert Retriever(store, encoder=encoder).fusion == Fusion.load(bundle.path())
    encoder.folder = tmp_path  # type: ignore[attr-defined]
    assert Retriever(store, encoder=encoder).fusion == Fusion.load(bundle.path())
    weightless = Fusion(*[0.0] * 9)
    weightless.save(tmp_path)
    monkeypatch.setattr(Encoder, "load", {"some/encoder": encoder}.__getitem__)
    for model in (encoder, "some/encoder"):
        (hits,) = Retriever(store, "hybrid", model).retrieve(["bridge"])
        assert [hit.odds for hit in hits] == [0.0] * 4
    given = Fusion.load(bundle.path())
    assert Retriever(store, "hybrid", encoder, given).fusion == given


def test_words_alone_need_no_encoder(store: EmbeddedStore) -> None:
    """An encoder that is not there matters only where meaning is asked for."""
    assert found(Retriever(store, "bm25", "no/encoder"), "harbour") == ["c"]


def test_answers_carry_the_evidence(store: EmbeddedStore, mark_reader: Any) -> None:
    """An answer says what words and meaning had to say for its passage, and the result which retriever it was."""
    add_vectors(store, TopicEncoder())
    pipeline = QueryPipeline(store, mark_reader(), retriever="hybrid", encoder=TopicEncoder())
    result = pipeline.ask("When was the bridge opened?")
    assert (result.retriever, result.answers[0].text) == ("hybrid", "1987")
    assert result.answers[0].cosine == pytest.approx(1.0, abs=0.02)
    assert (result.answers[0].bm25 or 0) > 0
