"""Runs on disk."""

import json
from pathlib import Path

import pytest

from fundstelle.evaluation.datasets import DatasetError
from fundstelle.evaluation.figures import figures
from fundstelle.evaluation.rows import Row
from fundstelle.evaluation.runs import Run, check_place, command_of, load_runs, settings_of, write_run

ROWS = [
    Row("a", "de", "?", ("x",), prediction="", forced="y", null_odds=2.0),
    Row("b", "fr", "?", (), prediction="", exact=1, f1=1, forced="y", null_odds=-1.0),
    Row("c", "de", "?", ("x",)),
]


def test_a_run_is_written_whole_and_read_back(tmp_path: Path) -> None:
    """Rows, settings and figures stand below the run's name, beside files for the official scripts."""
    run = Run("rivers", ROWS, {"task": "read"})
    place = write_run(tmp_path, run)
    assert place == tmp_path / "rivers" and load_runs(tmp_path) == [run]
    written = json.loads((place / "metrics.json").read_text("utf-8"))
    assert written["all"] == figures(ROWS) and set(written["by_language"]) == {"de", "fr"}
    files = {path.stem: json.loads(path.read_text("utf-8")) for path in place.glob("*.json")}
    assert files["predictions"] == {"a": "", "b": ""} and files["null_odds"] == {"a": 2.0, "b": -1.0}
    assert files["forced_predictions"] == {"a": "y", "b": "y"}


def test_a_run_of_another_kind_is_not_overwritten(tmp_path: Path) -> None:
    """Rows of the reader and of the whole system do not mix in one folder."""
    write_run(tmp_path, Run("rivers", ROWS, {"task": "read"}))
    write_run(tmp_path, Run("rivers", ROWS, {"task": "read"}))
    with pytest.raises(DatasetError, match="holds a run of `eval read`; give `eval open` another folder"):
        write_run(tmp_path, Run("rivers", ROWS, {"task": "open"}))


def test_a_folder_that_cannot_be_used_is_known_before_a_run(tmp_path: Path) -> None:
    """Hours of evaluation are not lost for a file in the way, or for a run of another kind."""
    file = tmp_path / "rivers.json"
    write_run(tmp_path / "out", Run("rivers", ROWS, {"task": "read", "file": str(file.resolve())}))
    check_place(tmp_path / "out", "read", [file])
    check_place(tmp_path / "out", "open", [tmp_path / "lakes.json"])
    check_place(tmp_path / "new", "open", [file])
    with pytest.raises(DatasetError, match="holds a run of `eval read`"):
        check_place(tmp_path / "out", "open", [file])
    file.touch()
    with pytest.raises(DatasetError, match="is a file; name a folder"):
        check_place(file, "read", [file])


def test_a_folder_without_runs_says_how_to_make_some(tmp_path: Path) -> None:
    """An empty folder is no run."""
    with pytest.raises(DatasetError, match=r"holds no rows\.jsonl; make some with"):
        load_runs(tmp_path)


def test_settings_repeat_the_run(tmp_path: Path) -> None:
    """The command has every option that was given, and the file is known by its digest."""
    file = tmp_path / "rivers.json"
    file.write_text("{}", encoding="utf-8")
    options = {"reader": None, "metric": "squad", "repair": True, "na_threshold": 0.0, "fresh": False}
    settings = settings_of("read", file, options)
    assert settings["command"] == [
        "fundstelle",
        "eval",
        "read",
        str(file),
        "--metric",
        "squad",
        "--repair",
        "--na-threshold",
        "0.0",
    ]
    assert settings["command"] == command_of("read", file, options) and len(settings["sha256"]) == 64
