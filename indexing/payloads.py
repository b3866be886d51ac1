"""Passages and document records as bytes, as the embedded store keeps them: JSON in UTF-8 with surrogates."""

import json
from collections.abc import Mapping
from typing import Any

from fundstelle.indexing.documents import AnalysedDocument, DocumentRecord, Passage


def encode_passage(passage: Passage) -> bytes:
    return _encode(
        {
            "id": passage.id,
            "document_id": passage.document_id,
            "text": passage.text,
            "start": passage.start,
            "source": passage.source,
            "language": passage.language,
            "title": passage.title,
            "page": passage.page,
            "meta": dict(passage.meta),
        }
    )


def decode_passage(payload: bytes) -> Passage:
    return Passage(**_decode(payload))


def encode_record(analysed: AnalysedDocument) -> bytes:
    """The record of the document, as `decode_record` gives it back."""
    return _encode(record_fields(analysed))


def decode_record(payload: bytes) -> DocumentRecord:
    return record_of(_decode(payload))


def record_fields(analysed: AnalysedDocument) -> dict[str, Any]:
    """The record of the document as JSON knows it, for `record_of`."""
    document = analysed.document
    return {
        "id": document.id,
        "source": document.source,
        "origin": document.origin,
        "title": document.title,
        "language": document.language,
        "pages": list(document.pages),
        "meta": dict(document.meta),
        "content_hash": document.content_hash,
        "characters": len(document.text),
        "passages": len(analysed.passages),
    }


def record_of(fields: Mapping[str, Any]) -> DocumentRecord:
    return DocumentRecord(**{**fields, "pages": tuple(fields["pages"])})


def _encode(fields: dict[str, Any]) -> bytes:
    return json.dumps(fields, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "surrogatepass")


def _decode(payload: bytes) -> dict[str, Any]:
    fields: dict[str, Any] = json.loads(bytes(payload).decode("utf-8", "surrogatepass"))
    return fields
