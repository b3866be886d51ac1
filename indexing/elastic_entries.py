"""Passages and document records as entries of the Elasticsearch index, and back.

Elasticsearch takes no text that is not Unicode (names of files may hold such bytes), no number beyond its own and
no NUL in a name. What it cannot take as it is goes into `exact` as JSON, beside something like it that people see.
"""

import json
import math
from collections.abc import Mapping
from typing import Any

from fundstelle.indexing.documents import AnalysedDocument, DocumentRecord, Meta, Passage, identifier
from fundstelle.indexing.filters import exact_term, facts
from fundstelle.indexing.payloads import record_fields, record_of
from fundstelle.indexing.vectors import content_key

SHOWN = ("document_id", "text", "title", "source", "meta")


def generation_of(analysed: AnalysedDocument) -> str:
    """A name for this state of a document: the same content gets the same name, so that repeating is harmless."""
    document = analysed.document
    passages = (
        f"{passage.start}\x1f{passage.language}\x1f{passage.text}\x1f{terms}\x1f{title_terms}"
        for passage, terms, title_terms in zip(
            analysed.passages, analysed.terms, analysed.title_terms, strict=True
        )
    )
    meta = json.dumps(dict(document.meta), sort_keys=True)
    return identifier(document.content_hash, document.id, document.source, document.title, meta, *passages)


def record_id(document_id: str) -> str:
    """The name of a document's record in the index. Names there are short, ids of a user's own need not be."""
    return f"document-{identifier(exact_term(document_id))}"


def passage_id(passage: Passage, generation: str) -> str:
    """The name of a passage's entry in the index."""
    return f"passage-{identifier(passage.id, generation)}"


def passage_entry(passage: Passage, terms: str, generation: str) -> dict[str, Any]:
    shown = {
        "document_id": exact_term(passage.document_id),
        "text": _unicode(passage.text),
        "title": _unicode(passage.title),
        "source": _unicode(passage.source),
        "meta": _plain(passage.meta),
    }
    exact = {name: value for name in SHOWN if (value := getattr(passage, name)) != shown[name]}
    return {
        "role": "passage",
        "id": passage.id,
        "generation": generation,
        "language": passage.language,
        "facts": facts(passage),
        "content": content_key(passage),
        "start": passage.start,
        "terms": terms,
        "page": passage.page,
        **shown,
        **({"exact": json.dumps(exact)} if exact else {}),
    }


def _unicode(text: str) -> str:
    """`text` with a question mark in the place of each half of a surrogate pair that stands alone."""
    return text.encode("utf-8", "replace").decode("utf-8")


def _plain(meta: Meta) -> dict[str, Any]:
    """The metadata that Elasticsearch takes."""
    return {
        _unicode(name): _unicode(value) if isinstance(value, str) else value
        for name, value in meta.items()
        if "\0" not in name and not (isinstance(value, float) and math.isinf(value))
    }


def passage_from(entry: Mapping[str, Any]) -> Passage:
    shown = {name: entry[name] for name in SHOWN}
    return Passage(
        id=entry["id"],
        start=entry["start"],
        language=entry["language"],
        page=entry["page"],
        **(shown | json.loads(entry.get("exact", "{}"))),
    )


def document_entry(analysed: AnalysedDocument, generation: str) -> dict[str, Any]:
    document = analysed.document
    return {
        "role": "document",
        "document_id": exact_term(document.id),
        "generation": generation,
        "origin": exact_term(document.origin),
        "record": json.dumps(record_fields(analysed)),
    }


def record_from(entry: Mapping[str, Any]) -> DocumentRecord:
    return record_of(json.loads(entry["record"]))
