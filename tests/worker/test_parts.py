"""A large image shared between workers: the same answer as in one piece, and nothing done twice but what was lost."""

import threading
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from redis import Redis

from model_store.records import JobStatus
from model_store.settings import Settings
from model_store.stores import Stores, open_stores
from tests.conftest import npy, record, small_scene, wait_until
from unmixing import unmix
from unmixing.io.apply.parts import SceneWork
from unmixing.types import TrainedModel
from worker import parts
from worker.tasks import run_job

ROWS, COLUMNS = 40, 30
N_PARTS = 5
MAPS = ["abundances", "brightness", "uncertainty"]


@pytest.fixture(scope="module")
def model() -> TrainedModel:
    trained = unmix(small_scene(), n_endmembers=3, max_training_seconds=0.01).model
    assert trained is not None
    return trained


@pytest.fixture
def settings(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Settings:
    """Parts of eight rows."""
    monkeypatch.setattr("unmixing.io.formats.reader.BLOCK_BYTES", 4 * COLUMNS * 30 * 4)
    return settings.model_copy(update={"part_pixels": 8 * COLUMNS, "lease_seconds": 1.0})


@pytest.fixture
def stores(settings: Settings) -> Stores:
    return open_stores(settings)


@pytest.fixture
def job(stores: Stores, model: TrainedModel) -> str:
    """A job on a scene of several parts."""
    return enter(stores, model)


def enter(stores: Stores, model: TrainedModel) -> str:
    identifier = stores.models.register(model)
    scene = small_scene(seed=3, rows=ROWS, columns=COLUMNS)
    scene[5, 6] = np.nan
    entered = stores.jobs.reserve(record(queue="apply", model_id=identifier))
    folder = stores.inputs.of(entered.id)
    folder.mkdir(parents=True)
    (folder / "scene.npy").write_bytes(npy(scene))
    return entered.id


class Runs:
    """What was done, by name; ``before`` is called first and may raise."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, before: Callable[[str], None] = lambda name: None) -> None:
        self.names: list[str] = []
        own = SceneWork.run

        def run(work: SceneWork, name: str, progress: object) -> None:
            before(name)
            self.names.append(name)
            own(work, name, progress)  # type: ignore[arg-type]

        monkeypatch.setattr(SceneWork, "run", run)


def lead(job: str, settings: Settings) -> None:
    run_job(job, settings, on_lost=lambda: None)


def result(stores: Stores, job: str) -> dict[str, np.ndarray]:
    found = stores.jobs.get(job)
    assert found is not None
    assert found.status is JobStatus.SUCCESSFUL, found.error
    folder = stores.results.asset(job, "abundances.npy")
    assert folder is not None
    return {name: np.load(folder.path.with_name(f"{name}.npy")) for name in MAPS}


def expected(model: TrainedModel, settings: Settings, stores: Stores) -> dict[str, np.ndarray]:
    """The answer in one piece."""
    stores.redis.flushall()
    whole = enter(stores, model)
    lead(whole, settings.model_copy(update={"part_pixels": 10**9}))
    return result(stores, whole)


def assert_equal(found: dict[str, np.ndarray], wanted: dict[str, np.ndarray]) -> None:
    for name in MAPS:
        np.testing.assert_array_equal(found[name], wanted[name])


def test_parts_say_what_one_piece_says(
    settings: Settings, stores: Stores, model: TrainedModel, job: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    runs = Runs(monkeypatch)
    lead(job, settings)
    assert len(runs.names) == len(set(runs.names)) == N_PARTS + 3
    found, document = result(stores, job), stores.results.document(job)
    assert document is not None
    assert document["input"]["pixels_masked"] == 1
    assert set(document["assets"]) >= {"abundances.tif", "uncertainty.tif", "quicklook.png", "model.onnx"}
    assert not stores.parts.of(job).exists()
    assert_equal(found, expected(model, settings, stores))


def test_two_share_the_work(
    settings: Settings, stores: Stores, model: TrainedModel, job: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    both, lock = threading.Barrier(2, timeout=10), threading.Lock()
    doers: dict[str, str] = {}

    def before(name: str) -> None:
        with lock:
            doers[name] = threading.current_thread().name
        if len(doers) <= 2:
            both.wait()  # neither goes on before the other has begun

    runs = Runs(monkeypatch, before)
    helper = threading.Thread(target=join_in, args=(job, settings), name="helper")
    helper.start()
    lead(job, settings)
    helper.join()
    assert len(runs.names) == len(set(runs.names)) == N_PARTS + 3
    assert set(doers.values()) == {"helper", threading.current_thread().name}
    assert_equal(result(stores, job), expected(model, settings, stores))


def join_in(job: str, settings: Settings) -> None:
    stores = open_stores(settings)
    wait_until(lambda: (stores.parts.of(job) / "look.npz").exists(), 20)
    parts.assist(job, settings, stores)


def test_a_part_whose_worker_died_is_done_by_another(
    settings: Settings, stores: Stores, model: TrainedModel, job: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    runs = Runs(monkeypatch)
    assert stores.claims.take(job, "rows-8.npz")  # and is never heard of again
    lead(job, settings)
    assert sorted(runs.names) == sorted({*runs.names})
    assert [name for name in runs.names if name.startswith("rows")][-1] == "rows-8.npz"
    assert_equal(result(stores, job), expected(model, settings, stores))


def test_another_attempt_does_only_what_is_missing(
    settings: Settings, stores: Stores, model: TrainedModel, job: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Killed(BaseException):
        """What no handler catches, as kill -9."""

    def before(name: str) -> None:
        if len(runs.names) == 3:
            runs.names.append("killed")
            raise Killed

    runs = Runs(monkeypatch, before)
    with pytest.raises(Killed):
        lead(job, settings)
    [led] = stores.jobs.readable([job])
    assert stores.jobs.retry(led)
    lead(job, settings)
    runs.names.remove("killed")
    assert len(runs.names) == len(set(runs.names)) == N_PARTS + 3
    assert_equal(result(stores, job), expected(model, settings, stores))


def test_a_dismissed_job_leaves_nothing(
    settings: Settings, stores: Stores, job: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    runs = Runs(monkeypatch, lambda name: stores.jobs.dismiss(job) and None)
    lead(job, settings)
    assert len(runs.names) == 1
    assert not stores.parts.of(job).exists()
    assert not stores.results.exists(job)
    parts.assist(job, settings, stores)  # comes too late
    assert len(runs.names) == 1


def test_what_is_wrong_with_a_part_is_told_once(
    settings: Settings, stores: Stores, job: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def before(name: str) -> None:
        if name == "rows-16.npz":
            raise OSError("the disk makes noises")

    runs = Runs(monkeypatch, before)
    lead(job, settings)
    found = stores.jobs.get(job)
    assert found is not None
    assert found.status is JobStatus.FAILED
    assert found.error is not None
    assert found.error.kind == "InternalError"
    assert len(runs.names) == 2
    assert not stores.parts.of(job).exists()


def test_other_workers_are_asked_by_id_alone(
    settings: Settings, stores: Stores, job: str, queue_url: str, tmp_path: Path
) -> None:
    lead(job, settings)
    with Redis.from_url(queue_url) as redis:
        assert redis.llen("rq:queue:apply") == 1
