"""Figures for Prometheus: jobs, queues, workers, the store, seconds of stages, and the requests themselves."""

import shutil
import time
from collections.abc import Iterable, Iterator
from pathlib import Path

from prometheus_client import CollectorRegistry, Counter, Histogram
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric, SummaryMetricFamily
from prometheus_client.registry import Collector
from redis.exceptions import RedisError
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from model_store.job_lists import JobLists
from model_store.jobs import LIVE
from model_store.records import JobRecord, JobStatus, now
from service.context import Context
from service.queues import QUEUES

SIZE_SECONDS = 60.0
"""The sizes of the folders are measured at most this often: it takes a look at every file."""

SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60)
"""Upper ends of the histogram of answer times."""

COUNTERS = {
    "jobs_ended": "Jobs that ended, by state and method.",
    "pixels": "Pixels unmixed and samples separated, by method.",
}
SUMMARIES = {
    "stage_seconds": "Seconds that a stage of a job took, by method.",
    "training_nmse": "Least error of a training on held-out synthetic truth, by method.",
}
"""Measurements of workers, and their help texts."""


class RequestMetrics:
    """ASGI middleware that counts requests and their times, by route and status. Unknown paths are one route."""

    def __init__(self, app: ASGIApp, registry: CollectorRegistry) -> None:
        self.app = app
        labels = ("method", "route", "status")
        self._requests = Counter("unmix_http_requests", "Requests answered.", labels, registry=registry)
        self._seconds = Histogram(
            "unmix_http_seconds", "Seconds to the first byte of an answer.", ("route",), registry=registry,
            buckets=SECONDS,
        )  # fmt: skip

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        started = time.perf_counter()

        async def observed(message: Message) -> None:
            if message["type"] == "http.response.start":
                route = getattr(scope.get("route"), "path", "unknown")
                self._requests.labels(scope["method"], route, message["status"]).inc()
                self._seconds.labels(route).observe(time.perf_counter() - started)
            await send(message)

        await self.app(scope, receive, observed)


class StateCollector(Collector):
    """Asks Redis and the data folder at each scrape, so that every service of one queue tells the same."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._sizes: dict[str, int] = {}
        self._measured_at = -SIZE_SECONDS

    def describe(self) -> Iterable[Metric]:
        return ()

    def collect(self) -> Iterator[Metric]:
        up = GaugeMetricFamily("unmix_queue_up", "Whether Redis answers.")
        try:
            found = [*self._jobs(), *self._queues(), *self._workers(), *self._measurements()]
        except RedisError:
            found = []
            up.add_metric([], 0)
        else:
            up.add_metric([], 1)
        yield up
        yield from found
        yield from self._store()

    def _jobs(self) -> Iterator[Metric]:
        jobs: JobLists = self._context.stores.jobs
        stored = GaugeMetricFamily("unmix_jobs", "Jobs that are known, by state.", labels=["status"])
        for status in JobStatus:
            stored.add_metric([status], jobs.count(status))
        yield stored
        live = GaugeMetricFamily("unmix_jobs_live", "Jobs that wait or run.", labels=["status", "method"])
        numbers: dict[tuple[str, str], int] = {}
        for record in self._live():
            key = (str(record.status), record.method)
            numbers[key] = numbers.get(key, 0) + 1
        for labels, number in sorted(numbers.items()):
            live.add_metric(labels, number)
        yield live

    def _live(self) -> Iterator[JobRecord]:
        for status in LIVE:
            yield from self._context.stores.jobs.every(status)

    def _queues(self) -> Iterator[Metric]:
        length = GaugeMetricFamily("unmix_queue_length", "Jobs that wait for a worker.", labels=["queue"])
        oldest = GaugeMetricFamily("unmix_queue_oldest_seconds", "How long the first of them waits.", labels=["queue"])
        waiting = list(self._context.stores.jobs.every(JobStatus.ACCEPTED))
        for queue in QUEUES:
            since = [record.updated for record in waiting if record.queue == queue]
            length.add_metric([queue], len(since))
            oldest.add_metric([queue], (now() - min(since)).total_seconds() if since else 0)
        yield from (length, oldest)

    def _workers(self) -> Iterator[Metric]:
        alive = GaugeMetricFamily("unmix_workers", "Workers that live and serve the queue.", labels=["queue"])
        silent = GaugeMetricFamily(
            "unmix_worker_silent_seconds", "How long the quietest of them has shown no life.", labels=["queue"]
        )
        workers = self._context.queue.workers()
        for queue in QUEUES:
            silences = [worker.silent_seconds for worker in workers if queue in worker.queues]
            alive.add_metric([queue], len(silences))
            silent.add_metric([queue], max(silences, default=0))
        yield from (alive, silent)

    def _measurements(self) -> Iterator[Metric]:
        sums = list(self._context.stores.measurements.read())
        for name, help_text in COUNTERS.items():
            found = [one for one in sums if one.name == name]
            labels = sorted({label for one in found for label in one.labels})
            counter = CounterMetricFamily(f"unmix_{name}", help_text, labels=labels)
            for one in found:
                counter.add_metric([one.labels[label] for label in labels], one.value)
            yield counter
        for name, help_text in SUMMARIES.items():
            totals = {tuple(one.labels.items()): one.value for one in sums if one.name == f"{name}_sum"}
            counts = [one for one in sums if one.name == f"{name}_count"]
            labels = sorted({label for one in counts for label in one.labels})
            summary = SummaryMetricFamily(f"unmix_{name}", help_text, labels=labels)
            for one in counts:
                total = totals.get(tuple(one.labels.items()), 0.0)
                summary.add_metric([one.labels[label] for label in labels], int(one.value), total)
            yield summary

    def _store(self) -> Iterator[Metric]:
        data = self._context.settings.data
        if time.monotonic() - self._measured_at >= SIZE_SECONDS:
            folders = ("inputs", "parts", "results", "models")
            self._sizes = {name: _size_of(data / name) for name in folders}
            self._measured_at = time.monotonic()
        sizes = GaugeMetricFamily("unmix_store_bytes", "Size of what the service keeps.", labels=["kind"])
        for name, size in self._sizes.items():
            sizes.add_metric([name], size)
        yield sizes
        free = GaugeMetricFamily("unmix_store_free_bytes", "Room that is left where the service keeps it.")
        free.add_metric([], shutil.disk_usage(data).free)
        yield free


def _size_of(folder: Path) -> int:
    """Bytes of all files below ``folder``; what vanishes meanwhile does not count."""
    total = 0
    for path in folder.rglob("*"):
        try:
            total += path.stat().st_size if path.is_file() else 0
        except OSError:
            continue
    return total
