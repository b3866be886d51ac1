"""Logging to MLflow."""

from importlib.util import find_spec
from pathlib import Path

import pytest

from fundstelle.evaluation.rows import Row
from fundstelle.evaluation.runs import Run, settings_of
from fundstelle.evaluation.tracking import log


def test_a_folder_takes_parameters_metrics_and_files(tmp_path: Path) -> None:
    """A run logged to a folder, with no server, has its settings, its figures and its rows there."""
    if find_spec("mlflow") is None:
        pytest.skip("MLflow (fundstelle[mlflow]) is not installed")
    file = tmp_path / "rivers.json"
    file.write_text("{}", encoding="utf-8")
    rows = [Row("a", "de", "?", ("x",), prediction="x", exact=1, f1=1, passage_ranks=(1,))]
    run = Run("rivers", rows, settings_of("read", file, {"metric": "squad", "reader": None}))
    identities = [log(run, str(tmp_path / "logged")) for _ in range(2)]
    assert len(set(identities)) == 2
    (place,) = (tmp_path / "logged").glob(f"*/{identities[0]}")
    assert (place / "params" / "metric").read_text("utf-8") == "squad"
    assert float((place / "metrics" / "f1").read_text("utf-8").split()[1]) == 100
    assert float((place / "metrics" / "recall_at_1").read_text("utf-8").split()[1]) == 100
    assert (place / "artifacts" / "rows.jsonl").is_file()
