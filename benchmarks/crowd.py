"""How the service holds against a crowd: many jobs at once from many clients, and connections that trickle.

    python -m benchmarks.crowd [--jobs 200] [--clients 20] [--connections 200] [--queue-lengths 1000,50]

Starts the real service with its queue and one worker for these jobs, at the default limits, once for each length of
the queue. Every client posts its share as fast as it is answered, and who is refused comes again after
``Retry-After``. Linux only.
"""

import argparse
import os
import socket
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

import httpx
import numpy as np

from benchmarks.inference import mixed_pixels
from benchmarks.load_client import ask
from benchmarks.pinned import PinnedService, pinned_service
from benchmarks.tables import grid

SIDE, BANDS, N_ENDMEMBERS = 20, 30, 3
POLL_SECONDS = 0.5
STUCK_SECONDS = 300.0
"""A queue in which no job ends for so long is stuck."""

ASK_SECONDS = 5.0
REFUSALS = (429, 503)


@dataclass(frozen=True)
class Posts:
    """Jobs of some clients. silent: refusals without ``Retry-After``; other: answers that are neither. Memory in MB is
    the most that the service's process had resident; seconds are of all posts, and until the last job had ended."""

    queue_length: int
    accepted: int
    refused: int
    silent: int
    other: int
    successful: int
    failed: int
    unended: int
    posting_seconds: float
    seconds: float
    peak_mb: float


@dataclass(frozen=True)
class Trickled:
    """Connections that send a byte a second. Medians of ``GET /jobs`` in ms; cut: how many the service closed, and
    after how many seconds it had closed them all."""

    connections: int
    alone_ms: float
    beside_ms: float
    cut: int
    seconds: float


class Client:
    """Posts jobs, all different, and counts how it is answered."""

    def __init__(self, service: PinnedService, scene: bytes) -> None:
        self._url = "http://{}:{}/unmix".format(*service.address)
        self._scene = scene
        self.answers = Counter[str]()
        self.jobs: list[str] = []

    def post(self, seeds: Sequence[int]) -> None:
        with httpx.Client(timeout=120) as http:
            for seed in seeds:
                self._until_accepted(http, seed)

    def _until_accepted(self, http: httpx.Client, seed: int) -> None:
        fields = {"n_endmembers": str(N_ENDMEMBERS), "method": "vca_fcls", "seed": str(seed)}
        while True:
            answer = http.post(self._url, data=fields, files={"file": ("scene.npy", self._scene)})
            if answer.status_code == httpx.codes.ACCEPTED:
                self.jobs.append(answer.json()["jobID"])
                return
            wait = answer.headers.get("retry-after")
            self.answers["refused" if answer.status_code in REFUSALS else "other"] += 1
            self.answers["silent"] += wait is None
            if answer.status_code not in REFUSALS:
                return
            time.sleep(float(wait or 1))


def post_jobs(service: PinnedService, scene: bytes, n_jobs: int, n_clients: int, queue_length: int) -> Posts:
    """So many jobs from so many clients at once, followed to their ends."""
    clients = [Client(service, scene) for _ in range(n_clients)]
    service.process.forget_peak()
    started = time.perf_counter()
    with ThreadPoolExecutor(n_clients) as pool:
        for posted in [pool.submit(one.post, range(n, n_jobs, n_clients)) for n, one in enumerate(clients)]:
            posted.result()
    posting_seconds = time.perf_counter() - started
    jobs = [job for client in clients for job in client.jobs]
    states = _ended(service, jobs)
    answers = sum((client.answers for client in clients), Counter[str]())
    return Posts(
        queue_length, len(jobs), answers["refused"], answers["silent"], answers["other"], states["successful"],
        states["failed"], len(jobs) - states["successful"] - states["failed"], posting_seconds,
        time.perf_counter() - started, service.process.peak_resident_mb,
    )  # fmt: skip


def _ended(service: PinnedService, jobs: Sequence[str]) -> Counter[str]:
    """The states of the jobs once all have ended, or once none ends any more."""
    states: dict[str, str] = {}
    changed = time.monotonic()
    with httpx.Client(base_url="http://{}:{}".format(*service.address), timeout=120) as http:
        while len(states) < len(jobs) and time.monotonic() < changed + STUCK_SECONDS:
            for job in jobs:
                if job not in states:
                    status = http.get(f"/jobs/{job}").raise_for_status().json()["status"]
                    if status in ("accepted", "running"):
                        break  # those behind it in the queue have not ended either, or are seen the next time
                    states[job], changed = status, time.monotonic()
            time.sleep(POLL_SECONDS)
    return Counter(states.values())


