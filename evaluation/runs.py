"""A run on disk: `DIR/<file stem>/` with its rows, settings, figures and official prediction files."""

import json
import platform
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from importlib.metadata import version
from pathlib import Path
from typing import Any

from fundstelle.evaluation.datasets import DatasetError
from fundstelle.evaluation.figures import by_language, figures
from fundstelle.evaluation.rows import Row, read_rows, write_rows

ROWS, SETTINGS, FIGURES = "rows.jsonl", "settings.json", "metrics.json"


@dataclass(frozen=True, slots=True)
class Run:
    """Rows and the settings they were made with; `name` is the stem of the data set's file."""

    name: str
    rows: Sequence[Row]
    settings: Mapping[str, Any]

    @property
    def task(self) -> str:
        """`read`, `search` or `open`."""
        return str(self.settings.get("task", ""))


def settings_of(task: str, file: Path, options: Mapping[str, Any]) -> dict[str, Any]:
    """All that is needed to repeat a run: the command, every option, the file's digest, versions."""
    return {
        "task": task,
        "command": command_of(task, file, options),
        "file": str(file.resolve()),
        "sha256": sha256(file.read_bytes()).hexdigest(),
        **options,
        "versions": {
            "fundstelle": version("fundstelle"),
            "python": platform.python_version(),
            "machine": platform.machine(),
        },
    }


def command_of(task: str, file: Path, options: Mapping[str, Any]) -> list[str]:
    """The command line that repeats a run; options that were not given stay away."""
    command = ["fundstelle", "eval", task, str(file.resolve())]
    for name, value in options.items():
        if value is not None and value is not False:
            command += [f"--{name.replace('_', '-')}", *([] if value is True else [str(value)])]
    return command


def write_run(folder: Path, run: Run) -> Path:
    """Write a run below `folder` and return where.

    Raises:
        DatasetError: the place holds a run of another kind.
    """
    place = folder / run.name
    _refuse_other_task(place, run.task)
    place.mkdir(parents=True, exist_ok=True)
    write_rows(place / ROWS, run.rows)
    write_json(place / SETTINGS, run.settings)
    write_json(place / FIGURES, {"all": figures(run.rows), "by_language": by_language(run.rows)})
    for name, content in _official_files(run.rows).items():
        write_json(place / f"{name}.json", content)
    return place


def check_place(folder: Path, task: str, files: Sequence[Path]) -> None:
    """Asked before hours of evaluation: can runs of these files be kept below `folder`?

    Raises:
        DatasetError: it is a file, or holds runs of another kind of the same files.
    """
    if folder.exists() and not folder.is_dir():
        raise DatasetError(f"{folder} is a file; name a folder for the predictions.")
    wanted = {str(file.resolve()) for file in files}
    for settings in folder.rglob(SETTINGS):
        if json.loads(settings.read_text("utf-8")).get("file") in wanted:
            _refuse_other_task(settings.parent, task)


def load_runs(folder: Path) -> list[Run]:
    """Every run below `folder`, by name.

    Raises:
        DatasetError: there is none, or one cannot be read.
    """
    places = sorted(path.parent for path in folder.rglob(ROWS))
    if not places:
        raise DatasetError(
            f"{folder} holds no {ROWS}; make some with `fundstelle eval read FILE --predictions {folder}`."
        )
    return [
        load_run(place, str(place.relative_to(folder)) if place != folder else place.name) for place in places
    ]


def load_run(place: Path, name: str) -> Run:
    settings = place / SETTINGS
    stated = json.loads(settings.read_text("utf-8")) if settings.is_file() else {}
    return Run(name, read_rows(place / ROWS), stated)


def write_json(path: Path, content: object) -> None:
    path.write_text(json.dumps(content, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")


def _official_files(rows: Sequence[Row]) -> dict[str, dict[str, Any]]:
    """Files the official scripts read: answers as given, best spans, and null odds."""
    files: dict[str, dict[str, Any]] = {
        "predictions": {row.id: row.prediction for row in rows if row.prediction is not None},
        "forced_predictions": {row.id: row.forced for row in rows if row.forced is not None},
        "null_odds": {row.id: row.null_odds for row in rows if row.null_odds is not None},
    }
    return {name: content for name, content in files.items() if content}


def _refuse_other_task(place: Path, task: str) -> None:
    settings = place / SETTINGS
    if settings.is_file():
        other = json.loads(settings.read_text("utf-8")).get("task")
        if other != task:
            raise DatasetError(f"{place} holds a run of `eval {other}`; give `eval {task}` another folder.")
