"""What Prometheus is told. Each application has a registry of its own."""

import time
from collections.abc import Callable

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    PlatformCollector,
    ProcessCollector,
    generate_latest,
)
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from fundstelle.pipelines.answers import QueryResult

SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)
SIZES = (1, 2, 4, 8, 12, 16, 24, 32, 64)


class Metrics:
    """The figures of one application."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        ProcessCollector(registry=self.registry)
        PlatformCollector(registry=self.registry)
        self._requests = self._counter("requests", "Requests answered", "method", "path", "status")
        self._request_seconds = self._histogram("request_seconds", "Time of a request", SECONDS, "path")
        self._questions = self._counter("questions", "Questions answered", "outcome")
        self._question_seconds = self._histogram(
            "question_seconds", "Time of a question in a stage", SECONDS, "stage"
        )
        self._batch_passages = self._histogram("batch_passages", "Passages read in one go", SIZES)
        self._batch_questions = self._histogram("batch_questions", "Questions that share a reading", SIZES)

    def _counter(self, name: str, text: str, *labels: str) -> Counter:
        return Counter(f"fundstelle_{name}", text, labels, registry=self.registry)

    def _histogram(self, name: str, text: str, buckets: tuple[float, ...], *labels: str) -> Histogram:
        return Histogram(f"fundstelle_{name}", text, labels, buckets=buckets, registry=self.registry)

    def watch(self, name: str, text: str, value: Callable[[], float]) -> None:
        """A gauge that is read when it is asked for."""
        Gauge(f"fundstelle_{name}", text, registry=self.registry).set_function(value)

    def request(self, method: str, path: str, status: int, seconds: float) -> None:
        self._requests.labels(method, path, str(status)).inc()
        self._request_seconds.labels(path).observe(seconds)

    def question(self, result: QueryResult) -> None:
        self._questions.labels("answer" if result.answers else "no answer").inc()
        for stage in ("retrieve", "read", "total"):
            self._question_seconds.labels(stage).observe(result.timings[f"{stage}_ms"] / 1000)

    def batch(self, questions: int, passages: int) -> None:
        self._batch_questions.observe(questions)
        self._batch_passages.observe(passages)

    def text(self) -> bytes:
        """All of it in Prometheus' text format."""
        return generate_latest(self.registry)


class Measuring:
    """Counts every request under the path of its route, never under what a client made up."""

    def __init__(self, app: ASGIApp, metrics: Metrics) -> None:
        self._app = app
        self._metrics = metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        status = 500
        started = time.perf_counter()

        async def noting(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        try:
            await self._app(scope, receive, noting)
        finally:
            path = getattr(scope.get("route"), "path", "unknown")
            method = scope["method"] if path != "unknown" else "unknown"
            self._metrics.request(method, path, status, time.perf_counter() - started)
