"""Passages and document records as entries of the Elasticsearch index, and back."""

from collections.abc import Mapping
from typing import Any

from fundstelle.indexing.documents import AnalysedDocument, DocumentRecord, Passage, identifier
from fundstelle.indexing.filters import exact_term, facts


def generation_of(analysed: AnalysedDocument) -> str:
    """A name for this state of a document: the same content gets the same name, so that repeating is harmless."""
    texts = (f"{passage.start}\x1f{passage.language}\x1f{passage.text}" for passage in analysed.passages)
    return identifier(analysed.document.content_hash, analysed.document.id, *texts)


def passage_entry(passage: Passage, terms: str, generation: str) -> dict[str, Any]:
    return {
        "role": "passage",
        "id": passage.id,
        "document_id": exact_term(passage.document_id),
        "generation": generation,
        "language": passage.language,
        "facts": facts(passage),
        "start": passage.start,
        "terms": terms,
        "text": passage.text,
        "title": passage.title,
        "source": exact_term(passage.source),
        "page": passage.page,
        "meta": dict(passage.meta),
    }


def passage_from(entry: Mapping[str, Any]) -> Passage:
    return Passage(
        id=entry["id"],
        document_id=entry["document_id"],
        text=entry["text"],
        start=entry["start"],
        source=entry["source"],
        language=entry["language"],
        title=entry["title"],
        page=entry["page"],
        meta=entry["meta"],
    )


def document_entry(analysed: AnalysedDocument, generation: str) -> dict[str, Any]:
    document = analysed.document
    return {
        "role": "document",
        "document_id": exact_term(document.id),
        "generation": generation,
        "origin": exact_term(document.origin),
        "record": {
            "id": document.id,
            "source": exact_term(document.source),
            "origin": exact_term(document.origin),
            "title": document.title,
            "language": document.language,
            "pages": list(document.pages),
            "meta": dict(document.meta),
            "content_hash": document.content_hash,
            "characters": len(document.text),
            "passages": len(analysed.passages),
        },
    }


def record_from(entry: Mapping[str, Any]) -> DocumentRecord:
    record = entry["record"]
    return DocumentRecord(**{**record, "pages": tuple(record["pages"])})
