"""The parent of work-horses: it forks one for each job, ends one that hangs, and gives a job back when told to stop."""

import logging
import math
import signal
import time
from collections.abc import Sequence
from types import FrameType
from typing import Any

from redis.exceptions import RedisError
from rq import Worker
from rq.exceptions import StopRequested
from rq.executions import Execution
from rq.job import Job
from rq.queue import Queue

from model_store.deliveries import delivery_of
from model_store.lifeline import die_with_parent
from model_store.records import JobError
from model_store.settings import Settings
from model_store.stores import Stores
from worker.attempts import end_attempt
from worker.memory import ends_within, limit_bytes, taken_bytes, too_much

WORKER_TTL_SECONDS = 30
"""An idle worker shows itself at least this often, so a killed one is soon missed."""

LOOK_SECONDS = 1
"""A work-horse is looked after this often; RQ takes whole seconds."""

MEMORY_LOOK_SECONDS = 0.05
"""How often the memory of a work-horse is looked at: some gigabytes can be filled in a second."""

GIVE_BACK_SECONDS = 4.0
"""A worker that is to stop asks a queue that does not answer for this long to take the job back: its supervisor waits a
little longer, and what is not given back counts as a failure."""

logger = logging.getLogger(__name__)


class ForkingWorker(Worker):
    """RQ's worker, whose work-horses outlive neither it nor their hold on the job.

    A work-horse that is stopped, or stuck in native code, cannot renew its lease and hears of nothing: it is killed
    from here once it has had no job for the length of a lease.
    """

    max_connection_wait_time = 2.0
    """Of RQ: a queue that is back again is found so soon, not after a minute."""

    def __init__(self, queues: Sequence[str], settings: Settings, stores: Stores) -> None:
        super().__init__(
            list(queues),
            connection=stores.redis,
            serializer="json",
            worker_ttl=WORKER_TTL_SECONDS,
            job_monitoring_interval=LOOK_SECONDS,
        )
        self._jobs, self._stores = stores.jobs, stores
        self._memory_bytes = limit_bytes(settings)
        self._grace_seconds = settings.stop_grace_seconds
        self._last_held, self._taken_too_much = 0.0, 0
        self._stop_at: float | None = None

    def bootstrap(self, *args: Any, **kwargs: Any) -> None:
        # RQ does so last, and until then a request to stop would kill a worker that others see already.
        self._install_signal_handlers()  # type: ignore[no-untyped-call]
        super().bootstrap(*args, **kwargs)

    def work(self, *args: Any, **kwargs: Any) -> bool:
        try:
            return super().work(*args, **kwargs)
        except StopRequested:  # before its first look at the queues
            self.register_death()  # type: ignore[no-untyped-call]
            return False

    def fork_work_horse(self, job: Job, queue: Queue) -> None:
        self._last_held, self._taken_too_much = time.monotonic(), 0
        super().fork_work_horse(job, queue)

    def wait_for_horse(self) -> tuple[int | None, int | None, Any]:
        while not ends_within(self.horse_pid, MEMORY_LOOK_SECONDS):
            taken = taken_bytes(self.horse_pid)
            if taken > self._memory_bytes:
                self._taken_too_much = taken
                self.kill_horse()
                break
        return super().wait_for_horse()

    def handle_work_horse_killed(self, job: Job, *how: Any) -> None:
        """RQ calls this before it delivers a step again. A job that took too much memory fails, in words: a second
        attempt would take as much."""
        super().handle_work_horse_killed(job, *how)  # type: ignore[no-untyped-call]
        if self._taken_too_much:
            delivery, error = delivery_of(job.id), too_much(self._taken_too_much, self._memory_bytes)
            failed = JobError.of(error)
            self._stores.apart(lambda: end_attempt(delivery.job_id, delivery.attempt, failed, self._stores))

    def monitor_work_horse(self, job: Job, queue: Queue, execution: Execution) -> None:
        super().monitor_work_horse(job, queue, execution)
        self._stores.inputs.forget_copy(delivery_of(job.id).job_id)

    def main_work_horse(self, *args: Any, **kwargs: Any) -> None:
        die_with_parent(self.pid or 0, signal.SIGKILL)
        super().main_work_horse(*args, **kwargs)

    def setup_work_horse_signals(self) -> None:
        super().setup_work_horse_signals()  # type: ignore[no-untyped-call]
        # A signal to the whole group asks the parent, which gives the job back first.
        signal.signal(signal.SIGTERM, signal.SIG_IGN)

    def handle_warm_shutdown_request(self) -> None:
        super().handle_warm_shutdown_request()  # type: ignore[no-untyped-call]
        self._stop_at = time.monotonic() + self._grace_seconds

    def request_force_stop(self, signum: int, frame: FrameType | None) -> None:
        """A second signal: no grace any more."""
        self._stop_at = time.monotonic() - GIVE_BACK_SECONDS

    def maintain_heartbeats(self, job: Job, execution: Execution) -> None:
        """RQ calls this every ``LOOK_SECONDS`` while a work-horse runs."""
        stop_due = self._stop_at is not None and time.monotonic() >= self._stop_at
        try:
            super().maintain_heartbeats(job, execution)
            held = self._is_held(job)
            if stop_due:
                self._give_back(job)
        except RedisError:
            # Nobody can say who has the job: a short break of the connection must not cost it.
            logger.warning("%s: its lease could not be looked at", job.id, exc_info=True)
            held = True
            stop_due = self._stop_at is not None and time.monotonic() >= self._stop_at + GIVE_BACK_SECONDS
        if held:
            self._last_held = time.monotonic()
        hangs = time.monotonic() - self._last_held > self._jobs.lease_seconds
        if hangs:
            lease = self._jobs.lease_seconds
            said = f"{job.id}: its process has had no job for {lease:g} s and is killed"
            self._stores.log.add(delivery_of(job.id).job_id, said, "warning")
        if hangs or stop_due:
            self.kill_horse()

    def _is_held(self, job: Job) -> bool:
        """Whether the work-horse still has something to do."""
        return self._jobs.holds(delivery_of(job.id))

    def _give_back(self, job: Job) -> None:
        """Before the work-horse is killed: another worker gets what it does, and nobody counts a failure."""
        delivery = delivery_of(job.id)
        if delivery.step:
            # RQ delivers a step again while it has retries left; this one is to cost none of them.
            job.retries_left = (job.retries_left or 0) + 1
            logger.info("%s given back, this worker stops", delivery)
        elif self._stores.apart(lambda: self._jobs.give_back(delivery.job_id, delivery.attempt)):
            self._stores.log.add(delivery.job_id, "given back, its worker stops")

    def get_heartbeat_ttl(self, job: Job, working_time: float = 0.0) -> int:
        """How long after the last heartbeat RQ takes an execution for dead. A step is soon delivered again, its job
        waits for it; of an attempt our own lease is what counts."""
        if not delivery_of(job.id).step:
            return super().get_heartbeat_ttl(job, working_time)
        return math.ceil(self._jobs.lease_seconds) + LOOK_SECONDS
