"""The old endpoints are as described: schemathesis plays a client that sends anything."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from browser import serving

from fundstelle.api import Settings, create_app

PATHS = "^/(query|file-upload|documents|feedback|eval-feedback|export-feedback|initialized|hs_version|health|models)"
LENIENT = "positive_data_acceptance,negative_data_rejection"
"""What is not asked: as in the originals, 1 is taken for true, and what a text lacks is found when it is read."""


@pytest.mark.timeout(600)
def test_the_old_endpoints_answer_anything_as_described(tmp_path: Path) -> None:
    """No request makes the service fail, and each reply has a status and a shape that the description names."""
    settings = Settings(
        store=str(tmp_path / "store"),
        data=tmp_path / "data",
        open=True,
        compat=("haystack1", "farm"),
        page=False,
    )
    command = [sys.executable, "-c", "from schemathesis.cli import schemathesis; schemathesis()", "run"]
    options = ["--max-examples", "5", "--phases", "examples,fuzzing", "--no-color", "--warnings", "off"]
    options += ["--include-path-regex", PATHS, "--exclude-checks", LENIENT, "--request-timeout", "60"]
    app = create_app(settings)
    description = tmp_path / "openapi.json"
    description.write_text(json.dumps(app.openapi()), encoding="utf-8")
    with serving(app) as address:
        done = subprocess.run(
            [*command, str(description), "--url", address, *options],
            cwd=tmp_path,
            env=os.environ | {"PYTHONWARNINGS": "ignore"},
            capture_output=True,
            text=True,
        )
    assert done.returncode == 0, done.stdout[-20_000:] + done.stderr[-2000:]
    assert "Tested: 14" in done.stdout
