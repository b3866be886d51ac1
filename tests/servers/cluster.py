"""A real Elasticsearch on loopback for tests and laptops, without Docker.

Elastic publishes a minimal server on Maven Central. It is fetched once with Maven, unpacked under
`.cache/elasticsearch/`, and run as an unprivileged user with a small heap; data, logs and settings
live in a temporary folder that goes with the cluster.

    python tests/servers/cluster.py [--nodes 3] [--version 8.19.7]

What this server lacks beside the full one: `GET /`, delete- and update-by-query, reindex, scripts,
ingest, language analysers, RRF.
"""

import argparse
import contextlib
import json
import os
import pwd
import shutil
import signal
import socket
import ssl
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
import zipfile
from base64 import b64encode
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Self

VERSION = "8.19.7"
CACHE = Path(__file__).resolve().parents[2] / ".cache" / "elasticsearch"
COPY = "org.apache.maven.plugins:maven-dependency-plugin:3.6.1:copy"
ARTIFACT = "org.elasticsearch.distribution.integ-test-zip:elasticsearch"
READY_SECONDS = 240
TLS_SETTINGS = {
    "xpack.security.http.ssl.enabled": "true",
    "xpack.security.http.ssl.key": "key.pem",
    "xpack.security.http.ssl.certificate": "certificate.pem",
}


class Unavailable(Exception):
    """No server can be had here; the message is the line that skipped tests show."""


def java_home() -> Path:
    """The Java to run the server with: ES_JAVA_HOME, or else where `java` comes from."""
    if configured := os.environ.get("ES_JAVA_HOME"):
        return Path(configured)
    java = shutil.which("java")
    if java is None:
        raise Unavailable("no Elasticsearch: neither ELASTICSEARCH_URL nor Java (17 or later) is here")
    return Path(java).resolve().parent.parent


def distribution(version: str = VERSION) -> Path:
    """The unpacked server, fetched on first use. Raises Unavailable where it cannot be had or run."""
    java_home()
    home = CACHE / f"elasticsearch-{version}"
    if not home.exists():
        _fetch(version)
        with zipfile.ZipFile(CACHE / f"elasticsearch-{version}.zip") as archive:
            unpacked = Path(tempfile.mkdtemp(dir=CACHE))
            archive.extractall(unpacked)
        for program in (unpacked / home.name / "bin").iterdir():
            program.chmod(0o755)
        unpacked.chmod(0o755)
        (unpacked / home.name).rename(home)
        unpacked.rmdir()
    return home


def _fetch(version: str) -> None:
    if (CACHE / f"elasticsearch-{version}.zip").exists():
        return
    if shutil.which("mvn") is None:
        raise Unavailable("no Elasticsearch: neither ELASTICSEARCH_URL nor Maven is here")
    CACHE.mkdir(parents=True, exist_ok=True)
    done = subprocess.run(
        ["mvn", "-q", "-B", COPY, f"-Dartifact={ARTIFACT}:{version}:zip", f"-DoutputDirectory={CACHE}"],
        capture_output=True,
        text=True,
    )
    if done.returncode:
        raise Unavailable(
            f"no Elasticsearch: Maven could not fetch version {version} ({done.stdout.strip()[:200]})"
        )


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _unprivileged() -> dict[str, int]:
    """Elasticsearch refuses to run as root."""
    if os.getuid() != 0:
        return {}
    nobody = pwd.getpwnam("nobody")
    return {"user": nobody.pw_uid, "group": nobody.pw_gid}


