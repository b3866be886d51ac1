"""Haystack 1's documents and answers: the same fields, and the same dictionaries."""

import json
from dataclasses import asdict, dataclass, fields
from hashlib import blake2b
from typing import Any, Self


@dataclass
class Span:
    """Characters `[start, end)` of a text."""

    start: int
    end: int


@dataclass
class _Record:
    """What documents and answers have in common."""

    def to_dict(self) -> dict[str, Any]:
        """Plain values."""
        return asdict(self)

    def to_json(self) -> str:
        """The same as JSON."""
        return json.dumps(self.to_dict(), ensure_ascii=False)

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> Self:
        """From plain values; unknown ones are passed over."""
        names = {field.name for field in fields(cls)}
        return cls(**{name: value for name, value in values.items() if name in names})

    @classmethod
    def from_json(cls, values: str) -> Self:
        """From JSON."""
        return cls.from_dict(json.loads(values))


@dataclass
class Document(_Record):
    """A text to be read. Without an `id` it gets one made of its content (or of `id_hash_keys`).

    An `id` that is a number becomes a text.
    """

    content: str
    content_type: str = "text"
    id: str | None = None
    score: float | None = None
    meta: dict[str, Any] | None = None
    embedding: Any = None
    id_hash_keys: list[str] | None = None

    def __post_init__(self) -> None:
        self.meta = self.meta or {}
        if self.id is not None:
            self.id = str(self.id)
        else:
            hashed = [
                str(getattr(self, key, self.meta.get(key, ""))) for key in self.id_hash_keys or ["content"]
            ]
            self.id = blake2b(":".join(hashed).encode("utf-8", "surrogatepass"), digest_size=16).hexdigest()

    @property
    def text(self) -> str:
        """The content, as the reader calls it."""
        return self.content


@dataclass
class Answer(_Record):
    """An answer; `answer` is "" for none. Answers compare by score.

    Attributes:
        score: from 0 to 1, or of any size where a reader has `use_confidence_scores=False`.
        context: the text around the answer.
        offsets_in_document, offsets_in_context: one `Span` each.
        document_ids: one id; None for no answer.
    """

    answer: str
    type: str = "extractive"
    score: float | None = None
    context: str | None = None
    offsets_in_document: list[Span] | None = None
    offsets_in_context: list[Span] | None = None
    document_ids: list[str] | None = None
    meta: dict[str, Any] | None = None

    def __post_init__(self) -> None:
        self.meta = self.meta or {}
        for name in ("offsets_in_document", "offsets_in_context"):
            spans = getattr(self, name)
            if spans is not None:
                setattr(self, name, [Span(**span) if isinstance(span, dict) else span for span in spans])

    def __lt__(self, other: "Answer") -> bool:
        return (self.score or 0.0) < (other.score or 0.0)


def no_answer(score: float) -> Answer:
    """The answer that says there is none."""
    return Answer("", score=score, offsets_in_document=[Span(0, 0)], offsets_in_context=[Span(0, 0)])
