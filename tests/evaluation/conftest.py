"""Small files in SQuAD format, and the place of the shared sets."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

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
