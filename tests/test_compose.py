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
OURS = ("fundstelle", "fundstelle-gpu", "service", "service-gpu")


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
    for name in OURS:
        assert services[name]["build"]["target"] in stages
        assert services[name]["depends_on"]["elasticsearch"]["condition"] == "service_healthy"
    for name in ("fundstelle-gpu", "service-gpu"):
        assert services[name]["runtime"] == "nvidia"
        assert services[name]["profiles"] == ["gpu"]


def test_up_starts_all_of_it_and_no_more(services: dict[str, Any]) -> None:
    """Without a profile there are Elasticsearch and the service; the command line and the GPU are asked for."""
    assert {name for name, one in services.items() if "profiles" not in one} == {"elasticsearch", "service"}


@pytest.mark.parametrize("name", ["service", "service-gpu"])
def test_the_service_is_checked_limited_and_kept(services: dict[str, Any], name: str) -> None:
    """It is ready when it says so, has limits and no rights, is open to this machine only, and keeps its jobs."""
    service = services[name]
    assert "/ready" in service["healthcheck"]["test"][-1]
    assert service["mem_limit"]
    assert service["cpus"]
    assert service["pids_limit"]
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert all(port.startswith("127.0.0.1:") and port.endswith(":8000") for port in service["ports"])
    assert f"{name}:/var/lib/fundstelle" in service["volumes"]
    assert service["command"][0] == "serve"


def test_the_settings_of_the_containers_are_settings(services: dict[str, Any]) -> None:
    """Every variable of the service and of the image is one that the settings know."""
    from fundstelle.api import Settings

    image = re.findall(r"\b(FUNDSTELLE_\w+)=", (ROOT / "Dockerfile").read_text(encoding="utf-8"))
    for name in {*image, *services["service"]["environment"]} - {"FUNDSTELLE_ELASTICSEARCH_PASSWORD"}:
        assert name.removeprefix("FUNDSTELLE_").lower() in Settings.model_fields, name


def test_the_images_run_without_rights(services: dict[str, Any]) -> None:
    """Both targets come from the stage that sets the user, and copy only what was installed."""
    text = (ROOT / "Dockerfile").read_text(encoding="utf-8")
    stages = dict(re.findall(r"^FROM \S+ AS (\S+)$(.*?)(?=^FROM|\Z)", text, re.M | re.S))
    assert re.search(r"^USER fundstelle$", stages["base"], re.M)
    for name in ("light", "gpu"):
        assert f"FROM base AS {name}" in text
        assert stages[name].split() == ["COPY", f"--from=build-{name}", "/opt/fundstelle", "/opt/fundstelle"]


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
    assert set(json.loads(accepted.stdout)["services"]) == {"elasticsearch", *OURS}
