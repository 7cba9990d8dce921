"""How the service holds under load: requests while a network trains, and a large upload.

    python -m benchmarks.load [--quick] [--upload-mb 2000] [--folder FOLDER] [--out FILE.json]

Starts the real service with its queue and its workers on a free port of this machine, in a temporary folder. Service
and workers have a core each; the load generator has its own where there is a third, else it shares the workers' core,
and takes from the training, not from the service. Every client asks again as soon as it is answered, so latencies are
those of a service that is never idle. Linux only.
"""

import argparse
import json
import os
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import httpx
import numpy as np

from benchmarks.inference import mixed_pixels
from benchmarks.load_client import Answers, ask, percentile, upload
from benchmarks.pinned import PinnedService, Process, pinned_service

WAIT_SECONDS = 120.0
COLUMNS, BANDS = 1000, 200
ROWS_AT_ONCE = 20
TRAINED_SIDE, TRAINED_BANDS, N_ENDMEMBERS = 60, 60, 3


@dataclass(frozen=True)
class Amount:
    """How much is asked. ``asset_pixels``: of the scene whose maps are downloaded."""

    posts: int
    connections: int
    seconds: float
    asset_pixels: int
    upload_bytes: int


QUICK = Amount(posts=3, connections=8, seconds=0.3, asset_pixels=10_000, upload_bytes=16_000_000)


@dataclass(frozen=True)
class Held:
    """One kind of request. Latencies in ms; the shares are of one core; ``training``: whether a network was in
    training before and after."""

    request: str
    connections: int
    n_requests: int
    per_second: float
    p50_ms: float
    p95_ms: float
    p99_ms: float
    mb_per_second: float
    service_core: float
    client_core: float
    training: bool


@dataclass(frozen=True)
class Uploaded:
    """One large upload until its job was accepted. Memory in MB is the service's resident set."""

    mb: float
    seconds: float
    mb_per_second: float
    resident_before_mb: float
    growth_mb: float
    service_core: float
    training: bool


@dataclass(frozen=True)
class Load:
    """Everything measured in one run."""

    cores: str
    held: tuple[Held, ...]
    uploaded: Uploaded


