"""Logs a run to MLflow: its settings as parameters, its figures as metrics, its files as artefacts."""

import os
import re
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from fundstelle.evaluation.figures import figures
from fundstelle.evaluation.runs import Run, write_run

EXPERIMENT = "fundstelle"
_FORBIDDEN = re.compile(r"[^\w\-. :/]")


def log(run: Run, uri: str, experiment: str = EXPERIMENT) -> str:
    """Log `run` at `uri`, a folder or a tracking server, and return MLflow's id of it.

    Raises:
        ModuleNotFoundError: the extra `fundstelle[mlflow]` is not installed.
    """
    client, identity = open_run(uri, f"{run.task} {run.name}", experiment)
    for name, text in _parameters(run):
        client.log_param(identity, name, text)
    for name, value in figures(run.rows).items():
        client.log_metric(identity, _FORBIDDEN.sub("_at_", name), float(value))
    with TemporaryDirectory(prefix="fundstelle-") as folder:
        client.log_artifacts(identity, str(write_run(Path(folder), run)))
    client.set_terminated(identity)
    return identity


def open_run(uri: str, name: str, experiment: str = EXPERIMENT) -> tuple[Any, str]:
    """MLflow's client for `uri` and the id of a new run in the experiment, which is made if need be.

    Raises:
        ModuleNotFoundError: the extra `fundstelle[mlflow]` is not installed.
    """
    client = _client(uri)
    found = client.get_experiment_by_name(experiment)
    owner = found.experiment_id if found else client.create_experiment(experiment)
    return client, str(client.create_run(owner, run_name=name).info.run_id)


def check_installed() -> None:
    """Raise ModuleNotFoundError, with what to do, where the extra `fundstelle[mlflow]` is not installed."""
    if find_spec("mlflow") is None:
        raise ModuleNotFoundError(
            "--mlflow needs MLflow: install it with pip install 'fundstelle[mlflow]'.", name="mlflow"
        )


def _client(uri: str) -> Any:
    # MLflow counts its users and has put its folders out of favour; both are settled before it is imported.
    os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
    os.environ.setdefault("MLFLOW_ALLOW_FILE_STORE", "true")
    check_installed()
    from mlflow.tracking import MlflowClient  # type: ignore[import-not-found, unused-ignore]

    return MlflowClient(tracking_uri=uri if "://" in uri else Path(uri).resolve().as_uri())


def _parameters(run: Run) -> Iterator[tuple[str, str]]:
    """Settings as short texts; what is nested gets dotted names."""
    for name, value in run.settings.items():
        if isinstance(value, dict):
            yield from ((f"{name}.{inner}", str(one)) for inner, one in value.items())
        elif value is not None:
            yield name, " ".join(value) if isinstance(value, list) else str(value)
