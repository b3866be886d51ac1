"""Haystack 1's labels: marks of answers, kept as they came, given as SQuAD."""

import json
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

from fundstelle.api.database import Database
from fundstelle.api.haystack1_schemas import LabelRequest

FROM_USERS = "user-feedback"

_TABLE = "CREATE TABLE IF NOT EXISTS labels (id TEXT PRIMARY KEY, origin TEXT NOT NULL, label TEXT NOT NULL)"

Label = dict[str, Any]


class Labels:
    """The labels of a service's database."""

    def __init__(self, database: Database) -> None:
        self._database = database
        database.change(_TABLE)

    def add(self, request: LabelRequest) -> None:
        """Keep a label; one with the id of another takes its place."""
        now = f"{datetime.now(UTC):%Y-%m-%d %H:%M:%S}"
        label = request.model_dump(exclude={"no_answer"})
        label["document"]["embedding"] = None
        label |= {
            "id": request.id or uuid4().hex,
            "created_at": request.created_at or now,
            "updated_at": request.updated_at,
            "meta": request.meta or {},
        }
        values = (label["id"], request.origin, json.dumps(label, ensure_ascii=False))
        self._database.change("INSERT OR REPLACE INTO labels VALUES (?, ?, ?)", values)

    def all(self, origin: str | None = None) -> list[Label]:
        """The labels, or those of an origin, in the order in which they came."""
        rows = self._database.rows(
            "SELECT label FROM labels WHERE origin = coalesce(?, origin) ORDER BY rowid", [origin]
        )
        return [json.loads(row["label"]) for row in rows]

    def delete(self, origin: str) -> None:
        """Forget the labels of an origin."""
        self._database.change("DELETE FROM labels WHERE origin = ?", [origin])


def accuracy(labels: Iterable[Mapping[str, Any]]) -> dict[str, Any]:
    """Shares of right answers and documents; None where there are no labels."""
    marks = [(label["is_correct_answer"], label["is_correct_document"]) for label in labels]
    shares = [sum(mark) / len(marks) for mark in zip(*marks, strict=True)] if marks else [None, None]
    return {"answer_accuracy": shares[0], "document_accuracy": shares[1], "n_feedback": len(marks)}


def as_squad(labels: Iterable[Label], context_size: int | None, only_right: bool) -> dict[str, Any]:
    """Labels as SQuAD 2 data.

    A right document with a wrong answer says neither what the answer is nor that there is none: it is left
    out, as is an answer that does not stand in its document.

    Args:
        context_size: characters of a context, answer included; None: the whole document.
        only_right: leave out what says that a document has no answer.
    """
    paragraphs = (_paragraph(label, context_size) for label in _telling(labels, only_right))
    return {"data": [{"paragraphs": [each]} for each in paragraphs if each]}


def _telling(labels: Iterable[Label], only_right: bool) -> Iterator[Label]:
    for label in labels:
        right, right_document = label["is_correct_answer"], label["is_correct_document"]
        if right or not (right_document or only_right):
            yield label


def _paragraph(label: Label, context_size: int | None) -> dict[str, Any] | None:
    content, answer = label["document"]["content"], label["answer"] or {}
    text = answer.get("answer") or ""
    is_impossible = not label["is_correct_answer"] or not text
    start = _place(content, text, answer) if text else 0
    if start is None and not is_impossible:
        return None
    low, high = _window(start or 0, len(text), len(content), context_size)
    answers = [] if is_impossible else [{"text": text, "answer_start": (start or 0) - low}]
    question = {
        "question": label["query"],
        "id": label["id"],
        "is_impossible": is_impossible,
        "answers": answers,
    }
    return {"context": content[low:high], "id": label["id"], "qas": [question]}


def _place(content: str, text: str, answer: Mapping[str, Any]) -> int | None:
    """Where the answer stands: where it says, or else where it stands first; None: nowhere."""
    spans = answer.get("offsets_in_document") or [{"start": 0}]
    start = int(spans[0]["start"])
    if start >= 0 and content.startswith(text, start):
        return start
    found = content.find(text)
    return None if found < 0 else found


def _window(start: int, length: int, total: int, size: int | None) -> tuple[int, int]:
    """`size` characters with the answer in their middle, moved into the text; never less than the answer."""
    if size is None or size >= total:
        return 0, total
    size = max(size, length)
    low = max(min(start - (size - length) // 2, total - size), 0)
    return low, low + size
