"""The task: what it leaves alone, what it says when it fails, and what its process must not load."""

import importlib
import signal
import subprocess
import sys
import threading
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from redis.exceptions import ConnectionError as RedisConnectionError
from rq.exceptions import StopRequested
from rq.timeouts import JobTimeoutException

from model_store.deliveries import Delivery
from model_store.models import model_id
from model_store.records import JobError, JobStatus, now
from model_store.settings import Settings
from model_store.stores import Stores
from service.queues import TASK
from tests.conftest import npy, record, small_scene, stored_model, wait_until
from unmixing.errors import Cancelled
from unmixing.io.apply.run import TaskResult
from worker.attempts import progress_to
from worker.forking import ForkingWorker
from worker.lease import Lease
from worker.sharing import STEP_TASK
from worker.tasks import run_job


def run(job_id: str, settings: Settings) -> None:
    run_job(job_id, settings, on_lost=lambda: None)


def error_of(stores: Stores, job_id: str) -> JobError:
    found = stores.jobs.get(job_id)
    assert found is not None
    assert found.status is JobStatus.FAILED
    assert found.error is not None
    return found.error


def enter(stores: Stores, content: bytes, **changes: Any) -> str:
    job = stores.jobs.reserve(record(**changes))
    folder = stores.inputs.of(job.id)
    folder.mkdir(parents=True)
    (folder / "scene.npy").write_bytes(content)
    return job.id


@pytest.mark.parametrize("task", [TASK, STEP_TASK])
def test_the_tasks_have_the_names_that_are_enqueued(task: str) -> None:
    module, _, name = task.rpartition(".")
    assert callable(getattr(importlib.import_module(module), name))


@pytest.mark.parametrize(("queues", "torch_is_imported"), [(["train", "apply"], True), (["apply"], False)])
def test_the_parent_of_work_horses_imports_ahead_what_their_queues_need(
    queues: list[str], torch_is_imported: bool
) -> None:
    code = f"import sys, worker.run; worker.run._import_ahead({queues}); print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    assert {"onnxruntime", "rasterio", "scipy.optimize"} <= set(loaded)
    assert ("torch" in loaded) == torch_is_imported
    assert ("torch._dynamo" in loaded) == torch_is_imported  # every optimiser imports it, for a second


def test_a_model_goes_to_the_owner_of_the_job(
    settings: Settings, stores: Stores, monkeypatch: pytest.MonkeyPatch
) -> None:
    trained = stored_model()
    document = {"input": {"samples": 1}, "comparison": {"answers": []}, "assets": {}}
    monkeypatch.setattr("worker.tasks.write_descriptions", lambda *_: None)
    monkeypatch.setattr("unmixing.io.apply.run.run_task", lambda *_: TaskResult(document, (trained,)))
    run(enter(stores, npy(small_scene()), owner="a" * 12), settings)
    assert stores.of("a" * 12).models.get(model_id(trained)).id == model_id(trained)
    assert stores.models.page(limit=1, offset=0) == ([], 0)


def test_a_bad_scene_fails_with_its_own_words(settings: Settings, stores: Stores) -> None:
    job_id = enter(stores, npy(np.full((4, 4, 5), 0.5)))
    run(job_id, settings)
    assert error_of(stores, job_id).kind == "SceneContentError"
    assert "constant" in error_of(stores, job_id).detail
    assert not stores.inputs.of(job_id).exists()


def test_a_deleted_model_fails_with_its_id(settings: Settings, stores: Stores) -> None:
    job_id = enter(stores, npy(small_scene()), model_id="0" * 32)
    run(job_id, settings)
    assert error_of(stores, job_id).kind == "UnknownModelError"
    assert "0" * 32 in error_of(stores, job_id).detail


