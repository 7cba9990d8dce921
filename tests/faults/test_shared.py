"""A large image shared between workers: kill -9 at every step, planned stops, dismissal; the result stays the same."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from rq import Queue
from rq.registry import DeferredJobRegistry

from model_store.deliveries import JOIN, Delivery, part_step
from model_store.records import JobRecord, JobStatus
from model_store.settings import Settings
from model_store.stores import Stores
from service.context import open_context
from service.queues import APPLY, JobQueue
from service.sweeper import Sweeper
from tests.conftest import REPOSITORY, npy, record, serving, small_scene, wait_until
from tests.faults.test_killed import horses_of, runs
from unmixing import unmix
from unmixing.specs import UnmixSpec
from worker.sharing import RETRIES
from worker.tasks import run_job, run_step

ROWS, COLUMNS = 45, 20
PART_PIXELS, N_PARTS = 300, 3
"""Parts of 15 rows."""

SWEEP_SECONDS = 0.2

DIGESTS = {"file": {"scene.npy": "0" * 64}}


@pytest.fixture(scope="module")
def scene() -> np.ndarray:
    return small_scene(rows=ROWS, columns=COLUMNS)


@pytest.fixture(scope="module")
def trained(scene: np.ndarray) -> Any:
    return unmix(scene, UnmixSpec(n_endmembers=3, max_training_seconds=0.2)).model


@pytest.fixture
def settings(settings: Settings) -> Settings:
    return settings.model_copy(update={"part_pixels": PART_PIXELS})


@pytest.fixture
def sweeper(settings: Settings) -> Iterator[Sweeper]:
    context = open_context(settings)
    sweeper = Sweeper(context)
    sweeper.adopt()
    yield sweeper
    context.stores.redis.close()


class Job:
    """A job that applies a stored model to the scene, and what happens to it."""

    def __init__(self, stores: Stores, settings: Settings, sweeper: Sweeper, scene: np.ndarray, trained: Any) -> None:
        self.stores, self.sweeper = stores, sweeper
        self.queue = JobQueue(stores.redis, settings.job_timeout_seconds)
        identifier = stores.models.register(trained)
        self.id = stores.jobs.reserve(
            record(spec={"n_endmembers": 3}, model_id=identifier, queue=APPLY, digests=DIGESTS)
        ).id
        folder = stores.inputs.of(self.id)
        folder.mkdir(parents=True)
        (folder / "scene.npy").write_bytes(npy(scene))
        self.queue.enqueue(self.record)
        self.seen: list[int] = []

    @property
    def record(self) -> JobRecord:
        found = self.stores.jobs.get(self.id)
        assert found is not None
        return found

    def sweep(self) -> JobRecord:
        """One sweep, as the service does all the time; the progress seen is kept."""
        self.sweeper.sweep()
        found = self.record
        self.seen.append(found.progress)
        return found

    def until(self, condition: Callable[[], object], seconds: float = 60.0) -> None:
        """Sweep, as the service does, until ``condition`` holds."""
        deadline = time.monotonic() + seconds
        while not condition():
            assert time.monotonic() < deadline, f"still not true after {seconds} seconds"
            self.sweep()
            time.sleep(SWEEP_SECONDS)

    def ended(self) -> bool:
        return self.record.status not in (JobStatus.ACCEPTED, JobStatus.RUNNING)

    def parts(self) -> set[str]:
        return {path.name for path in self.stores.parts.of(self.id).glob("part-*")}

    def maps(self) -> np.ndarray:
        asset = self.stores.results.asset(self.id, "abundances.npy")
        assert asset is not None
        found: np.ndarray = np.load(asset.path)
        return found


@pytest.fixture
def job(stores: Stores, settings: Settings, sweeper: Sweeper, scene: np.ndarray, trained: Any) -> Job:
    return Job(stores, settings, sweeper, scene, trained)


@pytest.fixture(scope="module")
def expected(scene: np.ndarray, trained: Any) -> np.ndarray:
    """The abundances of a run that nobody disturbs and nobody shares."""
    return unmix(scene, model=trained).abundances


PLACES = {
    "before the look": ("worker.tasks:prepare", "before"),
    "after the look": ("worker.tasks:prepare", "after"),
    "while it enqueues": ("rq.Queue:enqueue_many", "after"),
    "after it enqueued": ("worker.tasks:enqueue_steps", "after"),
    "before a part": ("worker.tasks:make_part", "before"),
    "in a part": ("unmixing.io.apply.parts:write_part", "after"),
    "after a part": ("worker.tasks:make_part", "after"),
    "in a product": ("unmixing.io.apply.joining:write_product", "after"),
    "before the join": ("worker.tasks:join", "before"),
    "in the join": ("unmixing.io.apply.joining:join_parts", "after"),
    "after the join": ("worker.tasks:join", "after"),
}
"""Where work-horses wait, to be killed there: before or after they have called what is named."""

WORKER = """
import os, pkgutil, time
from pathlib import Path
from model_store.settings import Settings
from worker import attempts, forking, run, tasks