class Cluster:
    """One or several nodes; `url` is the first one's. Use as a context manager.

    Args:
        password: turns security on; the password of the user `elastic`.
        tls: whether clients must use TLS, with a certificate of the authority in the file `authority`.
    """

    def __init__(
        self,
        nodes: int = 1,
        version: str = VERSION,
        settings: Mapping[str, str] | None = None,
        heap: str = "400m",
        password: str | None = None,
        tls: bool = False,
    ) -> None:
        self.home = distribution(version)
        self.folder = Path(tempfile.mkdtemp(prefix="fundstelle-es-"))
        self.settings = dict(settings or {})
        self.heap, self.password, self.tls = heap, password, tls
        self.ports = [_free_port() for _ in range(nodes)]
        self.transport = [_free_port() for _ in range(nodes)]
        self.processes: list[subprocess.Popen[bytes]] = []

    @property
    def url(self) -> str:
        return self.url_of(0)

    @property
    def authority(self) -> Path:
        return self.folder / "authority.pem"

    def url_of(self, node: int) -> str:
        return f"{'https' if self.tls else 'http'}://127.0.0.1:{self.ports[node]}"

    def address(self, index: str) -> str:
        """The store address of an index by way of all nodes."""
        hosts = ",".join(f"127.0.0.1:{port}" for port in self.ports)
        return f"elasticsearch://{hosts}/{index}"

    def start(self) -> Self:
        if self.tls:
            self._certify()
        self._own(self.folder)
        self.processes = [self._start(node) for node in range(len(self.ports))]
        self.wait()
        return self

    def restart(self, node: int) -> None:
        """Bring a killed node back with the data it had."""
        self.processes[node] = self._start(node)

    def is_running(self, node: int) -> bool:
        return self.processes[node].poll() is None

    def kill(self, node: int) -> None:
        """End a node at once, as a power cut would: the launcher and the server it started."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.processes[node].pid, signal.SIGKILL)
        self.processes[node].wait()

    def stop(self) -> None:
        for node in range(len(self.processes)):
            self.kill(node)
        shutil.rmtree(self.folder, ignore_errors=True)

    def wait(self, status: str = "yellow", node: int = 0, nodes: int | None = None) -> None:
        """Return when the cluster has all its nodes and at least this health."""
        wanted = len(self.ports) if nodes is None else nodes
        deadline = time.monotonic() + READY_SECONDS
        while time.monotonic() < deadline:
            health = self._health(node)
            if health.get("number_of_nodes") == wanted and health.get("status") in {status, "green"}:
                return
            if not self.is_running(node):
                break
            time.sleep(0.25)
        log = self.folder / f"node-{node}" / "output.log"
        raise TimeoutError(f"Elasticsearch did not become ready: {log.read_text(errors='replace')[-1500:]}")

    def _health(self, node: int) -> dict[str, object]:
        request = urllib.request.Request(self.url_of(node) + "/_cluster/health")
        if self.password is not None:
            token = b64encode(f"elastic:{self.password}".encode()).decode()
            request.add_header("Authorization", f"Basic {token}")
        trusted = ssl.create_default_context(cafile=self.authority) if self.tls else None
        try:
            with urllib.request.urlopen(request, timeout=5, context=trusted) as reply:
                health: dict[str, object] = json.load(reply)
                return health
        except (urllib.error.URLError, OSError, ValueError):
            return {}

    def _certify(self) -> None:
        """A certificate authority of the cluster's own, and what it signed, for all nodes."""
        import trustme

        authority = trustme.CA()
        certificate = authority.issue_cert("127.0.0.1", "localhost")
        authority.cert_pem.write_to_path(self.authority)
        certificate.private_key_pem.write_to_path(self.folder / "key.pem")
        for part in certificate.cert_chain_pems:
            part.write_to_path(self.folder / "certificate.pem", append=True)

    def _start(self, node: int) -> subprocess.Popen[bytes]:
        folder = self.folder / f"node-{node}"
        if not folder.exists():
            self._prepare(folder)
        environment = {
            "PATH": os.environ.get("PATH", ""),
            "ES_JAVA_HOME": str(java_home()),
            "ES_PATH_CONF": str(folder / "config"),
            "ES_JAVA_OPTS": f"-Xms{self.heap} -Xmx{self.heap}",
            "ES_TMPDIR": str(folder / "tmp"),
            "LIBFFI_TMPDIR": str(folder / "tmp"),
        }
        log = (folder / "output.log").open("ab")
        with log:
            process: subprocess.Popen[bytes] = subprocess.Popen(
                [str(self.home / "bin" / "elasticsearch"), *self._options(node, folder)],
                stdout=log,
                stderr=subprocess.STDOUT,
                stdin=subprocess.DEVNULL,
                env=environment,
                cwd=folder,
                start_new_session=True,
                **_unprivileged(),  # type: ignore[call-overload]
            )
        return process

    def _prepare(self, folder: Path) -> None:
        shutil.copytree(self.home / "config", folder / "config")
        for name in ("data", "logs", "tmp"):
            (folder / name).mkdir()
        if self.password is not None:
            self._set_password(folder)
        if self.tls:
            for name in ("key.pem", "certificate.pem"):
                shutil.copy(self.folder / name, folder / "config")
        self._own(folder)

    def _set_password(self, folder: Path) -> None:
        environment = {**os.environ, "ES_JAVA_HOME": str(java_home()), "ES_PATH_CONF": str(folder / "config")}
        keystore = str(self.home / "bin" / "elasticsearch-keystore")
        subprocess.run([keystore, "create"], env=environment, check=True, capture_output=True)
        subprocess.run(
            [keystore, "add", "--stdin", "bootstrap.password"],
            env=environment,
            input=str(self.password).encode(),
            check=True,
            capture_output=True,
        )

    def _own(self, folder: Path) -> None:
        owner = _unprivileged()
        if owner:
            for path in (folder, *folder.rglob("*")):
                os.chown(path, owner["user"], owner["group"])

    def _options(self, node: int, folder: Path) -> Iterator[str]:
        names = [f"node-{number}" for number in range(len(self.ports))]
        settings = {
            "cluster.name": "fundstelle",
            "node.name": names[node],
            "network.host": "127.0.0.1",
            "http.port": str(self.ports[node]),
            "transport.port": str(self.transport[node]),
            "discovery.seed_hosts": ",".join(f"127.0.0.1:{port}" for port in self.transport),
            "cluster.initial_master_nodes": ",".join(names),
            "path.data": str(folder / "data"),
            "path.logs": str(folder / "logs"),
            "xpack.security.enabled": "true" if self.password is not None else "false",
            "cluster.routing.allocation.disk.threshold_enabled": "false",
            **(TLS_SETTINGS if self.tls else {}),
            **self.settings,
        }
        for name, value in settings.items():
            yield f"-E{name}={value}"

    def __enter__(self) -> Self:
        try:
            return self.start()
        except BaseException:
            self.stop()
            raise

    def __exit__(self, *_: object) -> None:
        self.stop()


def main() -> None:
    """Run a cluster until Ctrl-C."""
    options = argparse.ArgumentParser(description="A small Elasticsearch on loopback.")
    options.add_argument("--nodes", type=int, default=1)
    options.add_argument("--version", default=VERSION)
    chosen = options.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))  # so that the nodes go, too
    with Cluster(chosen.nodes, chosen.version) as cluster:
        sys.stdout.write(f"Elasticsearch {chosen.version} is ready at {cluster.url}\n")
        sys.stdout.flush()
        with contextlib.suppress(KeyboardInterrupt):
            signal.pause()


if __name__ == "__main__":
    main()
