"""FARM's inputs: a text with its questions, in the shape of its REST service or of SQuAD."""

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any


@dataclass
class Question:
    """A question for `QAInput`, with an id if it has one."""

    text: str
    uid: str | None = None

    def to_dict(self) -> dict[str, Any]:
        """As `inference_from_dicts` takes it."""
        return {"question": self.text, "id": self.uid, "answers": []}


@dataclass
class QAInput:
    """A text and the questions about it, or one."""

    doc_text: str
    questions: list[Question] | Question = field(default_factory=list)

    def to_dict(self) -> dict[str, Any]:
        """As `inference_from_dicts` takes it."""
        questions = self.questions if isinstance(self.questions, list) else [self.questions]
        return {"context": self.doc_text, "qas": [question.to_dict() for question in questions]}


@dataclass(frozen=True, slots=True)
class Basket:
    """One question about one text.

    Attributes:
        id: of the last version: the text's, else the question's own, else made of their numbers.
        question_id: of version 0.4: the question's own, else its number within its text.
        document_id: of version 0.4: the text's.
    """

    id: str
    question_id: Any
    document_id: str | None
    question: str
    text: str
    labels: Any


def baskets(dicts: Iterable[Mapping[str, Any]]) -> Iterator[Basket]:
    """Every question of every text, in order.

    Accepts `{"questions": [...], "text": ..., "id" or "document_id": ...}` and `{"qas": [...], "context": ...}`,
    where a question is a text or `{"question", "id", "answers"}`.

    Raises:
        KeyError: there is no text, or there are no questions.
    """
    for number, given in enumerate(dicts):
        questions = _one_of(given, "qas", "questions", "question")
        text = _one_of(given, "context", "text", "document_text")
        document_id = given.get("document_id", given.get("id"))
        for index, question in enumerate([questions] if isinstance(questions, (str, Mapping)) else questions):
            whole = question if isinstance(question, Mapping) else {"question": question}
            own = whole.get("id")
            name = next((each for each in (given.get("id"), own) if each is not None), f"{number}-{index}")
            yield Basket(
                str(name),
                index if own is None else own,
                None if document_id is None else str(document_id),
                whole["question"],
                text,
                whole.get("answers") or None,
            )


def _one_of(given: Mapping[str, Any], *names: str) -> Any:
    for name in names:
        if name in given:
            return given[name]
    raise KeyError(
        f"An input needs one of {', '.join(names)}; this one has {', '.join(map(str, given)) or 'nothing'}."
    )


def file_to_dicts(file: str | Path) -> list[dict[str, Any]]:
    """The inputs in a SQuAD file, or in a file that is a list of inputs."""
    content = json.loads(Path(file).read_text(encoding="utf-8"))
    if isinstance(content, list):
        return content
    return [paragraph for document in content["data"] for paragraph in document["paragraphs"]]
