"""The task that a work-horse runs: take a job, deliver its results, store them."""

import logging
import os
import signal
import time
from collections.abc import Callable

from redis.exceptions import RedisError
from rq.timeouts import JobTimeoutException

from model_store.errors import (
    InternalError,
    StorageFullError,
    StoreError,
    TimeLimitError,
    UnknownJobError,
    is_storage_full,
)
from model_store.jobs import LIVE, Report
from model_store.models import model_id
from model_store.records import JobError
from model_store.results import write_document
from model_store.settings import Settings
from model_store.stores import Stores, open_stores
from unmixing.errors import Cancelled, UnmixingError
from unmixing.progress import Progress, in_words, never_back
from unmixing.types import Compute
from worker.context import SETTINGS
from worker.lease import Lease

REPORT_SECONDS = 0.25
"""Progress within one stage is written at most this often."""

logger = logging.getLogger(__name__)


def unmix(job_id: str) -> None:
    """The RQ task. Safe to deliver twice: only an accepted job starts, and no product is made twice."""
    run_job(job_id, SETTINGS.get(), on_lost=_end_process)


def run_job(job_id: str, settings: Settings, *, on_lost: Callable[[], None]) -> None:
    """Bring an accepted job to its end; a job that is dismissed, running or ended is left alone."""
    stores = open_stores(settings, patient=True)
    attempt = stores.jobs.start(job_id)
    if attempt is None:
        logger.info("job %s is not to be started", job_id)
        return
    logger.info("job %s started, attempt %d", job_id, attempt)
    error: JobError | None = None
    try:
        with Lease(lambda: stores.jobs.touch(job_id, attempt), stores.jobs.lease_seconds, on_lost, job_id):
            _compute(job_id, attempt, settings, stores)
    except Cancelled:
        logger.info("job %s was dismissed", job_id)
        _forget_parts(job_id, stores)
        return
    except Exception as raised:
        error = _job_error(job_id, raised, settings)
    _end(job_id, attempt, error, stores)


def _compute(job_id: str, attempt: int, settings: Settings, stores: Stores) -> None:
    if stores.results.exists(job_id):
        return  # an earlier attempt died between storing its results and saying so
    from unmixing.io.apply.run import run_task
    from unmixing.io.inputs.tasks import UnmixingTask

    record = stores.jobs.get(job_id)
    if record is None:
        raise UnknownJobError(f"job {job_id} is gone")
    report = progress_to(stores, job_id, attempt)
    folder = stores.inputs.of(job_id)
    task = UnmixingTask(
        paths=[folder / name for name in record.files],
        spec=record.spec,
        variable=record.variable,
        model=stores.models.load(record.model_id) if record.model_id else None,
        libraries={field: [folder / name for name in names] for field, names in record.libraries.items()},
        kind_decided_by=record.kind_decided_by,
        scratch=folder,
        digests=record.digests or None,
    )
    compute = Compute(settings.device, settings.threads)
    # Products and models become visible whole, and only together with the document that describes them.
    with stores.results.writing(job_id) as results:
        done = run_task(task, results, compute, report, model_id)
        write_document(results, done.document)
        for model in done.models:
            stores.models.register(model)


def _end(job_id: str, attempt: int, error: JobError | None, stores: Stores) -> None:
    """Write the outcome, unless the job has been taken away meanwhile; its input is needed no longer."""
    ended = stores.jobs.fail(job_id, attempt, error) if error else stores.jobs.succeed(job_id, attempt)
    if ended:
        stores.inputs.remove(job_id)
        _forget_parts(job_id, stores)
        logger.info("job %s %s", job_id, "failed: " + error.detail if error else "was successful")


def _forget_parts(job_id: str, stores: Stores) -> None:
    """Unless another attempt goes on with them."""
    record = stores.jobs.get(job_id)
    if record is None or record.status not in LIVE:
        stores.parts.remove(job_id)


def _job_error(job_id: str, raised: Exception, settings: Settings) -> JobError:
    """What the user may read of ``raised``. Texts of foreign exceptions stay in the log."""
    if isinstance(raised, UnmixingError | StoreError):
        return JobError.of(raised)
    if isinstance(raised, JobTimeoutException):
        limit = settings.job_timeout_seconds
        return JobError.of(TimeLimitError(f"the job took longer than {limit} seconds, the limit set here"))
    if is_storage_full(raised):
        logger.error("job %s: the disk of the data folder is full", job_id)
        return JobError.of(StorageFullError("the service has no room left to store the results; nothing was kept"))
    logger.error("job %s failed unexpectedly", job_id, exc_info=raised)
    return JobError.of(InternalError("something unforeseen happened; it stands in the worker's log"))


def progress_to(stores: Stores, job_id: str, attempt: int) -> Progress:
    """A callback that writes progress to the record; it raises Cancelled once the job is no longer ours."""
    last_time, last_stage = 0.0, ""

    def report(share: float, stage: str, detail: str = "") -> None:
        nonlocal last_time, last_stage
        if stage == last_stage and time.monotonic() - last_time < REPORT_SECONDS:
            return
        if stage != last_stage:
            logger.info("job %s: %s", job_id, stage)
        last_time, last_stage = time.monotonic(), stage
        percent = min(round(100 * share), 99)  # 100 is for jobs whose results can be read
        try:
            held = stores.jobs.touch(job_id, attempt, Report(percent, stage, in_words(stage, detail)))
        except RedisError:  # progress can wait; whether the job is still ours, its lease tells
            logger.warning("job %s: its progress could not be written", job_id, exc_info=True)
            return
        if not held:
            raise Cancelled(f"job {job_id} was dismissed")

    return never_back(report)


def _end_process() -> None:
    """End this work-horse at once. Nothing is lost: half-written folders are hidden and swept later."""
    os.kill(os.getpid(), signal.SIGKILL)