def measure_load(folder: Path, amount: Amount) -> Load:
    """Start a service in ``folder``, load it, stop it. Raises ConnectionError for an answer that is no success."""
    trained = _write_scene(folder / "trained.npy", TRAINED_SIDE * TRAINED_SIDE, TRAINED_BANDS, TRAINED_SIDE)
    mapped = _write_scene(folder / "mapped.npy", amount.asset_pixels, TRAINED_BANDS, 100)
    large = _write_scene(folder / "large.npy", amount.upload_bytes // (4 * BANDS), BANDS, COLUMNS)
    with pinned_service(folder / "data") as service:
        meter = _Meter(service)
        jobs: list[str] = []
        held = [meter.held("POST /unmix (0.9 MB)", 1, lambda: _posts(service, trained, amount.posts, jobs))]
        _wait(lambda: "epoch" in _get(service, f"/jobs/{jobs[0]}")["message"], "no training has begun")
        assets = _assets(service, mapped)
        largest, smallest = max(assets, key=assets.__getitem__), min(assets, key=assets.__getitem__)
        for name, path, connections in (
            ("GET /jobs/{id}", f"/jobs/{jobs[0]}", amount.connections),
            (f"GET an asset of {assets[smallest] / 1e3:.1f} kB", smallest, amount.connections),
            (f"GET an asset of {assets[largest] / 1e6:.1f} MB", largest, 4),
        ):
            held.append(meter.held(name, connections, lambda: ask(service.address, path, connections, amount.seconds)))  # noqa: B023
        return Load(service.cores.in_words, tuple(held), meter.uploaded(large))


class _Meter:
    """Measures around what is asked of one service."""

    def __init__(self, service: PinnedService) -> None:
        self._service, self._client = service, Process(os.getpid())

    def held(self, request: str, connections: int, work: Callable[[], Answers]) -> Held:
        trained = self._trains()
        before = self._service.process.cpu_seconds, self._client.cpu_seconds
        answers = work()
        after = self._service.process.cpu_seconds, self._client.cpu_seconds
        shares = [(end - start) / answers.seconds for start, end in zip(before, after, strict=True)]
        ms = [1000 * percentile(answers.latencies, percent) for percent in (50, 95, 99)]
        return Held(
            request, connections, len(answers.latencies), answers.per_second, ms[0], ms[1], ms[2],
            answers.megabytes_per_second, shares[0], shares[1], trained and self._trains(),
        )  # fmt: skip

    def uploaded(self, scene: Path) -> Uploaded:
        process, trained = self._service.process, self._trains()
        process.forget_peak()
        before, resident_before = process.cpu_seconds, process.resident_mb
        _, seconds = upload(self._service.address, scene, {"n_endmembers": str(N_ENDMEMBERS)})
        share, mb = (process.cpu_seconds - before) / seconds, scene.stat().st_size / 1e6
        growth = process.peak_resident_mb - resident_before
        return Uploaded(mb, seconds, mb / seconds, resident_before, growth, share, trained and self._trains())

    def _trains(self) -> bool:
        return bool(_get(self._service, "/jobs?status=running")["numberMatched"])


def _posts(service: PinnedService, scene: Path, n_posts: int, jobs: list[str]) -> Answers:
    """Training jobs one after the other, all different; ``jobs`` receives their ids."""
    latencies = []
    for seed in range(n_posts):
        fields = {"n_endmembers": str(N_ENDMEMBERS), "max_training_seconds": "600", "seed": str(seed)}
        job, seconds = upload(service.address, scene, fields)
        jobs.append(job["jobID"])
        latencies.append(seconds)
    return Answers(tuple(latencies), sum(latencies), n_posts * scene.stat().st_size)


def _assets(service: PinnedService, scene: Path) -> dict[str, int]:
    """Path -> bytes of what a method without training makes of ``scene``, beside the training."""
    fields = {"n_endmembers": str(N_ENDMEMBERS), "method": "vca_fcls"}
    job, _ = upload(service.address, scene, fields)
    path = f"/jobs/{job['jobID']}"
    _wait(lambda: _get(service, path)["status"] == "successful", "the job whose assets are asked for does not end")
    assets = _get(service, f"{path}/results")["assets"]
    return {f"{path}/results/{name}": facts["size"] for name, facts in assets.items()}


def _write_scene(path: Path, n_pixels: int, n_bands: int, columns: int) -> Path:
    """A float32 cube of the same few rows again and again, in constant memory."""
    rows = max(n_pixels // columns, 1)
    block = mixed_pixels(min(rows, ROWS_AT_ONCE) * columns, n_bands, N_ENDMEMBERS)
    content, row_bytes = block.tobytes(), columns * n_bands * block.itemsize
    with path.open("wb") as file:
        header = {"descr": "<f4", "fortran_order": False, "shape": (rows, columns, n_bands)}
        np.lib.format.write_array_header_1_0(file, header)
        for start in range(0, rows, ROWS_AT_ONCE):
            file.write(memoryview(content)[: (rows - start) * row_bytes])
    return path


def _get(service: PinnedService, path: str) -> Any:
    answer = httpx.get(f"http://{service.address[0]}:{service.address[1]}{path}", timeout=WAIT_SECONDS)
    return answer.raise_for_status().json()


def _wait(condition: Callable[[], bool], otherwise: str) -> None:
    deadline = time.monotonic() + WAIT_SECONDS
    while not condition():
        if time.monotonic() > deadline:
            raise SystemExit(f"after {WAIT_SECONDS:g} s: {otherwise}")
        time.sleep(0.05)


def markdown(load: Load) -> str:
    """The two tables and who ran where."""
    lines = [
        "| request | connections | requests/s | p50 (ms) | p95 (ms) | p99 (ms) | MB/s | service's core | client's core "
        "| training |",
        "|---|---|---|---|---|---|---|---|---|---|",
    ]
    lines += [
        f"| {row.request} | {row.connections} | {row.per_second:.0f} | {row.p50_ms:.1f} | {row.p95_ms:.1f} "
        f"| {row.p99_ms:.1f} | {row.mb_per_second:.1f} | {row.service_core:.0%} | {row.client_core:.0%} "
        f"| {_yes(row.training)} |"
        for row in load.held
    ]
    up = load.uploaded
    lines += [
        "",
        "| upload (MB) | seconds | MB/s | memory before (MB) | growth (MB) | service's core | training |",
        "|---|---|---|---|---|---|---|",
        f"| {up.mb:.0f} | {up.seconds:.2f} | {up.mb_per_second:.0f} | {up.resident_before_mb:.0f} "
        f"| {up.growth_mb:.0f} | {up.service_core:.0%} | {_yes(up.training)} |",
        "",
        load.cores,
    ]
    return "\n".join(lines)


def _yes(training: bool) -> str:
    return "yes" if training else "no"


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.load", description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="a little of everything, in seconds")
    parser.add_argument("--connections", type=int, default=32, help="kept open at the same time (default: 32)")
    parser.add_argument("--seconds", type=float, default=5.0, help="of each kind of GET (default: 5)")
    parser.add_argument("--upload-mb", type=int, default=2000, help="size of the large upload (default: 2000)")
    parser.add_argument("--folder", type=Path, help="where data goes (default: the system's temporary folder)")
    parser.add_argument("--out", type=Path, help="write the figures to this JSON file")
    options = parser.parse_args(arguments)
    if sys.platform != "linux":
        raise SystemExit("this benchmark pins processes and reads /proc: it needs Linux")
    full = Amount(40, options.connections, options.seconds, 500_000, options.upload_mb * 1_000_000)
    with TemporaryDirectory(dir=options.folder) as folder:
        load = measure_load(Path(folder), QUICK if options.quick else full)
    print(markdown(load))
    if options.out is not None:
        options.out.write_text(json.dumps(asdict(load), indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
