"""One round of a fault: jobs are posted while it happens, and each that was accepted is followed to its end."""

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import httpx
import numpy as np

from model_store.jobs import LIVE
from model_store.leftovers import sweep_leftovers
from model_store.stores import Stores
from tests.conftest import npy, small_scene
from tests.faults.systems import System
from unmixing import unmix
from unmixing.specs import UnmixSpec

END_SECONDS = 90.0
"""A job that has not ended so long after the fault is stuck."""

KNOWN_SECONDS = 5.0
"""A Redis that has lost everything has been filled again by then."""

LEFTOVER_SECONDS = 60.0

METHODS = ("vca_fcls", "nmf", "archetypal")
N_JOBS = 4


@dataclass
class Tally:
    """The jobs of some rounds. failed: as the fault demands, with words; any other failure counts as lost."""

    rounds: int = 0
    accepted: int = 0
    finished: int = 0
    failed: int = 0
    lost: int = 0
    stuck: int = 0
    corrupt: int = 0
    notes: list[str] = field(default_factory=list)

    @property
    def row(self) -> tuple[int, ...]:
        return (self.rounds, self.accepted, self.finished, self.failed, self.lost, self.stuck, self.corrupt)


@dataclass(frozen=True)
class Posted:
    """A job that was accepted, and the scene and method that it was accepted with."""

    job_id: str
    scene: np.ndarray
    method: str


class Client:
    """Posts jobs to the services in turn, as often as it takes until one accepts."""

    def __init__(self, urls: list[str], rng: np.random.Generator) -> None:
        self._urls, self._rng = urls, rng
        self._http = httpx.Client(timeout=20.0)

    def post(self, label: str = "", retries: float = END_SECONDS) -> Posted:
        seed, method = int(self._rng.integers(2**31)), str(self._rng.choice(METHODS))
        scene = small_scene(seed, rows=24, columns=24)
        deadline = time.monotonic() + retries
        while True:
            job_id = self._try(scene, method, label)
            if job_id is not None:
                return Posted(job_id, scene, method)
            assert time.monotonic() < deadline, "no service accepts a job any more"
            time.sleep(0.1)

    def _try(self, scene: np.ndarray, method: str, label: str) -> str | None:
        fields = {"method": method, "n_endmembers": "3", **({"label": label} if label else {})}
        try:
            answer = self._http.post(f"{self.url()}/unmix", files={"file": ("scene.npy", npy(scene))}, data=fields)
        except httpx.TransportError:
            return None
        assert answer.status_code in (200, 202, 503, 507), answer.text
        return str(answer.json()["jobID"]) if answer.status_code < 300 else None

    def get(self, path: str) -> httpx.Response | None:
        try:
            return self._http.get(self.url() + path)
        except httpx.TransportError:
            return None

    def url(self) -> str:
        return str(self._rng.choice(self._urls))

    def close(self) -> None:
        self._http.close()


Fault = Callable[[System, np.random.Generator], None]


def play(system: System, fault: Fault, rng: np.random.Generator, tally: Tally, may_fail: tuple[str, ...] = ()) -> None:
    """One round. may_fail: types of the problems with which jobs may fail by this fault."""
    client, posted = Client(system.urls, rng), list[Posted]()
    poster = threading.Thread(target=lambda: posted.extend(_posted(client, rng)))
    poster.start()
    time.sleep(rng.uniform(0.0, 0.8))
    try:
        fault(system, rng)
        system.start()
    finally:
        poster.join()
    tally.rounds += 1
    tally.accepted += len(posted)
    deadline = time.monotonic() + END_SECONDS
    for job in posted:
        judge(client, job, tally, deadline, may_fail)
    client.close()
    assert_no_leftovers(system)


def _posted(client: Client, rng: np.random.Generator) -> list[Posted]:
    found = []
    for _ in range(N_JOBS):
        found.append(client.post())
        time.sleep(rng.uniform(0.0, 0.3))
    return found


def judge(client: Client, job: Posted, tally: Tally, deadline: float, may_fail: tuple[str, ...]) -> None:
    """Follow the job to its end and count it."""
    path, known_by = f"/jobs/{job.job_id}", time.monotonic() + KNOWN_SECONDS
    while True:
        answer = client.get(path)
        if answer is not None and answer.status_code == 404 and time.monotonic() > known_by:
            tally.lost += 1
            tally.notes.append(f"{job.job_id} is unknown")
            return
        found = answer.json() if answer is not None and answer.status_code == 200 else {"status": "unknown"}
        if found["status"] in ("successful", "failed", "dismissed"):
            break
        if time.monotonic() > deadline:
            tally.stuck += 1
            tally.notes.append(f"{job.job_id} is {found}")
            return
        time.sleep(0.1)
    if found["status"] == "successful":
        is_equal = _is_equal(client, job)
        tally.finished += is_equal
        tally.corrupt += not is_equal
    elif found["status"] == "failed" and found["error"]["type"] in may_fail:
        tally.failed += 1
    else:
        tally.lost += 1
        tally.notes.append(f"{job.job_id} {found['status']}: {found.get('error')}")


def _is_equal(client: Client, job: Posted) -> bool:
    """Whether the abundances are those of a run that nobody disturbs."""
    answer = client.get(f"/jobs/{job.job_id}/results/abundances.npy")
    if answer is None or answer.status_code != 200:
        return False
    found = np.frombuffer(answer.content[-job.scene.shape[0] * job.scene.shape[1] * 3 * 4 :], np.float32)
    expected = unmix(job.scene, UnmixSpec(method=job.method, n_endmembers=3)).abundances
    return bool(np.allclose(found, expected.ravel(), atol=1e-5))


def assert_no_leftovers(system: System) -> None:
    """All jobs end, those too whose acceptance nobody heard of; after a sweep no file belongs to no job."""
    stores = system.stores()
    deadline = time.monotonic() + LEFTOVER_SECONDS
    try:
        # A service that is back also takes requests that were waiting at its door, whose clients have long gone.
        while left := leftovers(stores, system.settings.data):
            assert time.monotonic() < deadline, left
            time.sleep(0.5)
    finally:
        stores.redis.close()


def leftovers(stores: Stores, data: Path) -> dict[str, set[str]]:
    """Jobs that have not ended, and files without a job, by place."""
    live = {job_id for status in LIVE for job_id in stores.jobs.ids(status)}
    if live:
        return {"live": live}
    sweep_leftovers(data, stores, older_than_seconds=0.0)
    jobs = set(stores.jobs.ids())
    found = {
        "jobs": {name.removesuffix(".json") for name in names(data / "jobs")} ^ jobs,
        "results": names(data / "results") - jobs,
        "inputs": names(data / "inputs"),
        "parts": names(data / "parts"),
        "models": {name for name in names(data / "models") if name.startswith(".")},
    }
    return {place: left for place, left in found.items() if left}


def names(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()} if folder.is_dir() else set()
