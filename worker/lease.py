"""The sign of life of a running job, and how its work-horse learns that the job is no longer its own."""

import logging
import threading
from collections.abc import Callable
from types import TracebackType
from typing import Self

from redis.exceptions import RedisError

from model_store.jobs import JobRecords

RENEWALS_PER_LEASE = 5

logger = logging.getLogger(__name__)


class Lease:
    """Renews a job's lease from a daemon thread while the block runs.

    ``on_lost`` is called from that thread when the job was dismissed, timed out or given to another attempt.
    A long step in native code hears of nothing, so a work-horse passes something that ends its process.
    """

    def __init__(self, jobs: JobRecords, job_id: str, attempt: int, on_lost: Callable[[], None]) -> None:
        self._jobs, self._job_id, self._attempt = jobs, job_id, attempt
        self._pause = jobs.lease_seconds / RENEWALS_PER_LEASE
        self._on_lost = on_lost
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._renew, name=f"lease-{job_id}", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._ended.set()
        self._thread.join()

    def _renew(self) -> None:
        while not self._ended.wait(self._pause):
            try:
                held = self._jobs.touch(self._job_id, self._attempt)
            except RedisError:
                # A short break of the connection costs nothing: the lease outlives several renewals.
                logger.warning("job %s: its lease could not be renewed", self._job_id, exc_info=True)
                continue
            if not held and not self._ended.is_set():
                self._on_lost()
                return
