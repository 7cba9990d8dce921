"""How an attempt of a job, or a step of a shared one, is held, told of and brought to its end."""

import logging
import shutil
import time
from collections.abc import Callable

from redis.exceptions import RedisError
from rq.timeouts import JobTimeoutException

from model_store.deliveries import Delivery
from model_store.errors import NO_ROOM, InternalError, StorageFullError, StoreError, TimeLimitError, is_storage_full
from model_store.jobs import LIVE, Report
from model_store.records import JobError
from model_store.settings import Settings
from model_store.stores import Stores
from unmixing.errors import Cancelled, UnmixingError
from unmixing.progress import Progress, in_words, never_back
from worker.lease import Lease
from worker.memory import refused

REPORT_SECONDS = 0.25
"""Progress within one stage is written at most this often."""

FULL_BYTES = 2**20
"""A disk with less room than this is taken for the cause of whatever failed on it."""

logger = logging.getLogger(__name__)


def run_held(
    delivery: Delivery, settings: Settings, stores: Stores, work: Callable[[], bool], on_lost: Callable[[], None]
) -> None:
    """Do ``work`` while the lease of ``delivery`` is kept. It says whether that brings the job to its end; what it
    raises ends the job in any case."""
    job_id, error, ends = delivery.job_id, None, False
    try:
        with Lease(
            lambda: stores.jobs.touch(job_id, delivery.attempt, step=delivery.step),
            stores.jobs.lease_seconds, on_lost, str(delivery),
        ):  # fmt: skip
            ends = work()
    except Cancelled:
        stores.log.add(job_id, "dismissed")
        _forget_parts(job_id, stores)
        return
    except Exception as raised:
        error = _job_error(job_id, raised, settings)
    if ends or error is not None:
        end_attempt(job_id, delivery.attempt, error, stores)


def end_attempt(job_id: str, attempt: int, error: JobError | None, stores: Stores) -> None:
    """Write the outcome, unless the job has been taken away meanwhile; its input is needed no longer."""
    if error:
        ended = stores.jobs.fail(job_id, attempt, error)
    else:
        ended = stores.jobs.succeed(job_id, attempt, stores.results.warnings(job_id))
    if ended:
        stores.inputs.remove(job_id)
        _forget_parts(job_id, stores)
        if error:
            stores.log.add(job_id, f"failed: {error.detail}", "error")
        else:
            stores.log.add(job_id, "successful")


def _forget_parts(job_id: str, stores: Stores) -> None:
    """Unless another attempt goes on with them."""
    record = stores.jobs.get(job_id)
    if record is None or record.status not in LIVE:
        stores.parts.remove(job_id)


def _job_error(job_id: str, raised: Exception, settings: Settings) -> JobError:
    """The error that the user may read of ``raised``. Texts of foreign exceptions stay in the log."""
    if isinstance(raised, UnmixingError | StoreError):
        return JobError.of(raised)
    if isinstance(raised, JobTimeoutException):
        limit = settings.job_timeout_seconds
        return JobError.of(TimeLimitError(f"the job took longer than {limit} seconds, the limit set here"))
    if (memory := refused(raised)) is not None:
        logger.error("job %s: no memory", job_id, exc_info=raised, extra={"job_id": job_id})
        return JobError.of(memory)
    # GDAL says that it could not write, not why.
    if is_storage_full(raised) or shutil.disk_usage(settings.data).free < FULL_BYTES:
        logger.error("job %s: the disk of the data folder is full", job_id, extra={"job_id": job_id})
        return JobError.of(StorageFullError(NO_ROOM))
    logger.error("job %s failed unexpectedly", job_id, exc_info=raised, extra={"job_id": job_id})
    return JobError.of(InternalError("something unforeseen happened; it stands in the worker's log"))


def progress_to(stores: Stores, delivery: Delivery) -> Progress:
    """A callback that writes progress to the record; it raises Cancelled once the job is no longer ours."""
    job_id, last_time, last_stage = delivery.job_id, 0.0, ""

    def report(share: float, stage: str, detail: str = "") -> None:
        nonlocal last_time, last_stage
        if stage == last_stage and time.monotonic() - last_time < REPORT_SECONDS:
            return
        if stage != last_stage:
            stores.log.add(job_id, stage)
        last_time, last_stage = time.monotonic(), stage
        percent = min(round(100 * share), 99)  # 100 is for jobs whose results can be read
        report = Report(percent, stage, in_words(stage, detail))
        try:
            held = stores.jobs.touch(job_id, delivery.attempt, report, step=delivery.step)
        except RedisError:  # progress can wait; whether the job is still ours, its lease tells
            logger.warning("job %s: its progress could not be written", job_id, exc_info=True)
            return
        if not held:
            raise Cancelled(f"job {job_id} was dismissed")

    return never_back(report)