def test_an_unforeseen_error_keeps_its_text_to_the_log(
    settings: Settings, stores: Stores, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def broken(*args: object, **kwargs: object) -> None:
        raise ZeroDivisionError("secret/path")

    monkeypatch.setattr("unmixing.io.apply.run.unmix_to_files", broken)
    job_id = enter(stores, npy(small_scene()))
    run(job_id, settings)
    assert error_of(stores, job_id).kind == "InternalError"
    assert "secret" not in error_of(stores, job_id).detail
    assert "secret/path" in caplog.text


def test_a_job_past_its_time_limit_says_so(settings: Settings, stores: Stores, monkeypatch: pytest.MonkeyPatch) -> None:
    def slow(*args: object, **kwargs: object) -> None:
        raise JobTimeoutException("RQ's words")

    monkeypatch.setattr("unmixing.io.apply.run.unmix_to_files", slow)
    job_id = enter(stores, npy(small_scene()))
    run(job_id, settings)
    assert error_of(stores, job_id).kind == "TimeLimitError"
    assert str(settings.job_timeout_seconds) in error_of(stores, job_id).detail


def test_a_dismissed_job_does_not_start(settings: Settings, stores: Stores) -> None:
    job_id = enter(stores, npy(small_scene()))
    stores.jobs.dismiss(job_id)
    run(job_id, settings)
    run("unknown", settings)
    found = stores.jobs.get(job_id)
    assert found is not None
    assert (found.status, found.attempts) == (JobStatus.DISMISSED, 0)


def test_finished_products_are_not_made_again(settings: Settings, stores: Stores, tmp_path: Path) -> None:
    """A work-horse killed between storing its results and saying so."""
    job_id = enter(stores, b"no scene at all")
    with stores.results.writing(job_id) as folder:
        (folder / "result.json").write_text("{}")
    run(job_id, settings)
    found = stores.jobs.get(job_id)
    assert found is not None
    assert found.status is JobStatus.SUCCESSFUL


def test_progress_is_written_and_ends_with_the_job(stores: Stores) -> None:
    job = stores.jobs.reserve(record())
    attempt = stores.jobs.start(job.id) or 0
    report = progress_to(stores, Delivery(job.id, attempt))
    report(0.5, "training")
    found = stores.jobs.get(job.id)
    assert found is not None
    assert (found.progress, found.message) == (50, "training")
    stores.jobs.dismiss(job.id)
    with pytest.raises(Cancelled):
        report(0.6, "another stage")


def test_progress_that_cannot_be_written_costs_no_job(stores: Stores, monkeypatch: pytest.MonkeyPatch) -> None:
    job = stores.jobs.reserve(record())
    report = progress_to(stores, Delivery(job.id, stores.jobs.start(job.id) or 0))

    def away(*_: object, **__: object) -> bool:
        raise RedisConnectionError("gone")

    with monkeypatch.context() as patch:
        patch.setattr(stores.jobs, "touch", away)
        report(0.5, "training")
    report(0.6, "exporting")
    found = stores.jobs.get(job.id)
    assert found is not None
    assert found.progress == 60


@pytest.mark.parametrize("n_failures", [1, 1000])
def test_a_stop_while_the_queue_does_not_answer_asks_it_again(
    settings: Settings, stores: Stores, monkeypatch: pytest.MonkeyPatch, n_failures: int
) -> None:
    """Once it answers the job is given back; after a while the work-horse is ended all the same."""
    job_id, failures = stores.jobs.reserve(record()).id, iter(range(n_failures))
    attempt = stores.jobs.start(job_id)
    assert attempt is not None

    def beat(*_: Any) -> None:
        if next(failures, None) is not None:
            raise RedisConnectionError("connection reset")

    clock, killed = [1000.0], []
    monkeypatch.setattr("worker.forking.time", SimpleNamespace(monotonic=lambda: clock[0]))
    monkeypatch.setattr("rq.Worker.maintain_heartbeats", beat)
    worker = ForkingWorker(["apply"], settings.model_copy(update={"stop_grace_seconds": 0.0}), stores)
    monkeypatch.setattr(worker, "kill_horse", lambda: killed.append(clock[0]))
    worker.handle_warm_shutdown_request()
    job: Any = SimpleNamespace(id=str(Delivery(job_id, attempt)))
    while not killed:
        worker.maintain_heartbeats(job, None)  # type: ignore[arg-type]
        clock[0] += 1.0
    given_back = n_failures == 1
    assert killed == [1001.0 if given_back else 1004.0]
    found = stores.jobs.get(job_id)
    assert found is not None
    assert found.status is (JobStatus.ACCEPTED if given_back else JobStatus.RUNNING)


def test_a_lease_is_kept_and_its_loss_is_told(stores: Stores) -> None:
    stores.jobs.lease_seconds = 0.1
    job = stores.jobs.reserve(record(created=now()))
    attempt = stores.jobs.start(job.id) or 0
    lost = threading.Event()
    with Lease(lambda: stores.jobs.touch(job.id, attempt), stores.jobs.lease_seconds, lost.set, job.id):
        assert not lost.wait(0.2)
        stores.jobs.dismiss(job.id)
        wait_until(lost.is_set, 5)


def test_a_worker_can_be_asked_to_stop_as_soon_as_others_see_it(
    settings: Settings, stores: Stores, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    worker, handlers = ForkingWorker(("apply",), settings, stores), []

    def asked_at_once() -> None:
        handlers.append(signal.getsignal(signal.SIGTERM))
        raise StopRequested

    monkeypatch.setattr(worker, "register_birth", asked_at_once)
    try:
        assert worker.work() is False
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
    assert handlers == [worker.request_stop]
