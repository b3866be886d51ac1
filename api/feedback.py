"""What people say of answers, kept with the text they saw, and given back as a SQuAD 2 file."""

import time
from collections.abc import Iterable
from dataclasses import asdict, astuple, dataclass, field
from enum import StrEnum
from typing import Any
from uuid import uuid4

from fundstelle.api.database import Database
from fundstelle.indexing.documents import DocumentRecord, Passage, identifier
from fundstelle.indexing.store import PassageStore
from fundstelle.pipelines.contexts import around


class Verdict(StrEnum):
    """Whether an answer is right, wrong with another one in the same passage, or wrong altogether."""

    RIGHT = "right"
    WRONG = "wrong"
    WRONG_SPAN = "wrong-span"


@dataclass(frozen=True, slots=True)
class Mark:
    """One person's verdict on one answer, with the passage as it stood then.

    Attributes:
        start, end: range of the answer in the document; `context_start` is the offset of `context` there.
    """

    question: str
    document_id: str
    source: str
    title: str
    context: str
    context_start: int
    start: int
    end: int
    text: str
    verdict: Verdict
    language: str
    comment: str = ""
    id: str = field(default_factory=lambda: uuid4().hex)
    created: float = field(default_factory=time.time)


class FeedbackError(ValueError):
    """The place that was marked is not there; the message says why."""


def mark(
    store: PassageStore,
    question: str,
    document: DocumentRecord,
    start: int,
    end: int,
    verdict: Verdict,
    *,
    text: str | None = None,
    comment: str = "",
) -> Mark:
    """The mark on characters `[start, end)` of a document, with the passages that hold them as its context.

    Raises:
        FeedbackError: the document has no such place, or another text stands there by now.
    """
    passages = around(store.passages(document.id), start, end)
    context, offset = _joined(passages)
    quoted = context[start - offset : end - offset]
    if end <= start or not passages or end > offset + len(context):
        raise FeedbackError(
            f"The document has {document.characters:,} characters; {start}-{end} is not among them."
        )
    if text is not None and text != quoted:
        raise FeedbackError("The document has changed: another text stands there now. Ask again.")
    return Mark(
        question=question,
        document_id=document.id,
        source=document.source,
        title=document.title,
        context=context,
        context_start=offset,
        start=start,
        end=end,
        text=quoted,
        verdict=verdict,
        language=passages[0].language,
        comment=comment,
    )


def _joined(passages: list[Passage]) -> tuple[str, int]:
    return "".join(passage.text for passage in passages), passages[0].start if passages else 0


class FeedbackRecords:
    """The marks of a database."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def add(self, one: Mark) -> None:
        columns = ", ".join(asdict(one))
        places = ", ".join("?" * len(asdict(one)))
        self._database.change(f"INSERT INTO feedback ({columns}) VALUES ({places})", astuple(one))

    def all(self, language: str | None = None) -> list[Mark]:
        """Every mark, oldest first."""
        rows = self._database.rows(
            "SELECT * FROM feedback WHERE ? IN ('', language) ORDER BY created, rowid", [language or ""]
        )
        return [Mark(**{**dict(row), "verdict": Verdict(row["verdict"])}) for row in rows]

    def remove(self, mark_id: str) -> bool:
        """Whether there was such a mark."""
        return bool(self._database.change("DELETE FROM feedback WHERE id = ?", [mark_id]))


def as_squad(marks: Iterable[Mark]) -> dict[str, Any]:
    """The marks as SQuAD 2: right answers are gold, and what is wrong altogether is impossible.

    One question over one passage is asked once: all right answers to it are gold answers, and it is impossible
    only if no mark says that the passage holds an answer. Where an answer is known to be there but not which,
    the question is left out.
    """
    articles: dict[str, dict[str, list[Mark]]] = {}
    for one in marks:
        articles.setdefault(one.title or one.source, {}).setdefault(one.context, []).append(one)
    data = []
    for title, paragraphs in articles.items():
        asked = [{"context": context, "qas": _questions(group)} for context, group in paragraphs.items()]
        if kept := [paragraph for paragraph in asked if paragraph["qas"]]:
            data.append({"title": title, "paragraphs": kept})
    return {"version": "v2.0", "data": data}


def _questions(marks: list[Mark]) -> list[dict[str, Any]]:
    by_question: dict[str, list[Mark]] = {}
    for one in marks:
        by_question.setdefault(one.question, []).append(one)
    return [entry for group in by_question.values() if (entry := _question(group)) is not None]


def _question(marks: list[Mark]) -> dict[str, Any] | None:
    """One entry of `qas`; None where it is unknown which answer is right."""
    right = {(one.start - one.context_start, one.text) for one in marks if one.verdict is Verdict.RIGHT}
    if not right and any(one.verdict is Verdict.WRONG_SPAN for one in marks):
        return None
    return {
        "id": identifier(marks[0].question, marks[0].context),
        "question": marks[0].question,
        "is_impossible": not right,
        "answers": [{"text": text, "answer_start": start} for start, text in sorted(right)],
    }
