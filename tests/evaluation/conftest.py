"""Small files in SQuAD format, a reader without a model, and the place of the shared sets."""

import json
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from fundstelle.indexing.analysis import index_terms
from fundstelle.indexing.documents import AnalysedDocument, Passage, SourceDocument, identifier
from fundstelle.indexing.embedded import EmbeddedStore
from fundstelle.reader.confidence import Calibration
from fundstelle.reader.readings import Reading, Span, Text

SHARED = Path(__file__).parents[3] / "shared" / "data"
CONTEXT = "Der Rhein fließt bei Köln. Köln liegt am Rhein."


@pytest.fixture(scope="session")
def shared() -> Path:
    """The shared data sets; tests that need them are skipped where they are not."""
    if not SHARED.is_dir():
        pytest.skip("the shared data sets are not beside this repository")
    return SHARED


@pytest.fixture
def write(tmp_path: Path) -> Callable[..., Path]:
    """Writes questions (`{"id", "answers": [(text, start), ...]}`) about one paragraph as a SQuAD file."""

    def to_file(
        *questions: dict[str, Any], context: str = CONTEXT, version: str = "1.1", name: str = "river.de.json"
    ) -> Path:
        qas = [{"question": "Wo?"} | one | {"answers": _answers(one.get("answers", ()))} for one in questions]
        paragraphs = [{"context": context, "qas": qas}]
        content = {"version": version, "data": [{"title": "Flüsse", "paragraphs": paragraphs}]}
        path = tmp_path / name
        path.write_text(json.dumps(content, ensure_ascii=False), encoding="utf-8")
        return path

    return to_file


def _answers(pairs: Any) -> Any:
    """Pairs become objects; anything else is left as the test wants it."""
    if not isinstance(pairs, tuple):
        return pairs
    return [{"text": text, "answer_start": start} for text, start in pairs]


@dataclass(frozen=True, slots=True)
class WordReader:
    """Finds the longest word of a passage that the question has not, and is the surer the more they share."""

    calibration: Calibration = field(default_factory=Calibration)

    def read_batch(self, requests: Sequence[tuple[str, Sequence[Text]]]) -> list[list[Reading]]:
        return [[self._reading(question, passage) for passage in passages] for question, passages in requests]

    def _reading(self, question: str, passage: Text) -> Reading:
        asked = set(question.rstrip("?").split())
        words = list(re.finditer(r"\w+", passage.text))
        new = sorted((found for found in words if found[0] not in asked), key=lambda found: -len(found[0]))
        score = float(sum(found[0] in asked for found in words))
        spans = tuple(Span(found.start(), found.end(), score - rank) for rank, found in enumerate(new[:3]))
        return Reading(passage.id, spans, 1.5)


@pytest.fixture
def reader() -> WordReader:
    return WordReader()


@pytest.fixture
def store_of() -> Callable[[Path, list[str]], str]:
    """Makes a store in which each text is a document of one passage, and gives its address."""

    def make(folder: Path, texts: list[str]) -> str:
        with EmbeddedStore.open(folder) as store:
            store.write(map(_document, texts))
            store.commit()
        return str(folder)

    return make


def _document(text: str) -> AnalysedDocument:
    identity = identifier(text)
    document = SourceDocument(identity, text, identity, identity, language="de")
    passage = Passage(identity, identity, text, 0, identity, "de")
    return AnalysedDocument(document, [passage], [index_terms(text, "de")], [""])
