"""The service under load: 16 clients at a time beside one, a flood beyond its bounds, and memory over mixed load.

    python benchmarks/serve.py xquad.en.json [--questions 160] [--rounds 5] [--minutes 10]

Starts `fundstelle serve` over the paragraphs of a SQuAD file, each a document, and asks it different questions.
One client and sixteen take turns, so that a busy moment of the machine meets both; medians of the rounds are
printed, and the ratio of each round's pair. The clients run on the same cores as the service.
"""

import argparse
import http.client
import json
import os
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import cycle
from pathlib import Path
from queue import Empty, SimpleQueue
from typing import Any

os.environ.setdefault("HAYSTACK_TELEMETRY_ENABLED", "False")
os.environ.setdefault("HF_HUB_OFFLINE", "1")

from ask import contexts_and_questions, sample, write_files
from machine import describe

from fundstelle.indexing.addresses import open_store
from fundstelle.indexing.jobs import Splitting, index
from fundstelle.reader import bundle

CLIENTS = 16
JSON = {"Content-Type": "application/json"}


@dataclass
class Load:
    """What one load of questions came to."""

    seconds: float = 0.0
    latencies: list[float] = field(default_factory=list)
    statuses: Counter[int] = field(default_factory=Counter)
    retry_after: int = 0

    @property
    def rate(self) -> float:
        return len(self.latencies) / self.seconds

    def percentile(self, share: float) -> float:
        """Milliseconds."""
        ordered = sorted(self.latencies)
        return 1000 * ordered[min(int(share * len(ordered)), len(ordered) - 1)]


@dataclass(frozen=True)
class Service:
    """The service in another process."""

    port: int
    process: int

    def ask(self, connection: http.client.HTTPConnection, question: str) -> http.client.HTTPResponse:
        connection.request("POST", "/v1/query", json.dumps({"question": question}), JSON)
        response = connection.getresponse()
        response.read()
        return response

    def connect(self) -> http.client.HTTPConnection:
        return http.client.HTTPConnection("127.0.0.1", self.port, timeout=120)

    def get(self, path: str) -> tuple[int, bytes]:
        connection = self.connect()
        connection.request("GET", path)
        response = connection.getresponse()
        return response.status, response.read()

    def figure(self, name: str) -> float:
        """A figure of /metrics without labels."""
        _, text = self.get("/metrics")
        return next(
            float(line.split()[1]) for line in text.decode().splitlines() if line.startswith(name + " ")
        )

    @property
    def memory(self) -> int:
        """Bytes of memory of the process's own, without its workers and the files that it maps."""
        status = Path(f"/proc/{self.process}/status").read_text()
        return 1024 * next(int(line.split()[1]) for line in status.splitlines() if line.startswith("RssAnon"))


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("dataset", type=Path)
    parser.add_argument(
        "--questions", type=int, default=160, help="of each round and of each number of clients"
    )
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--minutes", type=float, default=0.0, help="of mixed load")
    arguments = parser.parse_args()
    contexts, questions = contexts_and_questions(arguments.dataset)
    asked = [question for question, _ in sample(questions, min(len(questions), 1000))]
    print(describe())
    with tempfile.TemporaryDirectory(prefix="fundstelle-serve-") as name:
        folder = Path(name)
        prepare(contexts, folder)
        with running(folder) as service:
            side_by_side(service, asked, arguments.questions, arguments.rounds)
            flood(service, asked)
            if arguments.minutes:
                mixed(service, asked, arguments.minutes)


def prepare(contexts: Sequence[str], folder: Path) -> None:
    """A store of the paragraphs."""
    (folder / "files").mkdir()
    files = write_files(list(contexts), folder / "files")
    with open_store(str(folder / "store")) as store:
        index([files], store, base=files, splitting=Splitting(bundle.path() / bundle.TOKENIZER))


