"""The sweeper: lost jobs are tried once more, lost deliveries repeated, expired things removed."""

import json
import os
import time
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from redis.asyncio import Redis as AsyncRedis

from model_store.records import JobRecord, JobStatus, now
from model_store.settings import Settings
from model_store.stores import Stores
from service.context import Context
from service.outbound.client import web_client
from service.outbound.fetching import References
from service.outbound.webhooks import Webhooks
from service.queues import JobQueue
from service.sweeper import LOST_SWEEPS, Sweeper
from tests.conftest import poison, record, stored_model


@pytest.fixture
def context(settings: Settings, stores: Stores) -> Context:
    queue = JobQueue(stores.redis, settings.job_timeout_seconds)
    web = web_client(settings)
    references, webhooks = References(settings, web), Webhooks(settings, stores, web)
    return Context(settings, stores, queue, AsyncRedis.from_url(str(settings.redis_url)), references, webhooks)


@pytest.fixture
def job(context: Context) -> JobRecord:
    """Accepted and waiting in its queue."""
    entered = context.stores.jobs.reserve(record())
    context.stores.inputs.of(entered.id).mkdir(parents=True)
    context.queue.enqueue(entered)
    return entered


def found(context: Context, job: JobRecord) -> JobRecord:
    record = context.stores.jobs.get(job.id)
    assert record is not None
    return record


def lose(context: Context, job: JobRecord) -> None:
    """A worker takes the job and dies."""
    for queue in ("train", "apply"):
        context.stores.redis.delete(f"rq:queue:{queue}")
    assert context.stores.jobs.start(job.id)
    context.stores.redis.delete(f"unmix:lease:{job.id}")


def test_a_lost_job_is_tried_once_more_then_fails(context: Context, job: JobRecord) -> None:
    sweeper = Sweeper(context)
    lose(context, job)
    sweeper.sweep()
    assert found(context, job).status is JobStatus.ACCEPTED
    assert "died" in found(context, job).message
    assert context.queue.waiting() == {job.id}
    lose(context, job)
    sweeper.sweep()
    failed = found(context, job)
    assert failed.status is JobStatus.FAILED
    assert failed.error is not None
    assert failed.error.kind == "WorkerLostError"
    assert failed.error.detail.startswith("the worker died in 2 attempts: ")
    assert not context.stores.inputs.of(job.id).exists()


def test_a_job_with_a_lease_is_left_alone(context: Context, job: JobRecord) -> None:
    context.stores.jobs.start(job.id)
    Sweeper(context).sweep()
    assert found(context, job).status is JobStatus.RUNNING


def test_a_job_past_its_time_limit_fails(context: Context, job: JobRecord, monkeypatch: pytest.MonkeyPatch) -> None:
    context.stores.jobs.start(job.id)
    later = now() + timedelta(seconds=context.settings.job_timeout_seconds + 100)
    monkeypatch.setattr("service.sweeper.now", lambda: later)
    Sweeper(context).sweep()
    failed = found(context, job)
    assert failed.error is not None
    assert failed.error.kind == "TimeLimitError"


def test_a_lost_delivery_is_repeated(context: Context, job: JobRecord) -> None:
    sweeper = Sweeper(context)
    context.stores.redis.delete("rq:queue:train")
    for _ in range(LOST_SWEEPS - 1):
        sweeper.sweep()
        assert context.queue.waiting() == set()  # it may just be on its way from the queue to its start
    sweeper.sweep()
    assert context.queue.waiting() == {job.id}


def test_a_job_whose_upload_is_gone_fails(context: Context, job: JobRecord) -> None:
    sweeper = Sweeper(context)
    context.stores.redis.delete("rq:queue:train")
    context.stores.inputs.remove(job.id)
    for _ in range(LOST_SWEEPS):
        sweeper.sweep()
    assert found(context, job).status is JobStatus.FAILED


def test_ended_jobs_expire_with_their_results(
    context: Context, job: JobRecord, monkeypatch: pytest.MonkeyPatch
) -> None:
    attempt = context.stores.jobs.start(job.id) or 0
    with context.stores.results.writing(job.id) as folder:
        (folder / "result.json").write_text("{}")
    context.stores.jobs.succeed(job.id, attempt)
    sweeper = Sweeper(context)
    sweeper.sweep()
    assert context.stores.results.exists(job.id)
    later = now() + timedelta(seconds=context.settings.job_lifetime_seconds + 1)
    monkeypatch.setattr("service.sweeper.now", lambda: later)
    sweeper.sweep()
    assert context.stores.jobs.get(job.id) is None
    assert not context.stores.results.exists(job.id)


def age(*folders: Path) -> None:
    """As if nothing had been written into them for two hours."""
    for folder in folders:
        os.utime(folder, (time.time() - 7200,) * 2)


