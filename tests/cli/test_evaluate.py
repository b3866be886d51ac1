"""`fundstelle eval` as a user types it."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from fundstelle.cli.commands import app
from fundstelle.evaluation.rows import read_rows
from fundstelle.evaluation.runs import Run, write_run
from fundstelle.reader import bundle

CONTEXT = "Der Rhein mündet bei Hoek van Holland in die Nordsee."
QUESTIONS = [("a", "Wo mündet der Rhein?", "Hoek van Holland"), ("b", "In welches Meer?", "die Nordsee")]

run = CliRunner()


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """Two questions about one paragraph."""
    qas = [
        {"id": name, "question": text, "answers": [{"text": gold, "answer_start": CONTEXT.index(gold)}]}
        for name, text, gold in QUESTIONS
    ]
    data = [{"title": "Rhein", "paragraphs": [{"context": CONTEXT, "qas": qas}]}]
    return written(tmp_path / "rhein.de.json", {"version": "1.1", "data": data})


@pytest.fixture
def bundled() -> None:
    if not (bundle.path() / bundle.TOKENIZER).is_file():
        pytest.skip("the bundled reader is not here")


def written(path: Path, content: Any) -> Path:
    path.write_text(json.dumps(content), encoding="utf-8")
    return path


def call(*arguments: object) -> Any:
    """Run `fundstelle eval` and return what it printed as JSON."""
    result = run.invoke(app, ["eval", *map(str, arguments)])
    assert result.exit_code == 0, result.output
    return json.loads(result.stdout)


def test_score_prints_official_figures(file: Path, tmp_path: Path) -> None:
    """Figures come under the official names, and what is missing is said on standard error."""
    predictions = written(tmp_path / "p.json", {"a": "Hoek van Holland"})
    result = run.invoke(app, ["eval", "score", str(file), str(predictions), "--json"])
    assert json.loads(result.stdout)["HasAns_exact"] == 50
    assert "1 of 2 questions have no prediction and count as wrong" in result.stderr
    assert call("score", file, predictions, "--metric", "mlqa:de") == {"exact_match": 50, "f1": 50}


def test_score_takes_no_answer_values(file: Path, tmp_path: Path) -> None:
    """Values above the threshold turn predictions into no answer."""
    predictions = written(tmp_path / "p.json", {"a": "Hoek van Holland", "b": "die Nordsee"})
    odds = written(tmp_path / "n.json", {"a": 0.1, "b": 0.9})
    found = call("score", file, predictions, "--na-prob", odds, "--na-threshold", 0.5)
    assert found["exact"] == 50 and found["best_exact"] == 100


@pytest.mark.parametrize(
    ("content", "option", "said"),
    [
        ({"a": 1}, "PREDICTIONS", "the prediction of 'a' is no string"),
        (["a"], "PREDICTIONS", "must be one JSON object"),
        ({"a": "x", "b": "y"}, "--na-prob", "the no-answer value of 'a' is no number"),
    ],
)
def test_bad_prediction_files_are_refused(
    file: Path, tmp_path: Path, content: Any, option: str, said: str
) -> None:
    """A prediction file of another format is refused in a sentence, with status 2."""
    bad = written(tmp_path / "bad.json", content)
    good = written(tmp_path / "good.json", {"a": "x", "b": "y"})
    more = [str(bad)] if option == "PREDICTIONS" else [str(good), option, str(bad)]
    result = run.invoke(app, ["eval", "score", str(file), *more])
    assert result.exit_code == 2 and said in result.stderr


def test_a_bad_file_is_refused_before_anything_runs(file: Path, tmp_path: Path) -> None:
    """One unusable file among several stops the command with its place and status 2."""
    bad = written(tmp_path / "bad.json", {"version": "1.1", "data": [{}]})
    result = run.invoke(app, ["eval", "read", str(file), str(bad), "--predictions", str(tmp_path / "out")])
    assert result.exit_code == 2 and "data[0].paragraphs: missing" in result.stderr
    assert not (tmp_path / "out").exists()


def test_files_of_one_name_are_refused(file: Path, tmp_path: Path) -> None:
    """Runs are kept and shown by the name of their file: a second one would take the first one's place."""
    (tmp_path / "other").mkdir()
    twin = written(tmp_path / "other" / file.name, json.loads(file.read_text("utf-8")))
    result = run.invoke(app, ["eval", "read", str(file), str(twin)])
    assert result.exit_code == 2 and "Several files are named rhein.de" in result.stderr


def test_a_mistyped_store_is_not_made(file: Path, tmp_path: Path) -> None:
    """An address without a store is an error, not an empty store in which nothing is found."""
    mistyped = tmp_path / "mistyped"
    result = run.invoke(app, ["eval", "search", str(file), "--store", str(mistyped), "--retriever", "bm25"])
    assert result.exit_code == 2 and "There is no store at" in result.stderr and not mistyped.exists()


