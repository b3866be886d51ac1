"""What the embedded store puts into tantivy and asks of it: schema, entries, queries.

Nothing is analysed here: terms come ready and are split at spaces. All scoring is tantivy's BM25 (k1 = 1.2,
b = 0.75), except that boosts replace its inverse document frequencies as `ranking` describes.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

import tantivy

from fundstelle.indexing.documents import AnalysedDocument, Passage
from fundstelle.indexing.filters import conditions, exact_term, facts
from fundstelle.indexing.payloads import decode_passage, encode_passage, encode_record
from fundstelle.indexing.ranking import inverse_document_frequency
from fundstelle.indexing.store import Filters, Hit
from fundstelle.indexing.vectors import content_key

ENTRY, FIRST, PASSAGE = "entry", "first", "passage"
"""Roles: every entry has the first, the entry with its document's record the second, passages the third."""


def open_index(folder: Path) -> tantivy.Index:
    folder.mkdir(exist_ok=True)
    index = tantivy.Index(_schema(), str(folder), reuse=True)
    index.config_reader("manual")
    index.register_tokenizer(
        "whitespace", tantivy.TextAnalyzerBuilder(tantivy.Tokenizer.whitespace()).build()
    )
    return index


def _schema() -> tantivy.Schema:
    builder = tantivy.SchemaBuilder()
    for name in ("document_id", "origin", "language", "role", "facts"):
        builder.add_text_field(name, tokenizer_name="raw", index_option="basic")
    builder.add_text_field("terms", tokenizer_name="whitespace", index_option="freq")
    builder.add_unsigned_field("content", indexed=True, fast=True)
    for name in ("passage", "record"):
        builder.add_bytes_field(name, stored=True)
    return builder.build()


def entries_of(analysed: AnalysedDocument) -> Iterator[tantivy.Document]:
    """The passages of a document; the first carries the document's record."""
    document = analysed.document
    rows: Sequence[tuple[Passage | None, str, str]] = [(None, "", "")]
    if analysed.passages:
        rows = list(zip(analysed.passages, analysed.terms, analysed.title_terms, strict=True))
    for number, (passage, terms, title_terms) in enumerate(rows):
        entry = tantivy.Document()
        entry.add_text("document_id", exact_term(document.id))
        entry.add_text("role", ENTRY)
        if number == 0:
            entry.add_text("role", FIRST)
            entry.add_text("origin", exact_term(document.origin))
            entry.add_bytes("record", encode_record(analysed))
        if passage is not None:
            _add_passage(entry, passage, f"{terms} {title_terms}")
        yield entry


def _add_passage(entry: tantivy.Document, passage: Passage, terms: str) -> None:
    entry.add_text("role", PASSAGE)
    entry.add_unsigned("content", content_key(passage))
    entry.add_text("terms", terms)
    entry.add_text("language", passage.language)
    for fact in facts(passage):
        entry.add_text("facts", fact)
    entry.add_bytes("passage", encode_passage(passage))


def boosts_of(
    weights: Mapping[str, float], entries: int, passages_with: Callable[[str], int]
) -> dict[str, float]:
    """What replaces tantivy's inverse document frequency of each term by its weight."""
    return {
        term: weight / inverse_document_frequency(entries, passages_with(term))
        for term, weight in weights.items()
    }


def any_of(schema: tantivy.Schema, boosts: Mapping[str, float]) -> tantivy.Query:
    return tantivy.Query.boolean_query(
        [(tantivy.Occur.Should, _boosted_term(schema, term, boost)) for term, boost in boosts.items()]
    )


def _boosted_term(schema: tantivy.Schema, term: str, boost: float) -> tantivy.Query:
    query = tantivy.Query.term_query(schema, "terms", term, index_option="freq")
    return tantivy.Query.boost_query(query, boost)


def filtered(query: tantivy.Query, schema: tantivy.Schema, filters: Filters | None) -> tantivy.Query:
    """`query` within the passages that meet `filters`, which add nothing to the score."""
    clauses = [(tantivy.Occur.Must, query), *_clauses(schema, filters)]
    return tantivy.Query.boolean_query(clauses) if len(clauses) > 1 else query


def _clauses(schema: tantivy.Schema, filters: Filters | None) -> list[tuple[tantivy.Occur, tantivy.Query]]:
    """What a passage must have besides; without a score."""
    return [
        (tantivy.Occur.Must, tantivy.Query.const_score_query(_any_fact(schema, alternatives), 0.0))
        for alternatives in conditions(filters or {})
    ]


def _any_fact(schema: tantivy.Schema, alternatives: Sequence[str]) -> tantivy.Query:
    return tantivy.Query.term_set_query(schema, "facts", list(alternatives))


def filtered_passages(schema: tantivy.Schema, filters: Filters | None) -> tantivy.Query:
    """All passages that meet `filters`; nothing but passages has facts."""
    if clauses := _clauses(schema, filters):
        return tantivy.Query.boolean_query(clauses)
    return tantivy.Query.term_query(schema, "role", PASSAGE, index_option="basic")


def with_contents(schema: tantivy.Schema, keys: Sequence[int], filters: Filters | None) -> tantivy.Query:
    """The passages of these contents that meet `filters`."""
    return filtered(tantivy.Query.term_set_query(schema, "content", list(keys)), schema, filters)


def contents_of(
    searcher: tantivy.Searcher, query: tantivy.Query, count: int | None = None
) -> list[tuple[int, tantivy.DocAddress]]:
    """Content key and place of each passage that `query` finds, in the order of the keys; nothing is loaded."""
    count = count_of(searcher, query) if count is None else count
    if not count:
        return []
    found: list[tuple[int, tantivy.DocAddress]] = searcher.search(
        query, count, count=False, order_by_field="content"
    ).hits
    return found


def passage_at(searcher: tantivy.Searcher, place: tantivy.DocAddress) -> Passage:
    return decode_passage(searcher.doc(place)["passage"][0])


def hits_of(searcher: tantivy.Searcher, query: tantivy.Query, limit: int) -> list[Hit]:
    found = searcher.search(query, limit, count=False).hits
    return [Hit(passage_at(searcher, place), score) for score, place in found]


def count_of(searcher: tantivy.Searcher, query: tantivy.Query) -> int:
    return int(searcher.search(query, 1, count=True).count or 0)  # type: ignore[attr-defined]
