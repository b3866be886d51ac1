"""Vectors in an Elasticsearch index: a field of each passage's entry; `elastic_nearest` searches them.

The field is named after its space, which stands in the index's `_meta`, so vectors made by another encoder can follow
in the same index. An entry keeps its terms out of `_source`, so giving it a vector means writing it anew, terms
included; it is left alone where somebody else has changed or removed it meanwhile.
"""

import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np
from elasticsearch import Elasticsearch

from fundstelle.indexing import elastic_index
from fundstelle.indexing.analysis import index_terms
from fundstelle.indexing.documents import Passage
from fundstelle.indexing.elastic_bulk import ACTIONS, Action, bulk, in_groups
from fundstelle.indexing.elastic_entries import passage_from
from fundstelle.indexing.elastic_listing import PAGE, each
from fundstelle.indexing.elastic_patience import patiently, refresh
from fundstelle.indexing.elastic_search import COUNTS_SECONDS, Searcher
from fundstelle.indexing.store import Pending, StoreError, Vector, VectorSpace
from fundstelle.indexing.vectors import check_fit, check_same, content_key

DIGITS = 6
"""Decimals of the numbers of a vector that are sent."""

PASSAGES = {"term": {"role": "passage"}}


class ElasticVectors:
    """The vectors of the index behind `alias`."""

    def __init__(self, client: Elasticsearch, alias: str, address: str, searcher: Searcher) -> None:
        self._client = client
        self._alias = alias
        self._address = address
        self._searcher = searcher
        self._known: tuple[float, VectorSpace | None] = 0.0, None

    def space(self) -> VectorSpace | None:
        """The space of the vectors, asked for now."""
        space = elastic_index.space_of(patiently(lambda: elastic_index.meta_of(self._client, self._alias)))
        self._known = time.monotonic(), space
        return space

    def remembered_space(self) -> VectorSpace | None:
        """The space as it was some seconds ago: it hardly changes, and searches come often."""
        asked_at, space = self._known
        return space if space and time.monotonic() - asked_at < COUNTS_SECONDS else self.space()

    def begin(self, space: VectorSpace, anew: bool) -> None:
        """Note the space in the index, and make a field for its vectors."""
        found = self.space()
        if found is not None and (found == space or not anew):
            check_same(self._address, found, space)
            return
        elastic_index.put_space(self._client, self._alias, space)
        self._known = 0.0, None

    def count(self) -> int:
        """Passages that have a vector."""
        space = self.space()
        if space is None:
            return 0
        having = {"bool": {"filter": [PASSAGES, {"exists": {"field": elastic_index.field_of(space)}}]}}
        return int(patiently(lambda: self._client.count(index=self._alias, query=having))["count"])

    def pending(self) -> Pending:
        """Contents of living passages that have no vector, each once."""
        refresh(self._client, self._alias)
        query = self._lacking(self._begun())
        count = int(patiently(lambda: self._client.count(index=self._alias, query=query))["count"])
        return Pending(count, self._contents(query))

    def _contents(self, query: Mapping[str, Any]) -> Iterator[Passage]:
        seen: set[int] = set()
        for group in in_groups(each(self._client, self._alias, query), PAGE):
            for hit in self._searcher.living(group):
                if (content := hit["_source"]["content"]) not in seen:
                    seen.add(content)
                    yield passage_from(hit["_source"])

    def _lacking(self, space: VectorSpace) -> dict[str, Any]:
        having = {"exists": {"field": elastic_index.field_of(space)}}
        return {"bool": {"filter": [PASSAGES], "must_not": [having]}}

    def _begun(self) -> VectorSpace:
        space = self.space()
        if space is None:
            raise StoreError(
                f"The store {self._address} has no room for vectors yet: call begin_vectors first."
            )
        return space

    def write(self, passages: Sequence[Passage], vectors: Vector) -> None:
        """Write all entries of these contents anew, with their vectors."""
        space = self._begun()
        check_fit(passages, vectors, space)
        numbers = np.round(vectors.astype(np.float64), DIGITS).tolist()
        by_content = dict(zip(map(content_key, passages), numbers, strict=True))
        bulk(self._client, self._actions(space, by_content))

    def _actions(self, space: VectorSpace, by_content: Mapping[int, list[float]]) -> Iterator[Action]:
        query = self._lacking(space)
        query["bool"]["filter"] = [PASSAGES, {"terms": {"content": list(by_content)}}]
        for hit in each(self._client, self._alias, query, versions=True):
            entry = hit["_source"]
            yield {
                "_op_type": "index",
                "_index": self._alias,
                "_id": hit["_id"],
                "if_seq_no": hit["_seq_no"],
                "if_primary_term": hit["_primary_term"],
                **entry,
                "terms": entry_terms(entry),
                elastic_index.field_of(space): by_content[entry["content"]],
            }


def entry_terms(entry: Mapping[str, Any]) -> str:
    """The terms of a passage's entry, analysed anew: the index does not give them back."""
    language = entry["language"]
    return f"{index_terms(entry['text'], language)} {index_terms(entry['title'], language)}"


def with_known_vectors(client: Elasticsearch, alias: str, actions: Iterable[Action]) -> Iterator[Action]:
    """Actions that write passages, with the vectors that the index has of the same contents already."""
    space = elastic_index.space_of(patiently(lambda: elastic_index.meta_of(client, alias)))
    if space is None:
        yield from actions
        return
    field = elastic_index.field_of(space)
    for group in in_groups(actions, ACTIONS):
        known = known_vectors(client, alias, space, [action["content"] for action in group])
        for action in group:
            numbers = known.get(action["content"])
            yield action if numbers is None else {**action, field: numbers}


def known_vectors(
    client: Elasticsearch, alias: str, space: VectorSpace, keys: Iterable[int]
) -> dict[int, list[float]]:
    """The vectors that the index has of these contents, whichever passage they were made for."""
    field = elastic_index.field_of(space)
    known: dict[int, list[float]] = {}
    for group in in_groups(sorted(set(keys)), PAGE):
        wanted = [PASSAGES, {"terms": {"content": group}}, {"exists": {"field": field}}]
        request = {
            "query": {"bool": {"filter": wanted}},
            "collapse": {"field": "content"},
            "size": PAGE,
            "source": False,
            "fields": ["content", field],
        }
        reply = patiently(lambda request=request: client.search(index=alias, **request))  # type: ignore[misc]
        for hit in reply["hits"]["hits"]:
            known[hit["fields"]["content"][0]] = hit["fields"][field]
    return known
