"""Logs a training to MLflow: the recipe as parameters, the log as metrics, what describes it as artefacts."""

import json
from dataclasses import asdict
from pathlib import Path

from fundstelle.evaluation.tracking import EXPERIMENT, open_run
from fundstelle.training.logs import LOG
from fundstelle.training.recipes import FILE_NAME, Recipe

ARTEFACTS = (FILE_NAME, "data.json", "README.md", LOG)
METRICS = ("loss", "learning_rate", "gradient", "validation")


def log(folder: Path, recipe: Recipe, uri: str, experiment: str = EXPERIMENT) -> str:
    """Log the training that `folder` holds at `uri`, a folder or a tracking server; returns MLflow's id of it.

    Raises:
        ModuleNotFoundError: the extra `fundstelle[mlflow]` is not installed.
    """
    client, identity = open_run(uri, f"train {recipe.name}", experiment)
    for name, value in asdict(recipe).items():
        client.log_param(identity, name, str(value))
    for line in (folder / LOG).read_text(encoding="utf-8").splitlines():
        values = json.loads(line)
        for name in METRICS:
            if name in values:
                client.log_metric(identity, name, float(values[name]), step=values["step"])
    for name in ARTEFACTS:
        if (folder / name).is_file():
            client.log_artifact(identity, str(folder / name))
    client.set_terminated(identity)
    return identity