def test_leftovers_are_removed_and_live_things_kept(context: Context, job: JobRecord) -> None:
    data = context.settings.data
    Sweeper(context).adopt()
    age(data / "id")
    context.stores.jobs.start(job.id)
    ended = context.stores.jobs.reserve(record("another"))
    context.stores.jobs.dismiss(ended.id)
    results, inputs = data / "results", data / "inputs"
    left = [results / ".dead.1", results / ended.id, inputs / "gone", inputs / ended.id, inputs / ".gone.1"]
    for folder in [results / f".{job.id}.1", results / "unknown", *left]:
        folder.mkdir(parents=True)
        age(folder)
    age(inputs / job.id)
    os.utime(data / "id", (time.time() - 8000,) * 2)
    Sweeper(context).sweep()
    assert {path.name for path in results.iterdir()} == {f".{job.id}.1", "unknown"}
    assert [path.name for path in inputs.iterdir()] == [job.id]


def test_what_the_queue_merely_does_not_know_is_kept(context: Context) -> None:
    """A data folder from before records were on disk, and an empty queue."""
    old = [context.settings.data / place / "unknown" for place in ("results", "inputs", "parts")]
    for folder in old:
        folder.mkdir(parents=True)
        age(folder)
    Sweeper(context).sweep()
    assert all(folder.is_dir() for folder in old)


def test_a_queue_emptied_under_a_running_service_is_filled_again(context: Context, job: JobRecord) -> None:
    sweeper = Sweeper(context)
    sweeper.sweep()
    context.stores.redis.flushall()
    for _ in range(LOST_SWEEPS):
        sweeper.sweep()
    assert found(context, job).status is JobStatus.ACCEPTED
    assert context.queue.waiting() == {job.id}


def test_attempts_that_ended_as_planned_are_no_failures(context: Context, job: JobRecord) -> None:
    sweeper = Sweeper(context)
    for number in (1, 2, 3):
        context.stores.redis.delete("rq:queue:train")
        assert context.stores.jobs.start(job.id) == number
        assert context.stores.jobs.give_back(job.id, number)
    for died in (JobStatus.ACCEPTED, JobStatus.FAILED):
        lose(context, job)
        sweeper.sweep()
        assert found(context, job).status is died
    assert found(context, job).attempts == 5


@pytest.mark.parametrize("status", ["accepted", "running"])
def test_one_record_that_cannot_be_read_keeps_nothing_else_from_being_swept(
    context: Context, job: JobRecord, status: str
) -> None:
    poisoned = poison(context.stores, status)
    context.stores.redis.delete(f"unmix:lease:{poisoned}")
    lost = context.stores.jobs.reserve(record("lost"))
    context.stores.inputs.of(lost.id).mkdir()
    context.stores.jobs.start(lost.id)
    context.stores.redis.delete(f"unmix:lease:{lost.id}", "rq:queue:train")
    leftover, kept = (context.settings.data / "results" / name for name in (".dead.1", poisoned))
    for folder in (leftover, kept):
        folder.mkdir(parents=True)
        age(folder)
    sweeper = Sweeper(context)
    for _ in range(LOST_SWEEPS):
        sweeper.sweep()
    assert context.queue.waiting() == {job.id, lost.id}
    assert not leftover.exists()
    assert kept.exists()


def test_a_step_that_fails_keeps_no_other_from_being_taken(
    context: Context, job: JobRecord, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(context.stores.jobs, "readable", lambda ids: 1 / 0)
    leftover = context.settings.data / "results" / ".dead.1"
    leftover.mkdir(parents=True)
    age(leftover)
    Sweeper(context).sweep()
    assert not leftover.exists()


def test_models_expire_once_nothing_refers_to_them(
    context: Context, job: JobRecord, monkeypatch: pytest.MonkeyPatch
) -> None:
    context = replace(context, settings=context.settings.model_copy(update={"model_lifetime_seconds": 60}))
    models = context.stores.models
    unused, named, wanted = (models.register(stored_model(n_bands)) for n_bands in (10, 20, 30))
    with context.stores.results.writing(job.id) as folder:
        (folder / "result.json").write_text(json.dumps({"model": {"id": named}}))
    context.stores.jobs.reserve(record("with a model", model_id=wanted))
    Sweeper(context).sweep()
    assert {model.id for model in models.every()} == {unused, named, wanted}
    later = now() + timedelta(seconds=61)
    monkeypatch.setattr("service.sweeper.now", lambda: later)
    Sweeper(context).sweep()
    assert {model.id for model in models.every()} == {named, wanted}


def test_models_stay_without_a_setting(context: Context, monkeypatch: pytest.MonkeyPatch) -> None:
    context.stores.models.register(stored_model())
    later = now() + timedelta(days=9999)
    monkeypatch.setattr("service.sweeper.now", lambda: later)
    Sweeper(context).sweep()
    assert len(context.stores.models.every()) == 1
