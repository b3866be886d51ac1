"""The model card of trained weights: data and licences, recipe, results, limits; `README.md` beside the weights."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from fundstelle.training.recipes import Recipe

FILE_NAME = "README.md"
_ONLY_WITH = {"teacher": ("distilled", "temperature"), "dictionaries": ("switched", "switching")}
"""Hyper-parameters that have no part in a training without these data."""


def write_card(folder: Path, recipe: Recipe, data: Mapping[str, Any], results: Sequence[Path] = ()) -> Path:
    """Write the card of the weights in `folder`; `results` are `metrics.json` files of `fundstelle eval read`."""
    parts = [
        f"# {recipe.name}",
        "An extractive reader: given a question and a text, the logits of where its answer starts and ends. "
        "Position 0, or wherever the model's CLS token stands, is the answer that there is none.",
        "Use it with `fundstelle ask --reader FOLDER`, or load it with transformers' "
        "`AutoModelForQuestionAnswering`.",
        f"## Training\n\nStarted from `{data['start']}` with Fundstelle {data['version']}."
        f"{_teacher(data)}{_dictionaries(data)}",
        _data(data["files"]),
        _recipe(recipe, data),
        _results(results),
        "## Limits\n\nIt quotes what a text says and knows nothing besides. In languages that no training data were "
        "in it works by what its encoder shares between languages; measure it on yours.",
    ]
    path = folder / FILE_NAME
    path.write_text("\n\n".join(part for part in parts if part) + "\n", encoding="utf-8")
    return path


def _teacher(data: Mapping[str, Any]) -> str:
    return f" Taught by `{data['teacher']}` as well." if "teacher" in data else ""


def _dictionaries(data: Mapping[str, Any]) -> str:
    names = ", ".join(f"`{name}`" for name in data.get("dictionaries", ()))
    return f" Code-switched with the dictionaries {names}." if names else ""


def _data(files: Sequence[Mapping[str, Any]]) -> str:
    rows = [
        f"| {one['name']} | {one['questions']:,} | {one.get('questions_trained_on', one['questions']):,} "
        f"| {one['left_out_as_evaluation_data']:,} "
        f"| {one.get('licence', 'unknown')} | `{one['sha256'][:12]}` |"
        for one in files
    ]
    head = (
        "| data | questions | of them trained on | left out as evaluation data | licence | sha256 |\n"
        "|---|---|---|---|---|---|"
    )
    return "\n".join([head, *rows])


def _recipe(recipe: Recipe, data: Mapping[str, Any]) -> str:
    idle = {name for part, names in _ONLY_WITH.items() if not data.get(part) for name in names}
    values = asdict(recipe).items()
    rows = [f"| {name} | {value} |" for name, value in values if value is not None and name not in idle]
    return "\n".join(["| hyper-parameter | |\n|---|---|", *rows])


def _results(files: Sequence[Path]) -> str:
    """EM and F1 of each run, as its metrics.json has them."""
    if not files:
        return ""
    rows = []
    for file in files:
        figures = json.loads(file.read_text(encoding="utf-8"))["all"]
        rows.append(f"| {file.parent.name} | {figures['exact']:.1f} | {figures['f1']:.1f} |")
    return "\n".join(["## Results\n\n| set | EM | F1 |\n|---|---|---|", *rows])
