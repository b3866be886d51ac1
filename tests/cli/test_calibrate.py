"""`fundstelle calibrate` as a user types it."""

import json
from math import inf
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from fundstelle.cli.commands import app
from fundstelle.indexing.documents import Passage
from fundstelle.indexing.store import Hit
from fundstelle.reader import bundle
from fundstelle.reader.confidence import Calibration
from fundstelle.reader.readings import Reading, Span
from fundstelle.training.observations import Observation, read_back, save

run = CliRunner()


def call(*arguments: object, status: int = 0) -> Any:
    result = run.invoke(app, ["calibrate", *map(str, arguments)])
    assert result.exit_code == status, result.output
    return result


@pytest.fixture
def observations(tmp_path: Path) -> Path:
    """Forty questions: margins above 2 are right, but for every tenth."""
    found = []
    for number in range(40):
        margin = (number % 9) - 2.0
        right = (margin > 2) != (number % 10 == 0)
        hits = (Hit(Passage(f"p{number}", "d", "answer", 0, "s"), 5.0),)
        readings = (Reading(f"p{number}", (Span(0, 6, margin),), 0.0),)
        golds = ("answer",) if right else ("other",)
        found.append(Observation("made up", "?", True, golds, hits, readings))
    save(found, tmp_path / "observations.jsonl")
    return tmp_path / "observations.jsonl"


def test_what_was_observed_is_fitted_again_without_files(observations: Path, tmp_path: Path) -> None:
    """The fit is saved in the folder asked for, made where needed, and printed with how good it is."""
    out = tmp_path / "new" / "folder"
    printed = json.loads(call("--observations", observations, "--out", out, "--json").stdout)
    assert printed["calibration"] == json.loads((out / "calibration.json").read_text()) | {"stop": None}
    assert Calibration.load(out).margin > 0
    assert printed["judgement"]["bm25"]["questions"] == 40
    assert "40 questions: best answer right" in call("--observations", observations, "--out", out).stdout


def test_what_is_printed_is_json(observations: Path, tmp_path: Path) -> None:
    """JSON knows no infinity: a calibration on too few questions to dare stop early has null for it."""
    printed = call("--observations", observations, "--out", tmp_path, "--json").stdout
    assert Calibration.load(tmp_path).stop == inf
    assert json.loads(printed, parse_constant=pytest.fail)["calibration"]["stop"] is None


def test_files_are_read_and_the_readings_kept(tmp_path: Path) -> None:
    """Each retriever finds passages for each question, and they are read; what was read can be fitted again."""
    if not (bundle.path() / bundle.TOKENIZER).is_file():
        pytest.skip("the bundled reader is not here")
    kept = tmp_path / "observations.jsonl"
    call(towns(tmp_path / "towns.json"), "--questions", 12, "--observations", kept, "--out", tmp_path)
    observed = read_back(kept)
    assert len(observed) == 12 * 3
    assert {one.retriever for one in observed} == {"bm25", "dense", "hybrid"}
    assert all(len(one.readings) == len(one.hits) > 0 for one in observed)
    assert Calibration.load(tmp_path) != Calibration()
    fitted = (tmp_path / "calibration.json").read_text()
    call("--observations", kept, "--out", tmp_path)
    assert (tmp_path / "calibration.json").read_text() == fitted


def towns(file: Path) -> Path:
    """Paragraphs about towns; for every third the answer is said to be another one than the text has."""
    paragraphs = []
    for number in range(24):
        context = f"The mill of Oberau {number} was built in {1700 + number} by a baker named Hans Muster."
        gold = "Hans" if number % 3 == 0 else str(1700 + number)
        answer = {"text": gold, "answer_start": context.index(gold)}
        question = f"When was the mill of Oberau {number} built?"
        qas = [{"id": str(number), "question": question, "answers": [answer]}]
        paragraphs.append({"context": context, "qas": qas})
    file.write_text(json.dumps({"version": "1.1", "data": [{"title": "towns", "paragraphs": paragraphs}]}))
    return file


def test_wrong_use_is_said_in_one_sentence(observations: Path, tmp_path: Path) -> None:
    """Nothing to fit on, observations that would be mixed, a reader without a folder: status 2, what to do."""
    assert "Name files in SQuAD format" in call(status=2).stderr
    both = call(tmp_path / "x.json", "--observations", observations, "--out", tmp_path, status=2)
    assert "leave the files out" in both.stderr
    named = call("--reader", "somebody/model", "--observations", observations, status=2)
    assert "--out" in named.stderr
    assert not (bundle.path() / "somebody").exists()
