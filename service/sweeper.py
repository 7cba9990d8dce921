"""Keeps the promise that no job runs for ever: looks regularly for what died, got lost or expired."""

import asyncio
import logging
import time
from collections.abc import Sequence
from contextlib import suppress
from datetime import datetime, timedelta

from redis.exceptions import RedisError

from model_store.adoption import adopt, queue_owner
from model_store.errors import TimeLimitError, UnknownModelError, WorkerLostError
from model_store.expiry import expired_models
from model_store.leftovers import sweep_leftovers
from model_store.records import JobError, JobRecord, JobStatus, now
from service.context import Context

MAX_FAILURES = 2
"""A job is tried again once: whatever killed two workers would kill the third."""

LATE_SECONDS = 60
"""A job ends itself at its time limit; when it has not by this much later, the sweeper does it."""

LOST_SWEEPS = 2
"""An accepted job must be missing from the queues this often: between queue and start it is in neither."""

LEFTOVER_SWEEP_SECONDS = 60

logger = logging.getLogger(__name__)


class Sweeper:
    """One ``sweep`` at a time. Several services may sweep the same jobs: every step is atomic."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._jobs = context.stores.jobs
        self._missing: dict[str, int] = {}
        self._next_leftovers = time.monotonic()
        self._adopted = False

    def adopt(self) -> None:
        """Fill the queue from the data folder: once, and again whenever it is found empty.

        Raises DataFolderMismatchError when it belongs to another folder.
        """
        if not self._adopted or queue_owner(self._context.stores.redis) is None:
            adopt(self._context.stores)
            self._adopted = True

    def sweep(self) -> None:
        """Every step is taken, whatever happened in the one before it.

        Raises RedisError when nobody answers, and DataFolderMismatchError.
        """
        self.adopt()
        # First what RQ delivers again by itself: a part of an image, whose job then is not lost.
        steps = [self._context.queue.clean, self._sweep_running, self._sweep_accepted, self._sweep_expired]
        steps.append(self._sweep_keys)
        if time.monotonic() >= self._next_leftovers:
            steps += [self._sweep_models, self._sweep_leftovers]
            self._next_leftovers = time.monotonic() + LEFTOVER_SWEEP_SECONDS
        for step in steps:
            try:
                step()
            except RedisError:
                raise
            except Exception:
                logger.exception("%s failed", step.__name__.strip("_"))

    def _sweep_running(self) -> None:
        # Records before leases: a record that says running had its lease then, so one without it now has lost it.
        found = self._jobs.readable(self._jobs.ids(JobStatus.RUNNING))
        running = [record for record in found if record.status is JobStatus.RUNNING]
        self._keep_shared(running)
        alive = self._jobs.alive([record.id for record in running])
        for record in running:
            if record.id not in alive:
                self._lost(record)
            elif record.started is not None and now() > self._deadline(record.started):
                limit = self._context.settings.job_timeout_seconds
                self._fail(record, TimeLimitError(f"the job took longer than {limit} seconds"))

    def _keep_shared(self, running: Sequence[JobRecord]) -> None:
        """Renew the leases of those whose steps wait in a queue: nobody else does, while no worker is free."""
        steps = self._context.queue.steps() if running else set()
        for record in running:
            if (record.id, record.attempts) in steps:
                self._jobs.touch(record.id, record.attempts)

    def _lost(self, record: JobRecord) -> None:
        failures = record.failures + 1
        if failures >= MAX_FAILURES:
            why = "it crashed, or was killed, as a machine does that runs out of memory; its log may say more"
            self._fail(record, WorkerLostError(f"the worker died in {failures} attempts: {why}"))
        elif self._jobs.retry(record):
            self._context.stores.log.add(record.id, "the worker died, trying again", "warning")
            self._context.queue.remove_waiting(record.id)
            self._context.queue.enqueue(record)

    def _sweep_accepted(self) -> None:
        """Deliver again what never reached a worker, for example because the queue lost its last second."""
        waiting = self._context.queue.waiting()
        missing = [job_id for job_id in self._jobs.ids(JobStatus.ACCEPTED) if job_id not in waiting]
        self._missing = {job_id: self._missing.get(job_id, 0) + 1 for job_id in missing}
        lost = [job_id for job_id in missing if self._missing[job_id] >= LOST_SWEEPS]
        for record in self._jobs.readable(lost):
            if not self._context.stores.inputs.exists(record.id):
                self._jobs.give_up(record.id, JobError.of(WorkerLostError("the uploaded scene is gone")))
            elif record.status is JobStatus.ACCEPTED:
                self._context.stores.log.add(record.id, "in no queue, delivered again", "warning")
                self._context.queue.enqueue(record)

    def _sweep_expired(self) -> None:
        stores, lifetime = self._context.stores, timedelta(seconds=self._context.settings.job_lifetime_seconds)
        for job_id in self._jobs.ended_before(now() - lifetime):
            for folders in (stores.results, stores.inputs, stores.parts):
                folders.remove(job_id)
            self._jobs.remove(job_id)
            logger.info("job %s: removed, its lifetime has ended", job_id)

    def _sweep_models(self) -> None:
        for owner, identifier in expired_models(self._context.stores, self._context.settings, now()):
            with suppress(UnknownModelError):  # somebody else was quicker
                self._context.stores.models.of(owner).delete(identifier)
                logger.info("model %s: removed, its lifetime has ended", identifier)

    def _sweep_keys(self) -> None:
        self._context.stores.keys.synchronize()

    def _sweep_leftovers(self) -> None:
        sweep_leftovers(self._context.settings.data, self._context.stores)

    def _fail(self, record: JobRecord, error: WorkerLostError | TimeLimitError) -> None:
        if self._jobs.fail(record.id, record.attempts, JobError.of(error)):
            self._context.queue.stop(record)
            self._context.stores.inputs.remove(record.id)
            self._context.stores.parts.remove(record.id)
            self._context.stores.log.add(record.id, f"failed: {error}", "error")

    def _deadline(self, started: datetime) -> datetime:
        return started + timedelta(seconds=self._context.settings.job_timeout_seconds + LATE_SECONDS)


async def sweep_forever(sweeper: Sweeper, pause_seconds: float) -> None:
    """Sweep until cancelled. No failure of a sweep ends it: Redis may be back at the next one."""
    while True:
        try:
            await asyncio.to_thread(sweeper.sweep)
        except Exception:
            logger.exception("a sweep failed")
        await asyncio.sleep(pause_seconds)
