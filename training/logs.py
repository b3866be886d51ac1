"""What a training leaves of each update: a line of JSON in its folder."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from fundstelle.training.whole import write_lines

LOG = "log.jsonl"


def append(folder: Path, values: Mapping[str, Any]) -> None:
    """One more line; `step` is among the values."""
    with (folder / LOG).open("a", encoding="utf-8") as file:
        file.write(json.dumps(values) + "\n")


def forget(folder: Path, step: int) -> None:
    """Leave out what was done after an update, because it is done again, and a line that a kill left unfinished."""
    path = folder / LOG
    if path.is_file():
        lines = path.read_text(encoding="utf-8").splitlines()
        kept = [line for line in lines if _step(line) <= step]
        write_lines(path, kept)


def _step(line: str) -> float:
    try:
        return float(json.loads(line)["step"])
    except json.JSONDecodeError:
        return float("inf")
