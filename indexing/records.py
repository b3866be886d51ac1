"""JSON and JSON Lines: records of `text`, `title` and `meta`."""

import json
from typing import Any

from fundstelle.indexing.decoding import decode
from fundstelle.indexing.extract import Extract, one_line, plain_meta
from fundstelle.indexing.files import ReadingError

_TEXT_KEYS = ("text", "content")


def read_json(data: bytes) -> list[Extract]:
    """The documents of an object with a `text`, or of an array of such objects."""
    content = _parse(decode(data), 1)
    records = content if isinstance(content, list) else [content]
    return [_record(record, f"Record {number}") for number, record in enumerate(records, 1)]


def read_jsonl(data: bytes) -> list[Extract]:
    """The documents of a file that has one object with a `text` on each line that is not blank."""
    lines = enumerate(decode(data).split("\n"), 1)
    return [_record(_parse(line, number), f"Line {number}") for number, line in lines if line.strip()]


def _parse(text: str, first_line: int) -> Any:
    try:
        return json.loads(text)
    except json.JSONDecodeError as error:
        line = first_line + error.lineno - 1
        raise ReadingError(
            f"It is not valid JSON in line {line}, column {error.colno}: {error.msg}."
        ) from error
    except (RecursionError, ValueError) as error:
        raise ReadingError(f"It is not JSON that can be read, from line {first_line} on: {error}.") from error


def _record(record: Any, place: str) -> Extract:
    """The document of one object; keys other than text, title and language are metadata, as is what `meta` holds."""
    text = (
        next((record[key] for key in _TEXT_KEYS if key in record), None) if isinstance(record, dict) else None
    )
    if not isinstance(text, str):
        raise ReadingError(
            f'{place} has no "text"; each object needs one: {{"text": "...", "title": "..."}}.'
        )
    title, language, meta = (record.get(key) for key in ("title", "language", "meta"))
    named = {"title", "language", "meta", *_TEXT_KEYS}
    values = {key: value for key, value in record.items() if key not in named}
    if isinstance(meta, dict):
        values |= meta
    return Extract(
        text,
        title=one_line(str(title or "")),
        language=language if isinstance(language, str) and language else "und",
        meta=plain_meta(values),
    )
