"""Our pipeline against answers that the removed one gave: transformers 4.57, float32, the seed reader."""

import json
from collections import defaultdict
from pathlib import Path
from typing import Any

import pytest

from fundstelle.compat.transformers import QuestionAnsweringPipeline, pipeline

ROOT = Path(__file__).resolve().parents[2]
RECORDED = ROOT.parent / "shared" / "data" / "parity" / "transformers-4.57"
SEED = ROOT / ".cache" / "seed-reader"


@pytest.fixture(scope="module")
def seed() -> QuestionAnsweringPipeline:
    """The pipeline on the reader whose answers were recorded."""
    if not RECORDED.is_dir():
        pytest.skip(f"{RECORDED} is absent: there are no recorded answers to compare with.")
    if not (SEED / "model.safetensors").is_file():
        pytest.skip(f"{SEED} is absent: put the seed reader together with ../shared/tools/assemble_seed.py.")
    return pipeline("question-answering", model=str(SEED), tokenizer=str(SEED), device=-1)


def agreement(seed: QuestionAnsweringPipeline, step: int) -> tuple[float, float]:
    """Share of every `step`th example with the same answers and places, and with the same scores as well."""
    examples = [
        example
        for path in sorted(RECORDED.glob("*.json"))
        for example in json.loads(path.read_text(encoding="utf-8"))["examples"]
    ][::step]
    groups: defaultdict[str, list[dict[str, Any]]] = defaultdict(list)
    for example in examples:
        groups[json.dumps(example["arguments"])].append(example)
    same: list[tuple[bool, bool]] = []
    for arguments, group in groups.items():
        asked = ({"question": each["question"], "context": each["context"]} for each in group)
        for example, answers in zip(group, seed(asked, **json.loads(arguments)), strict=True):
            same.append(compared(example["output"], answers))
    places, scores = zip(*same, strict=True)
    return sum(places) / len(same), sum(scores) / len(same)


def compared(recorded: Any, ours: Any) -> tuple[bool, bool]:
    """Whether shape, texts and places agree, and whether scores do within 1e-3 too."""
    if not isinstance(ours, type(recorded)):
        return False, False
    pairs = [(recorded, ours)] if isinstance(recorded, dict) else list(zip(recorded, ours, strict=False))
    keys = ("start", "end", "answer")
    places = all(old[key] == new[key] for old, new in pairs for key in keys) and (len(recorded) == len(ours))
    return places, places and all(abs(old["score"] - new["score"]) <= 1e-3 for old, new in pairs)


@pytest.mark.parametrize("step", [15, pytest.param(1, marks=[pytest.mark.slow, pytest.mark.timeout(3600)])])
def test_answers_are_those_of_the_removed_pipeline(seed: QuestionAnsweringPipeline, step: int) -> None:
    """At least 99 % have the same answers at the same places, with scores within 1e-3."""
    places, scores = agreement(seed, step)
    assert places >= 0.99
    assert scores >= 0.99
