"""Dependencies: none that is installed has a known weakness that an update would heal."""

import json
import subprocess
import sys

import pytest

AUDIT = (
    sys.executable,
    "-m",
    "pip_audit",
    "--skip-editable",
    "--progress-spinner",
    "off",
    "--format",
    "json",
)


def test_no_known_weakness_is_installed() -> None:
    """Advisories come from the package index; an index without any, or none at all, is no verdict."""
    done = subprocess.run(AUDIT, capture_output=True, text=True, timeout=300, check=False)
    if not done.stdout.strip():
        pytest.skip(f"dependencies were not audited: {done.stderr.strip().splitlines()[-1:]}")
    looked_up = [each for each in json.loads(done.stdout)["dependencies"] if "vulns" in each]
    if not looked_up:
        pytest.skip("dependencies were not audited: the package index here has no advisories")
    weak = {
        f"{each['name']} {each['version']}": [weakness["id"] for weakness in each["vulns"]]
        for each in looked_up
        if any(weakness["fix_versions"] for weakness in each["vulns"])
    }
    assert not weak, f"Update these, or say in the README why not: {weak}"