def test_a_report_over_a_folder_says_so(file: Path, tmp_path: Path) -> None:
    """A page cannot be written where a folder stands; that is a sentence and status 2."""
    row = {"task": "read"}
    write_run(tmp_path / "runs", Run("rhein.de", [], row))
    result = run.invoke(app, ["eval", "report", str(tmp_path / "runs"), "--output", str(tmp_path)])
    assert result.exit_code == 2 and "Is a directory" in result.stderr


def test_store_and_fresh_exclude_each_other(file: Path) -> None:
    """A named store and a fresh one cannot both be searched."""
    result = run.invoke(app, ["eval", "search", str(file), "--store", "x", "--fresh"])
    assert result.exit_code == 2 and "contradict" in result.stderr


def alone(task: str) -> list[str]:
    """One retriever, where the task has any."""
    return [] if task == "read" else ["--retriever", "bm25"]


def parallel(file: Path) -> Path:
    """The same contexts, with the same questions asked in English."""
    content = json.loads(file.read_text("utf-8"))
    for paragraph in content["data"][0]["paragraphs"]:
        for qa in paragraph["qas"]:
            qa["question"] = "Where does the Rhine flow into the sea?"
    return written(file.parent / "rhine.en.json", content)


@pytest.mark.usefixtures("bundled")
def test_retrievers_stand_side_by_side_over_parallel_contexts(file: Path, tmp_path: Path) -> None:
    """Each retriever has a run and a column, and questions in another language are a set of their own."""
    runs = call("search", parallel(file), "--contexts", file, "--predictions", tmp_path / "out", "--json")[
        "runs"
    ]
    assert [one["name"] for one in runs] == [
        f"rhine.en@rhein.de/{kind}" for kind in ("bm25", "dense", "hybrid")
    ]
    assert all(list(one["by_language"]) == ["en>de"] for one in runs)
    assert (tmp_path / "out/rhine.en@rhein.de/hybrid/rows.jsonl").is_file()
    shown = run.invoke(app, ["eval", "search", str(file)]).stdout
    assert all(kind in shown for kind in ("bm25", "dense", "hybrid")) and "among the first ten" in shown
    refused = run.invoke(app, ["eval", "search", str(file), "--retriever", "sparse"])
    assert refused.exit_code == 2 and "choose one of bm25, dense, hybrid" in refused.stderr


@pytest.mark.usefixtures("bundled")
def test_reader_retriever_and_system_from_files_to_report(file: Path, tmp_path: Path) -> None:
    """The three kinds of run leave rows that a report shows and a comparison takes, and can be repeated."""
    for task in ("read", "search", "open"):
        (found,) = call(task, file, *alone(task), "--predictions", tmp_path / task, "--json")["runs"]
        place = tmp_path / task / "rhein.de"
        assert json.loads((place / "metrics.json").read_text("utf-8"))["all"]["questions"] == 2
        assert {"rows.jsonl", "settings.json"} <= {path.name for path in place.iterdir()}
        assert found["language"] == "de" and found["figures"]["questions"] == 2
        page = run.invoke(app, ["eval", "report", str(tmp_path / task)])
        assert page.exit_code == 0 and (tmp_path / task / "report.html").is_file()
    assert set(json.loads((tmp_path / "read/rhein.de/predictions.json").read_text("utf-8"))) == {"a", "b"}
    compared = call("compare", tmp_path / "read", tmp_path / "open", "--json")
    assert {one["figure"] for one in compared} >= {"exact", "f1"}
    assert run.invoke(app, ["eval", "compare", str(tmp_path / "read"), str(tmp_path / "open")]).exit_code == 0


@pytest.mark.usefixtures("bundled")
@pytest.mark.parametrize("task", ["read", "search", "open"])
def test_the_command_in_the_settings_repeats_a_run(file: Path, tmp_path: Path, task: str) -> None:
    """Run again from its settings, a run gives the same rows but for the times."""
    options = [*alone(task), "--sample", "1", "--seed", "3"]
    call(task, file, *options, "--predictions", tmp_path / "first", "--json")
    place = tmp_path / "first" / "rhein.de"
    command = json.loads((place / "settings.json").read_text("utf-8"))["command"]
    assert command[:2] == ["fundstelle", "eval"]
    call(*command[2:], "--predictions", tmp_path / "second", "--json")
    first, second = (read_rows(tmp_path / name / "rhein.de" / "rows.jsonl") for name in ("first", "second"))
    assert [replace(row, timings={}) for row in first] == [replace(row, timings={}) for row in second]


@pytest.mark.usefixtures("bundled")
def test_tables_are_shown_without_json(file: Path) -> None:
    """Without --json a table with a line for each file is printed."""
    result = run.invoke(app, ["eval", "search", str(file), "--sample", "1", "--retriever", "bm25"])
    assert result.exit_code == 0 and "rhein.de" in result.stdout and "recall@10" in result.stdout
