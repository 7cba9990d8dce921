"""The sign of life of a running job, and how its work-horse learns that the job is no longer its own."""

import logging
import threading
from collections.abc import Callable
from types import TracebackType
from typing import Self

from redis.exceptions import RedisError

RENEWALS_PER_LEASE = 5

logger = logging.getLogger(__name__)


class Lease:
    """Calls ``renew`` from a daemon thread, several times per lease, while the block runs.

    ``on_lost`` is called from that thread once ``renew`` says False: the job was dismissed, timed out or given to
    another attempt. A long step in native code hears of nothing, so a work-horse passes something that ends its
    process.
    """

    def __init__(self, renew: Callable[[], bool], lease_seconds: float, on_lost: Callable[[], None], name: str) -> None:
        self._renewal, self._on_lost, self._name = renew, on_lost, name
        self._pause = lease_seconds / RENEWALS_PER_LEASE
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._renew, name=f"lease-{name}", daemon=True)

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
                held = self._renewal()
            except RedisError:
                # A short break of the connection costs nothing: the lease outlives several renewals.
                logger.warning("%s: its lease could not be renewed", self._name, exc_info=True)
                continue
            if not held and not self._ended.is_set():
                self._on_lost()
                return
