"""A store and a reader small enough to see through: words in common, and words marked as answers."""

from collections.abc import Iterator, Mapping, Sequence

import pytest
import regex

from fundstelle.indexing.documents import DocumentRecord, Passage, identifier
from fundstelle.indexing.store import Filters, Hit, VectorSpace
from fundstelle.reader.confidence import Calibration
from fundstelle.reader.readings import Reading, Span, Text
from fundstelle.reader.settings import ReaderSettings

WORD = regex.compile(r"\w+")


class WordStore:
    """Passages in memory; a passage scores one for each word of the question it holds."""

    address = "memory"

    def __init__(
        self, documents: Mapping[str, Sequence[str]], pages: Mapping[str, tuple[int, ...]] | None = None
    ):
        self.pages = pages or {}
        self.by_document = {
            name: _passages(name, texts, paged=name in self.pages) for name, texts in documents.items()
        }
        self.listed: list[str] = []

    def search(self, question: str, top_k: int = 20, filters: Filters | None = None) -> list[Hit]:
        words = set(WORD.findall(question.casefold()))
        found = []
        for passage in self.passages():
            if all(passage.meta.get(key) in values for key, values in (filters or {}).items()):
                score = float(len(words & set(WORD.findall(passage.text.casefold()))))
                found.append(Hit(passage, score))
        found.sort(key=lambda hit: (-hit.score, hit.passage.id))
        return [hit for hit in found if hit.score > 0][:top_k]

    def vector_space(self) -> VectorSpace | None:
        return None

    def passages(self, document_id: str | None = None) -> Iterator[Passage]:
        if document_id is not None:
            self.listed.append(document_id)
            yield from self.by_document.get(document_id, [])
            return
        for passages in self.by_document.values():
            yield from passages

    def record(self, document_id: str) -> DocumentRecord | None:
        passages = self.by_document[document_id]
        characters = sum(len(passage.text) for passage in passages)
        pages = self.pages.get(document_id, ())
        return DocumentRecord(
            document_id, document_id, document_id, "", "en", pages, {}, "", characters, len(passages)
        )

    def languages(self) -> dict[str, int]:
        return {"en": sum(1 for _ in self.passages())}

    def text(self, document_id: str) -> str:
        return "".join(passage.text for passage in self.by_document[document_id])


def _passages(name: str, texts: Sequence[str], paged: bool) -> list[Passage]:
    start, passages = 0, []
    for text in texts:
        meta = {"room": name.split("/")[0]}
        page = 1 if paged else None
        passages.append(Passage(identifier(name, start), name, text, start, name, "en", page=page, meta=meta))
        start += len(text)
    return passages


class MarkReader:
    """Finds words in *stars*: `*word*` with a margin of 4, `**word**` with one of 8."""

    def __init__(self, calibration: Calibration | None = None):
        self.calibration = calibration or Calibration(intercept=-2.0, margin=1.0, evidence=3.0)
        self.settings = ReaderSettings()
        self.batches: list[int] = []

    def read_batch(self, requests: Sequence[tuple[str, Sequence[Text]]]) -> list[list[Reading]]:
        self.batches.append(sum(len(passages) for _, passages in requests))
        return [[_reading(passage) for passage in passages] for _, passages in requests]


def _reading(passage: Text) -> Reading:
    spans = [
        Span(match.start(2), match.end(2), 1.0 + 4.0 * len(match[1]))
        for match in regex.finditer(r"(\*+)([^*]+)\*+", passage.text)
    ]
    return Reading(passage.id, tuple(sorted(spans, key=lambda span: -span.score)), 1.0)


@pytest.fixture
def word_store() -> type[WordStore]:
    return WordStore


@pytest.fixture
def mark_reader() -> type[MarkReader]:
    return MarkReader
