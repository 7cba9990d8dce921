"""The worker process: waits for jobs and forks a work-horse for each."""

import ctypes
import logging
import os
import signal
import sys
from collections.abc import Sequence
from typing import Any

from rq import Worker

from model_store.settings import Settings, queue_url
from model_store.stores import connect
from worker.context import SETTINGS

WORKER_TTL_SECONDS = 30
"""An idle worker shows itself at least this often, so a killed one is soon missed."""

PR_SET_PDEATHSIG = 1


class ForkingWorker(Worker):
    """RQ's worker, whose work-horses do not outlive it."""

    def main_work_horse(self, *args: Any, **kwargs: Any) -> None:
        _die_with(parent=self.pid)
        super().main_work_horse(*args, **kwargs)


def run_worker(settings: Settings, queues: Sequence[str] = ("train", "apply")) -> None:
    """Serve ``queues`` until SIGINT or SIGTERM; the first queue goes first.

    Raises QueueUnavailableError when no Redis is named and no embedded queue runs on the data folder.
    """
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(name)s: %(message)s")
    SETTINGS.set(settings)
    worker = ForkingWorker(
        list(queues),
        connection=connect(queue_url(settings)),
        serializer="json",
        worker_ttl=WORKER_TTL_SECONDS,
    )
    worker.work(logging_level="WARNING")


def _die_with(parent: int | None) -> None:
    """Ask Linux to kill this process when its parent dies; elsewhere it ends its job unsupervised."""
    if sys.platform != "linux":
        return
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:  # it died before we asked
        os._exit(1)