folder, where, when = Path(os.environ["TEST_PLACE"]), *os.environ["TEST_CALL"].split()

def wait():
    (folder / str(os.getpid())).touch()
    while (folder / "closed").exists():
        time.sleep(0.01)

def held(*args, **kwargs):
    if when == "before":
        wait()
    result = whole(*args, **kwargs)
    if when == "after":
        wait()
    return result

def install():
    global whole
    owner, _, name = where.rpartition(":")
    owner = pkgutil.resolve_name(owner)
    whole = getattr(owner, name)
    setattr(owner, name, held)

def run_held(delivery, settings, stores, work, on_lost):
    # What takes long to import must not be imported before there is a lease.
    def installed():
        install()
        return work()
    attempts.run_held(delivery, settings, stores, installed, on_lost)

class Worker(forking.ForkingWorker):
    def main_work_horse(self, *args, **kwargs):
        # In the work-horse alone: what is named may load what must not be forked.
        if where.startswith("unmixing."):
            tasks.run_held = run_held
        else:
            install()
        super().main_work_horse(*args, **kwargs)

run.ForkingWorker = Worker
run.run_worker(Settings(), ["apply"])
"""


class Workers:
    """Workers of the queue ``apply``, whose work-horses wait at a place until they are let go."""

    def __init__(self, settings: Settings, folder: Path, count: int, place: str = "before the look") -> None:
        self.folder = folder
        folder.mkdir()
        call, when = PLACES[place]
        environment = os.environ | {
            "UNMIX_DATA": str(settings.data),
            "UNMIX_REDIS_URL": str(settings.redis_url),
            "UNMIX_LEASE_SECONDS": str(settings.lease_seconds),
            "UNMIX_PART_PIXELS": str(settings.part_pixels),
            "UNMIX_STOP_GRACE_SECONDS": "0.2",
            "PYTHONPATH": str(REPOSITORY),
            "TEST_PLACE": str(folder),
            "TEST_CALL": f"{call} {when}",
        }
        (folder / "closed").touch()
        command = [sys.executable, "-c", WORKER]
        self.processes = [subprocess.Popen(command, env=environment) for _ in range(count)]

    def __enter__(self) -> "Workers":
        return self

    def __exit__(self, *_: object) -> None:
        self.let_go()
        for process in self.processes:
            process.kill()
            process.wait()

    def waiting(self) -> list[int]:
        """The work-horses that wait."""
        return [pid for pid in (int(path.name) for path in self.folder.glob("[0-9]*")) if runs(pid)]

    def parent_of(self, horse: int) -> subprocess.Popen[bytes]:
        return next(process for process in self.processes if horse in horses_of(process))

    def let_go(self) -> None:
        (self.folder / "closed").unlink(missing_ok=True)


def assert_undisturbed(job: Job, expected: np.ndarray) -> None:
    assert job.record.status is JobStatus.SUCCESSFUL, job.record.error
    np.testing.assert_allclose(job.maps(), expected, atol=1e-6)
    wait_until(lambda: not job.stores.parts.of(job.id).exists() and not job.stores.inputs.of(job.id).exists(), 5)


@pytest.mark.parametrize("count", [1, 3])
def test_nobody_is_killed(job: Job, settings: Settings, tmp_path: Path, expected: np.ndarray, count: int) -> None:
    with Workers(settings, tmp_path / "place", count) as workers:
        workers.let_go()
        job.until(job.ended)
        assert_undisturbed(job, expected)
    assert (job.record.attempts, job.record.failures) == (1, 0)
    assert job.seen == sorted(job.seen)
    assert len(set(job.seen)) > 3
    document = job.stores.results.document(job.id)
    assert document is not None
    assert document["provenance"]["inputs"] == DIGESTS


@pytest.mark.parametrize(
    ("place", "count"),
    [*((place, 1) for place in PLACES), ("while it enqueues", 3), ("in a part", 3), ("in the join", 3)],
)
def test_a_killed_work_horse(
    job: Job, settings: Settings, tmp_path: Path, expected: np.ndarray, place: str, count: int
) -> None:
    with Workers(settings, tmp_path / "place", count, place) as workers:
        job.until(workers.waiting)
        os.kill(workers.waiting()[0], signal.SIGKILL)
        workers.let_go()
        job.until(job.ended)
        assert_undisturbed(job, expected)
    by_a_new_attempt = place in ("before the look", "after the look", "while it enqueues")
    assert (job.record.attempts, job.record.failures) == ((2, 1) if by_a_new_attempt else (1, 0))


@pytest.mark.parametrize("count", [1, 3])
@pytest.mark.parametrize("place", ["after it enqueued", "in a part", "in the join"])
def test_a_killed_worker(
    job: Job, settings: Settings, tmp_path: Path, expected: np.ndarray, place: str, count: int
) -> None:
    with Workers(settings, tmp_path / "place", count, place) as workers:
        job.until(workers.waiting)
        killed = workers.parent_of(workers.waiting()[0])
        killed.kill()
        killed.wait()
        workers.let_go()
        with Workers(settings, tmp_path / "new", 1) as more:
            more.let_go()
            job.until(job.ended)
            assert_undisturbed(job, expected)
    assert (job.record.attempts, job.record.failures) == (1, 0)


def test_parts_that_exist_are_not_made_again(job: Job, settings: Settings, tmp_path: Path) -> None:
    with Workers(settings, tmp_path / "place", 1, "before the join") as workers:
        job.until(workers.waiting)
        made = {path: path.stat().st_mtime_ns for path in job.stores.parts.of(job.id).rglob("*")}
        assert len(job.parts()) == N_PARTS
        assert job.stores.jobs.retry(job.record)
        job.queue.enqueue(job.record)
        [outdated] = workers.waiting()
        job.until(lambda: job.record.attempts == 2 and workers.waiting() not in ([], [outdated]))
        assert {path: path.stat().st_mtime_ns for path in job.stores.parts.of(job.id).rglob("*")} == made
        workers.let_go()
        job.until(job.ended)
    assert job.record.status is JobStatus.SUCCESSFUL


def test_a_part_that_kills_whoever_does_it_ends_the_job(job: Job, settings: Settings, tmp_path: Path) -> None:
    killed: set[int] = set()
    with Workers(settings, tmp_path / "place", 1, "in a part") as workers:
        while not job.ended():
            job.sweep()
            time.sleep(SWEEP_SECONDS)
            for horse in workers.waiting():
                killed.add(horse)
                os.kill(horse, signal.SIGKILL)
    assert job.record.status is JobStatus.FAILED
    assert job.record.error is not None
    assert job.record.error.kind == "WorkerLostError"
    assert "0:15" in job.record.error.detail
    assert len(killed) == N_PARTS * (RETRIES + 1)


def test_a_part_that_hangs_is_done_again_while_others_go_on(
    job: Job, settings: Settings, tmp_path: Path, expected: np.ndarray
) -> None:
    with Workers(settings, tmp_path / "place", 3, "in a part") as workers:
        job.until(workers.waiting)
        hangs = workers.waiting()[0]
        os.kill(hangs, signal.SIGSTOP)
        job.until(lambda: not runs(hangs), 20)
        workers.let_go()
        job.until(job.ended)
        assert_undisturbed(job, expected)
    assert job.record.failures == 0


def test_a_planned_stop_gives_a_part_back(job: Job, settings: Settings, tmp_path: Path, expected: np.ndarray) -> None:
    for number in range(RETRIES + 2):
        with Workers(settings, tmp_path / f"place-{number}", 1, "in a part") as workers:
            job.until(workers.waiting)
            workers.processes[0].send_signal(signal.SIGTERM)
            assert workers.processes[0].wait(15) == 0
    with Workers(settings, tmp_path / "last", 1) as workers:
        workers.let_go()
        job.until(job.ended)
        assert_undisturbed(job, expected)
    assert (job.record.attempts, job.record.failures) == (1, 0)


@pytest.mark.parametrize("place", ["in a part", "in the join"])
def test_dismissal_stops_what_runs_and_removes_what_waits(
    job: Job, settings: Settings, tmp_path: Path, place: str
) -> None:
    with Workers(settings, tmp_path / "place", 1, place) as workers, serving(settings) as service:
        job.until(workers.waiting)
        [horse] = workers.waiting()
        assert service.delete(f"/jobs/{job.id}").json()["status"] == "dismissed"
        wait_until(lambda: not runs(horse), 5)
        assert deliveries(job) == set()
        assert not job.stores.parts.of(job.id).exists()
        assert not job.stores.results.exists(job.id)
        assert workers.processes[0].poll() is None


def deliveries(job: Job) -> set[str]:
    """Deliveries of the job in RQ, to be done now or later."""
    places = [Queue(APPLY, connection=job.stores.redis, serializer="json")]
    waiting = {text for place in places for text in place.get_job_ids()}
    return waiting | set(DeferredJobRegistry(APPLY, connection=job.stores.redis, serializer="json").get_job_ids())


def test_steps_of_an_attempt_that_is_over_do_nothing(job: Job, settings: Settings) -> None:
    run_job(job.id, settings, on_lost=lambda: None)
    assert job.stores.jobs.retry(job.record)
    assert job.stores.jobs.start(job.id) == 2
    for step in (part_step(0), JOIN):
        run_step(Delivery(job.id, 1, step), settings, on_lost=lambda: None)
    assert job.record.status is JobStatus.RUNNING
    assert job.parts() == set()


def test_damage_in_the_middle_of_a_scene_fails_the_job_with_its_own_words(job: Job, settings: Settings) -> None:
    run_job(job.id, settings, on_lost=lambda: None)
    path = job.stores.inputs.of(job.id) / "scene.npy"
    path.write_bytes(b"no scene")
    run_step(Delivery(job.id, 1, part_step(1)), settings, on_lost=lambda: None)
    assert job.record.status is JobStatus.FAILED
    assert job.record.error is not None
    assert job.record.error.kind == "SceneFormatError"
    assert not job.stores.parts.of(job.id).exists()
