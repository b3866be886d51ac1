"""Searching an `ElasticsearchStore`'s index: the ranking of `ranking`, with only living passages in it.

A question costs three requests: how many passages hold each term, the search itself, and which generation of
each document found is alive. In a collection of one language the first is not needed.
"""

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any
from uuid import uuid4

from elasticsearch import Elasticsearch

from fundstelle.indexing.elastic_entries import passage_from, record_id
from fundstelle.indexing.elastic_index import VECTOR
from fundstelle.indexing.elastic_patience import patiently, whole
from fundstelle.indexing.filters import conditions
from fundstelle.indexing.ranking import (
    MAX_TERMS,
    best_first,
    inverse_document_frequency,
    question_terms,
    weighted_terms,
)
from fundstelle.indexing.store import Filters, Hit

COUNTS_SECONDS = 10.0
"""How long the number of passages per language is remembered; what is in a language new to the collection may be
found so much later by other processes than the one that wrote it."""

LANGUAGES = 1000
"""Languages counted at most."""

SHOWN_HITS: dict[str, Any] = {
    "filter_path": ["hits.hits._score", "hits.hits._source"],
    "source": {"excludes": [f"{VECTOR}*"]},
}

Query = dict[str, Any]


class Searcher:
    """Answers questions from the index behind `alias`."""

    def __init__(self, client: Elasticsearch, alias: str) -> None:
        self._client = client
        self._alias = alias
        self._counted_at, self._counts = -COUNTS_SECONDS, dict[str, int]()
        # Copies of a shard differ in passages deleted but not yet merged away, and so a little in scores:
        # one client asks the same copies again, and many clients together use all of them.
        self._preference = uuid4().hex

    def search(self, question: str, top_k: int, filters: Filters | None) -> list[Hit]:
        """The best `top_k` living passages. Raises the client's errors."""
        return patiently(lambda: self._search(question, top_k, filters))

    def languages(self) -> dict[str, int]:
        """Passages per language, counted now."""
        reply = self._ask(
            size=0,
            query={"term": {"role": "passage"}},
            aggregations={"languages": {"terms": {"field": "language", "size": LANGUAGES}}},
        )
        return {each["key"]: each["doc_count"] for each in reply["aggregations"]["languages"]["buckets"]}

    def forget(self) -> None:
        """Count anew before the next question: something was written."""
        self._counted_at = -COUNTS_SECONDS

    def _search(self, question: str, top_k: int, filters: Filters | None) -> list[Hit]:
        query = self._query(question, filters)
        return [] if query is None else best_first(lambda limit: self._hits(query, limit), top_k)

    def _query(self, question: str, filters: Filters | None) -> Query | None:
        languages = self._remembered_languages()
        passages = sum(languages.values())
        passages_with = self._passages_with(question_terms(question, languages), len(languages))
        weights = weighted_terms(question, languages, passages_with)
        if not weights:
            return None
        clauses = [
            {"term": {"terms": {"value": term, "boost": weight / _own_rarity(passages, passages_with(term))}}}
            for term, weight in weights.items()
        ]
        alternatives = [{"terms": {"facts": facts}} for facts in conditions(filters or {})]
        return {"bool": {"should": clauses, "minimum_should_match": 1, "filter": alternatives}}

    def _remembered_languages(self) -> dict[str, int]:
        if time.monotonic() - self._counted_at >= COUNTS_SECONDS:
            self._counts = self.languages()
            self._counted_at = time.monotonic() if self._counts else -COUNTS_SECONDS
        return self._counts

    def _passages_with(self, terms: Sequence[str], languages: int) -> Callable[[str], int]:
        """How many passages hold a term.

        Elasticsearch's own weights are right where all passages are in one language. There any number will do,
        since it is divided out again.
        """
        if languages == 1 and len(terms) <= MAX_TERMS:
            return lambda term: 1
        return self._count(terms).__getitem__

    def _count(self, terms: Sequence[str]) -> dict[str, int]:
        if not terms:
            return {}
        names = {str(number): {"term": {"terms": term}} for number, term in enumerate(terms)}
        reply = self._ask(
            size=0,
            aggregations={"terms": {"filters": {"filters": names}}},
            filter_path="aggregations.terms.buckets.*.doc_count",
        )
        buckets = reply["aggregations"]["terms"]["buckets"]
        return {term: buckets[str(number)]["doc_count"] for number, term in enumerate(terms)}

    def _hits(self, query: Query, limit: int) -> list[Hit]:
        """The best `limit` living passages, or all there are."""
        size = limit
        while True:
            found = self._found(query, size)
            hits = [Hit(passage_from(hit["_source"]), hit["_score"]) for hit in self.living(found)]
            if len(hits) >= limit or len(found) < size:
                return hits[:limit]
            size *= 2

    def _found(self, query: Query, size: int) -> list[Mapping[str, Any]]:
        reply = self._ask(
            query=query,
            size=size,
            search_type="dfs_query_then_fetch",
            **SHOWN_HITS,
        )
        return _hits_in(reply)

    def nearest(self, knn: Query, size: int) -> list[Mapping[str, Any]]:
        """The `size` entries that a search by vectors finds, dead ones among them."""
        return _hits_in(self._ask(knn=knn, size=size, **SHOWN_HITS))

    def living(self, hits: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
        """The hits that count: passages of their document's living generation, looked up in real time."""
        names = {hit["_source"]["document_id"] for hit in hits}
        living = patiently(lambda: living_generations(self._client, self._alias, names))
        entries = ((hit, hit["_source"]) for hit in hits)
        return [hit for hit, entry in entries if living.get(entry["document_id"]) == entry["generation"]]

    def _ask(self, **request: Any) -> dict[str, Any]:
        """A search that counts every shard, or fails."""
        reply: dict[str, Any] = self._client.search(
            index=self._alias,
            track_total_hits=False,
            allow_partial_search_results=False,
            preference=self._preference,
            **request,
        ).body
        return reply


def _hits_in(reply: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    hits: list[Mapping[str, Any]] = reply.get("hits", {}).get("hits", [])
    return hits


def living_generations(client: Elasticsearch, alias: str, document_ids: Iterable[str]) -> dict[str, str]:
    """The generation that each document's record names, as of this moment; documents without one are left out."""
    ids = [record_id(document_id) for document_id in document_ids]
    if not ids:
        return {}
    reply = client.mget(
        index=alias,
        ids=ids,
        source_includes=["document_id", "generation"],
        filter_path=["docs.found", "docs._source", "docs.error"],
    )
    found = (entry["_source"] for entry in whole(reply["docs"]) if entry.get("found"))
    return {entry["document_id"]: entry["generation"] for entry in found}


def _own_rarity(passages: int, containing: int) -> float:
    """The inverse document frequency that Elasticsearch multiplies by."""
    return inverse_document_frequency(passages, min(passages, containing))
