"""Writing to an `ElasticsearchStore`'s index: passages at once, the records that make them count at the commit."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from elasticsearch import Elasticsearch

from fundstelle.indexing.documents import AnalysedDocument
from fundstelle.indexing.elastic_bulk import Action, bulk, in_groups
from fundstelle.indexing.elastic_entries import (
    document_entry,
    generation_of,
    passage_entry,
    passage_id,
    record_id,
)
from fundstelle.indexing.elastic_listing import each
from fundstelle.indexing.elastic_patience import patiently, refresh
from fundstelle.indexing.elastic_search import living_generations
from fundstelle.indexing.elastic_vectors import with_known_vectors
from fundstelle.indexing.filters import exact_term

IDS = 500
"""Documents that are looked up in one request."""


class Writer:
    """What was written and deleted since the last commit. Many processes may write to one index."""

    def __init__(self, client: Elasticsearch, alias: str) -> None:
        self._client = client
        self._alias = alias
        self._pending: dict[str, Action | None] = {}
        self._replaced: defaultdict[str, set[str]] = defaultdict(set)

    def write(self, documents: Iterable[AnalysedDocument]) -> None:
        written: dict[str, Action] = {}
        actions = self._passage_actions(documents, written)
        bulk(self._client, with_known_vectors(self._client, self._alias, actions))
        for document_id, entry in written.items():  # only now are all their passages there
            self._put_off(document_id, entry)

    def _passage_actions(
        self, documents: Iterable[AnalysedDocument], written: dict[str, Action]
    ) -> Iterator[Action]:
        for analysed in documents:
            generation = generation_of(analysed)
            for passage, terms, title_terms in zip(
                analysed.passages, analysed.terms, analysed.title_terms, strict=True
            ):
                yield {
                    "_op_type": "index",
                    "_index": self._alias,
                    "_id": passage_id(passage, generation),
                    **passage_entry(passage, f"{terms} {title_terms}", generation),
                }
            written[analysed.document.id] = document_entry(analysed, generation)

    def delete(self, document_ids: Iterable[str]) -> None:
        for document_id in document_ids:
            self._put_off(document_id, None)

    def _put_off(self, document_id: str, entry: Action | None) -> None:
        """Have the commit write this record, or remove it."""
        if former := self._pending.get(document_id):
            self._replaced[exact_term(document_id)].add(former["generation"])
        self._pending[document_id] = entry

    def commit(self) -> bool:
        """Write the records, then clear away the generations they replace; whether there was anything to do.

        Only generations known to be replaced are cleared away, so that a process can never remove passages that
        another has written and not committed yet.
        """
        if not self._pending:
            return False
        refresh(self._client, self._alias)
        self._find_replaced()
        bulk(self._client, self._record_actions())
        refresh(self._client, self._alias)
        self._clear_away()
        self._pending, self._replaced = {}, defaultdict(set)
        return True

    def _find_replaced(self) -> None:
        for ids in in_groups(self._pending, IDS):
            for document_id, generation in self._living(ids).items():
                self._replaced[document_id].add(generation)

    def _living(self, document_ids: Sequence[str]) -> dict[str, str]:
        return patiently(lambda: living_generations(self._client, self._alias, document_ids))

    def _record_actions(self) -> Iterator[Action]:
        for document_id, entry in self._pending.items():
            base = {"_index": self._alias, "_id": record_id(document_id)}
            yield {"_op_type": "delete", **base} if entry is None else {"_op_type": "index", **base, **entry}

    def _clear_away(self) -> None:
        for document_id, entry in self._pending.items():
            if entry is not None:
                self._replaced[exact_term(document_id)].discard(entry["generation"])
        dead = {
            document_id: generations for document_id, generations in self._replaced.items() if generations
        }
        for ids in in_groups(dead, IDS):
            bulk(self._client, self._removals(ids, sorted(set().union(*(dead[name] for name in ids)))))
        if dead:
            refresh(self._client, self._alias)

    def _removals(self, document_ids: Sequence[str], generations: Sequence[str]) -> Iterator[Action]:
        query: dict[str, Any] = {
            "bool": {
                "filter": [
                    {"term": {"role": "passage"}},
                    {"terms": {"document_id": document_ids}},
                    {"terms": {"generation": generations}},
                ]
            }
        }
        for hit in each(self._client, self._alias, query, source=False):
            yield {"_op_type": "delete", "_index": self._alias, "_id": hit["_id"]}
