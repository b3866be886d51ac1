"""The containers: what their description promises, and that Docker Compose accepts it where it is installed."""

import json
import os
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).resolve().parent.parent
PASSWORD = "not-a-real-password"


@pytest.fixture(scope="module")
def services() -> dict[str, Any]:
    described = yaml.safe_load((ROOT / "docker-compose.yml").read_text(encoding="utf-8"))
    found: dict[str, Any] = described["services"]
    return found


def test_elasticsearch_is_guarded_checked_and_kept(services: dict[str, Any]) -> None:
    """Security is on, the password comes from outside, memory is locked, data outlives the container."""
    node = services["elasticsearch"]
    assert node["environment"]["xpack.security.enabled"] == "true"
    assert re.fullmatch(r"\$\{ELASTIC_PASSWORD:\?.+\}", node["environment"]["ELASTIC_PASSWORD"])
    assert node["environment"]["bootstrap.memory_lock"] == "true"
    assert node["ulimits"]["memlock"] == {"soft": -1, "hard": -1}
    assert all(port.startswith("127.0.0.1:") for port in node["ports"])
    assert "_cluster/health" in node["healthcheck"]["test"][-1]
    assert node["volumes"] == ["elasticsearch:/usr/share/elasticsearch/data"]


def test_the_server_is_the_one_that_tests_run_on(services: dict[str, Any]) -> None:
    """Containers and tests have the same version of Elasticsearch."""
    version = re.search(r'VERSION = "(.+)"', (ROOT / "tests/servers/cluster.py").read_text(encoding="utf-8"))
    assert version
    assert services["elasticsearch"]["image"] == f"elasticsearch:{version[1]}"


def test_our_containers_are_built_from_targets_that_exist(services: dict[str, Any]) -> None:
    """Each service of ours names a stage of the Dockerfile and waits for a healthy Elasticsearch."""
    stages = set(re.findall(r"^FROM \S+ AS (\S+)$", (ROOT / "Dockerfile").read_text(encoding="utf-8"), re.M))
    for name in ("fundstelle", "fundstelle-gpu"):
        assert services[name]["build"]["target"] in stages
        assert services[name]["depends_on"]["elasticsearch"]["condition"] == "service_healthy"
    assert services["fundstelle-gpu"]["runtime"] == "nvidia"
    assert services["fundstelle-gpu"]["profiles"] == ["gpu"]


def has_compose() -> bool:
    docker = shutil.which("docker")
    return (
        docker is not None
        and not subprocess.run([docker, "compose", "version"], capture_output=True).returncode
    )


@pytest.mark.skipif(
    not has_compose(), reason="docker compose is not installed; the YAML is checked by itself"
)
def test_compose_accepts_the_file() -> None:
    """`docker compose config` reads every profile, and refuses to go on without a password."""
    command = ["docker", "compose", "--profile", "*", "config", "--format", "json"]
    environment = {key: value for key, value in os.environ.items() if key != "ELASTIC_PASSWORD"}
    refused = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True)
    assert refused.returncode
    assert "ELASTIC_PASSWORD" in refused.stderr
    accepted = subprocess.run(
        command, cwd=ROOT, env={**environment, "ELASTIC_PASSWORD": PASSWORD}, capture_output=True, text=True
    )
    assert accepted.returncode == 0, accepted.stderr
    assert set(json.loads(accepted.stdout)["services"]) == {"elasticsearch", "fundstelle", "fundstelle-gpu"}