def trickle(service: PinnedService, connections: int) -> Trickled:
    """Ask for the jobs without and with so many connections that trickle: half of them a head, half of them a body."""
    alone = _median_ms(service)
    with ExitStack() as stack:
        sockets = [stack.enter_context(_trickling(service, number)) for number in range(connections)]
        started, stopped, cut = time.monotonic(), threading.Event(), dict[int, float]()
        thread = threading.Thread(target=send_on, args=(sockets, stopped, cut))
        thread.start()
        try:
            time.sleep(1.0)
            beside = _median_ms(service)
            while len(cut) < connections and time.monotonic() < started + STUCK_SECONDS:
                time.sleep(POLL_SECONDS)
        finally:
            stopped.set()
            thread.join()
    return Trickled(connections, alone, beside, len(cut), max(cut.values(), default=started) - started)


def _median_ms(service: PinnedService) -> float:
    return 1000 * median(ask(service.address, "/jobs", 1, ASK_SECONDS).latencies)


@contextmanager
def _trickling(service: PinnedService, number: int) -> Iterator[socket.socket]:
    head = "GET /jobs HTTP/1.1\r\nHost: {}:{}\r\nX-Long: "
    upload = (
        "POST /unmix?n_endmembers=3 HTTP/1.1\r\nHost: {}:{}\r\nContent-Type: application/x-npy\r\n"
        "Content-Length: 9999999\r\n\r\n"
    )
    with socket.create_connection(service.address, timeout=30) as connection:
        connection.sendall((upload if number % 2 else head).format(*service.address).encode("ascii"))
        yield connection


def send_on(sockets: Sequence[socket.socket], stopped: threading.Event, cut: dict[int, float]) -> None:
    """A byte a second on each, until it is cut."""
    while not stopped.wait(1.0):
        for number, connection in enumerate(sockets):
            if number not in cut:
                try:
                    connection.sendall(b"a")
                    connection.recv(1, socket.MSG_DONTWAIT)
                except BlockingIOError:  # nothing has come: it is open
                    continue
                except OSError:
                    pass
                cut[number] = time.monotonic()


def markdown(posts: Sequence[Posts], trickled: Trickled) -> str:
    """Both tables."""
    first = [
        "queue", "accepted", "refused, come again", "without Retry-After", "other answers", "successful", "failed",
        "not ended", "posting (s)", "until the last ended (s)", "service's memory (MB)",
    ]  # fmt: skip
    rows = [
        [
            str(row.queue_length), str(row.accepted), str(row.refused), str(row.silent), str(row.other),
            str(row.successful), str(row.failed), str(row.unended), f"{row.posting_seconds:.1f}", f"{row.seconds:.0f}",
            f"{row.peak_mb:.0f}",
        ]
        for row in posts
    ]  # fmt: skip
    second = ["trickling connections", "GET /jobs alone (ms)", "beside (ms)", "cut", "all cut after (s)"]
    cells = [
        str(trickled.connections), f"{trickled.alone_ms:.2f}", f"{trickled.beside_ms:.2f}", str(trickled.cut),
        f"{trickled.seconds:.0f}",
    ]  # fmt: skip
    return f"{grid(first, rows)}\n\n{grid(second, [cells])}"


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.crowd", description=__doc__.splitlines()[0])
    parser.add_argument("--jobs", type=int, default=200, help="posted in all (default: 200)")
    parser.add_argument("--clients", type=int, default=20, help="that post at the same time (default: 20)")
    parser.add_argument("--connections", type=int, default=200, help="that trickle (default: 200)")
    parser.add_argument("--queue-lengths", default="1000,50", help="jobs that may wait (default: 1000,50)")
    options = parser.parse_args(arguments)
    if sys.platform != "linux":
        raise SystemExit("this benchmark pins processes and reads /proc: it needs Linux")
    cube = mixed_pixels(SIDE * SIDE, BANDS, N_ENDMEMBERS).reshape(SIDE, SIDE, BANDS)
    posts, trickled = [], None
    with TemporaryDirectory() as folder:
        np.save(Path(folder) / "scene.npy", cube)
        scene = (Path(folder) / "scene.npy").read_bytes()
        for length in map(int, options.queue_lengths.split(",")):
            os.environ["UNMIX_MAX_QUEUE_LENGTH"] = str(length)
            with pinned_service(Path(folder) / f"data-{length}") as service:
                posts.append(post_jobs(service, scene, options.jobs, options.clients, length))
                trickled = trickled or trickle(service, options.connections)
    assert trickled is not None
    print(markdown(posts, trickled))


if __name__ == "__main__":
    main()
