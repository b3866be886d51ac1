"""Haystack's own suites for document stores, on both stores."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any
from uuid import uuid4

import numpy as np
import pytest
from elasticsearch import Elasticsearch
from haystack import Document
from haystack.dataclasses import ByteStream, SparseEmbedding
from haystack.document_stores.errors import DuplicateDocumentError
from haystack.document_stores.types import DuplicatePolicy
from haystack.testing.document_store import (
    CountDocumentsByFilterTest,
    CountUniqueMetadataByFilterTest,
    DocumentStoreBaseExtendedTests,
    GetMetadataFieldMinMaxTest,
    GetMetadataFieldsInfoTest,
    GetMetadataFieldUniqueValuesTest,
)

from fundstelle.indexing.documents import SourceDocument, identifier
from fundstelle.indexing.haystack_store import HaystackStore
from fundstelle.indexing.preparation import Recipe, Splitting, analysed
from fundstelle.indexing.store import Vector
from fundstelle.indexing.vector_jobs import add_vectors


def by_id(documents: list[Document]) -> list[dict[str, Any]]:
    return sorted((document.to_dict(flatten=False) for document in documents), key=lambda each: each["id"])


@pytest.fixture(scope="module")
def elasticsearch_store(elasticsearch_url: str) -> Iterator[HaystackStore]:
    """One for all tests, which cost less time so; each finds it empty."""
    index = f"test-{uuid4().hex}"
    store = HaystackStore(f"{elasticsearch_url.replace('http', 'elasticsearch', 1)}/{index}")
    yield store
    store.close()
    with Elasticsearch(elasticsearch_url) as client:
        client.indices.delete(index=[*client.indices.get(index=f"{index}-*")])


@pytest.fixture
def embedded_store(tmp_path: Path) -> Iterator[HaystackStore]:
    store = HaystackStore(str(tmp_path / "store"))
    yield store
    store.close()


class TestHaystackStore(
    DocumentStoreBaseExtendedTests,
    CountDocumentsByFilterTest,
    CountUniqueMetadataByFilterTest,
    GetMetadataFieldsInfoTest,
    GetMetadataFieldMinMaxTest,
    GetMetadataFieldUniqueValuesTest,
):
    """All of Haystack's suites but those of the asynchronous calls, which the store does not have."""

    @pytest.fixture(params=["embedded", "elasticsearch"])
    def document_store(self, request: pytest.FixtureRequest) -> HaystackStore:
        store: HaystackStore = request.getfixturevalue(f"{request.param}_store")
        store.delete_all_documents()
        return store

    @staticmethod
    def assert_documents_are_equal(received: list[Document], expected: list[Document]) -> None:
        """Equal in everything but the order, which a store need not keep."""
        assert by_id(received) == by_id(expected)

    def test_write_documents(self, document_store: HaystackStore) -> None:
        """Without a policy, a document that is there already is an error, and nothing is written."""
        old, new = Document(content="one"), Document(content="two")
        assert document_store.write_documents([old]) == 1
        with pytest.raises(DuplicateDocumentError, match=old.id):
            document_store.write_documents([new, old])
        with pytest.raises(DuplicateDocumentError):
            document_store.write_documents([new, new])
        self.assert_documents_are_equal(document_store.filter_documents(), [old])

    def test_everything_in_a_document_comes_back(self, document_store: HaystackStore) -> None:
        """Vectors, blobs, nested metadata and documents without text are kept as they are."""
        documents = [
            Document(content=None, meta={"a": None, "b": [1, {"c": "d"}], "e": 1.0}),
            Document(content="", blob=ByteStream(b"\x00\xff", meta={"x": 1}, mime_type="a/b")),
            Document(content="text", embedding=[0.5, 1.0], sparse_embedding=SparseEmbedding([1], [0.5])),
            Document(content="text", id="x" * 600, score=0.25, meta={"_haystack": "taken"}),
        ]
        document_store.write_documents(documents)
        self.assert_documents_are_equal(document_store.filter_documents(), documents)

    def test_what_is_written_is_found(self, document_store: HaystackStore) -> None:
        """The store below searches what was written, with its own filters on plain metadata."""
        documents = [Document(content="Der Turm ist alt.", meta={"team": team}) for team in ("a", "b")]
        document_store.write_documents(documents, DuplicatePolicy.OVERWRITE)
        hits = document_store.store.search("Wie alt ist der Turm?", filters={"team": "b"})
        assert [hit.passage.id for hit in hits] == [documents[1].id]

    def test_new_metadata_leaves_what_jobs_wrote_as_it_is(
        self, document_store: HaystackStore, tokenizer_file: Path
    ) -> None:
        """A document of several passages keeps them, and its source, origin, title, pages and hash."""
        text = "The tower is old.\fThe bridge is new."
        written = SourceDocument(
            identifier("a.pdf#2"),
            text,
            "a.pdf#2",
            "a.pdf",
            "Buildings",
            pages=(0, 18),
            meta={"team": "a"},
            content_hash="1",
        )
        below = document_store.store
        below.write([analysed(written, Recipe(Splitting(tokenizer_file, 15)))])
        below.commit()
        before, passages = below.record(written.id), list(below.passages())
        assert before is not None and len(passages) > 1
        filters = {"field": "meta.team", "operator": "==", "value": "a"}
        assert document_store.update_by_filter(filters, {"team": "b", "floors": [1, 2]}) == 1
        (shown,) = document_store.filter_documents({"field": "meta.team", "operator": "==", "value": "b"})
        assert (shown.content, shown.meta) == (text, {"team": "b", "floors": [1, 2]})
        after = below.record(written.id)
        assert after is not None and after == replace(before, meta=after.meta)
        assert list(below.passages()) == [replace(passage, meta=after.meta) for passage in passages]
        hits = below.search("Is the tower old?", filters={"team": "b"})
        assert hits[0].passage.id == passages[0].id

    def test_it_travels_in_pipelines(self, document_store: HaystackStore) -> None:
        """As a dictionary and back it is a store at the same address."""
        document_store.write_documents([Document(content="one")])
        saved = document_store.to_dict()
        document_store.close()
        again = HaystackStore.from_dict(saved)
        assert again.count_documents() == 1
        again.close()


class OneDirection:
    """Gives every text the same vector."""

    name, revision, width, prefix = "one", "1", 4, ""

    def passages(self, texts: Sequence[str]) -> Vector:
        return np.tile(np.eye(4, dtype=np.float32)[:1], (len(texts), 1))


def test_what_haystack_wrote_can_be_given_vectors(tmp_path: Path) -> None:
    """Documents written through Haystack get vectors afterwards, and come back as they were written."""
    store = HaystackStore(str(tmp_path / "store"))
    written = [Document(content="The castle.", meta={"team": "hr"}), Document(content="The bridge.")]
    store.write_documents(written)
    assert add_vectors(store.store, OneDirection()).done == 2
    hits = store.store.search_vectors(np.eye(4, dtype=np.float32)[0], filters={"team": "hr"})
    assert [hit.passage.text for hit in hits] == ["The castle."]
    assert by_id(store.filter_documents()) == by_id(written)
    store.delete_all_documents()
    assert store.store.vector_count() == 0
    store.close()
