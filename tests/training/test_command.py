"""`fundstelle train` from the command line."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from fundstelle.cli.commands import app

SETTINGS = ("steps=2", "tokens_per_step=300", "max_seq_length=96", "max_question_length=40", "stride=24")


@pytest.fixture
def data(tmp_path: Path) -> Path:
    context = "The mayor of rom is Ada. The river there is the Po."
    answers = [{"text": "Ada", "answer_start": 20}]
    questions = [{"id": "1", "question": "Who is the mayor of rom?", "answers": answers}]
    file = tmp_path / "data.json"
    file.write_text(json.dumps({"data": [{"paragraphs": [{"context": context, "qas": questions}]}]}))
    return file


def test_it_trains_into_a_folder(data: Path, tmp_path: Path, encoder: Path) -> None:
    """Files, a model and a folder make weights, with the changed recipe and the licences beside them."""
    licences = tmp_path / "licences.json"
    licences.write_text('{"data": "CC0-1.0"}')
    out = tmp_path / "out"
    arguments = ["train", str(data), "--from", str(encoder), "--out", str(out), "--licences", str(licences)]
    arguments += [part for one in SETTINGS for part in ("--set", one)]
    result = CliRunner().invoke(app, [*arguments, "--device", "cpu", "--dtype", "float32"])
    assert result.exit_code == 0, result.output
    assert (out / "model.safetensors").is_file()
    assert json.loads((out / "recipe.json").read_text())["steps"] == 2
    assert "CC0-1.0" in (out / "README.md").read_text()


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ("steps", "write NAME=VALUE"),
        ("pace=3", "unknown"),
        ("warmup=0.9", "more than all"),
        ("steps=many", "has to be"),
    ],
)
def test_a_wrong_recipe_is_one_sentence(change: str, said: str, data: Path, tmp_path: Path) -> None:
    """Wrong hyper-parameters leave with status 2 before anything is loaded."""
    arguments = ["train", str(data), "--from", "nowhere", "--out", str(tmp_path / "out"), "--set", change]
    result = CliRunner().invoke(app, arguments)
    assert result.exit_code == 2
    assert said in result.output