@contextmanager
def running(folder: Path) -> Iterator[Service]:
    """`fundstelle serve` over the store in `folder`, once it is ready."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]
    command = [sys.executable, "-c", "from fundstelle.cli import main; main()", "serve", "--port", str(port)]
    environment = {key: value for key, value in os.environ.items() if not key.startswith("FUNDSTELLE_")}
    with (folder / "log").open("w") as log:
        process = subprocess.Popen(
            [*command, "--store", "store"], cwd=folder, env=environment, stdout=log, stderr=subprocess.STDOUT
        )
        try:
            service = Service(port, process.pid)
            wait_for(service, process)
            yield service
        finally:
            process.send_signal(signal.SIGTERM)
            process.wait(60)


def wait_for(service: Service, process: "subprocess.Popen[bytes]") -> None:
    while process.poll() is None:
        try:
            if service.get("/ready")[0] == 200:
                return
        except OSError:
            pass
        time.sleep(0.1)
    raise SystemExit("The service ended before it was ready.")


def load(service: Service, questions: Sequence[str], clients: int) -> Load:
    """All `questions`, asked by so many clients, each the next one as soon as it has its answer."""
    waiting: SimpleQueue[str] = SimpleQueue()
    for question in questions:
        waiting.put(question)
    made, noting = Load(), threading.Lock()

    def client() -> None:
        connection = service.connect()
        while True:
            try:
                question = waiting.get_nowait()
            except Empty:
                return
            began = time.perf_counter()
            response = service.ask(connection, question)
            spent = time.perf_counter() - began
            with noting:
                made.statuses[response.status] += 1
                made.retry_after += response.headers["Retry-After"] is not None
                if response.status == 200:
                    made.latencies.append(spent)

    began = time.perf_counter()
    at_once([client] * clients)
    made.seconds = time.perf_counter() - began
    return made


def at_once(targets: Sequence[Any]) -> None:
    threads = [threading.Thread(target=target) for target in targets]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def side_by_side(service: Service, questions: Sequence[str], count: int, rounds: int) -> None:
    """One client and sixteen in turns."""
    supply = cycle(questions)
    loads: dict[int, list[Load]] = {1: [], CLIENTS: []}
    load(service, [next(supply) for _ in range(count)], CLIENTS)  # warms up
    for _ in range(rounds):
        for clients in loads:
            busy = service.figure("process_cpu_seconds_total")
            made = load(service, [next(supply) for _ in range(count)], clients)
            busy = service.figure("process_cpu_seconds_total") - busy
            loads[clients].append(made)
            print(
                f"{clients:3} clients: {made.rate:6.2f} questions/s, p50 {made.percentile(0.5):6.0f} ms, "
                f"p99 {made.percentile(0.99):6.0f} ms, {busy / count * 1000:5.0f} ms of processor a question"
            )
    ratios = [many.rate / one.rate for one, many in zip(loads[1], loads[CLIENTS], strict=True)]
    for clients, made_loads in loads.items():
        everything = Load(latencies=[latency for made in made_loads for latency in made.latencies])
        rate = statistics.median(made.rate for made in made_loads)
        print(
            f"{clients:3} clients, median of rounds: {rate:.2f} questions/s; of all "
            f"p50 {everything.percentile(0.5):.0f} ms, p99 {everything.percentile(0.99):.0f} ms"
        )
    print(
        f"{CLIENTS} beside 1: {statistics.median(ratios):.2f} times the questions ({min(ratios):.2f}-{max(ratios):.2f})"
    )


def flood(service: Service, questions: Sequence[str], clients: int = 200) -> None:
    """Far more clients than are let in: the rest is refused with a time to come back."""
    made = load(service, list(questions)[: 2 * clients], clients)
    refused = sum(count for status, count in made.statuses.items() if status != 200)
    print(
        f"{clients} clients at once: {dict(made.statuses)}; {made.retry_after} of {refused} refusals say when to retry"
    )


def mixed(service: Service, questions: Sequence[str], minutes: float) -> None:
    """Questions from eight clients and an upload a second, while memory is looked at."""
    end = time.monotonic() + 60 * minutes
    supply, asked = cycle(questions), Counter[int]()

    def asking() -> None:
        connection = service.connect()
        while time.monotonic() < end:
            asked[service.ask(connection, next(supply)).status] += 1

    def uploading() -> None:
        number = 0
        while time.monotonic() < end:
            number += 1
            upload(
                service, f"note-{number % 50}", f"Note {number}: " + "The pump was checked. " * (number % 400)
            )
            time.sleep(1)

    def looking() -> None:
        while time.monotonic() < end:
            print(
                f"  {(end - time.monotonic()) / 60:5.1f} minutes left: {service.memory / 1e6:.0f} MB",
                flush=True,
            )
            time.sleep(min(30, max(end - time.monotonic(), 0)))

    at_once([*[asking] * 8, uploading, looking])
    _, jobs = service.get("/v1/jobs?limit=1000")
    states = Counter(job["state"] for job in json.loads(jobs)["jobs"])
    print(
        f"mixed load of {minutes:g} minutes: {dict(asked)} questions, jobs {dict(states)}, "
        f"{service.memory / 1e6:.0f} MB"
    )


def upload(service: Service, source: str, text: str) -> None:
    connection = service.connect()
    connection.request(
        "POST", "/v1/documents", json.dumps({"documents": [{"source": source, "text": text}]}), JSON
    )
    connection.getresponse().read()
    connection.close()


if __name__ == "__main__":
    main()
