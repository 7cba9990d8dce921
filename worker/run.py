"""The worker process: waits for jobs and forks a work-horse for each."""

import gc
import importlib
import logging
import time
from collections.abc import Sequence
from contextlib import suppress

from redis import Redis
from redis.exceptions import RedisError

from model_store.adoption import queue_owner, require_same
from model_store.leftovers import sweep_leftovers
from model_store.logs import set_up_logging
from model_store.settings import Settings
from model_store.stores import open_stores
from worker.context import SETTINGS
from worker.forking import ForkingWorker

WAIT_SECONDS = 0.5

TRAIN = "train"
NEEDED_BY_ALL = ("worker.tasks", "unmixing.io.apply.run", "unmixing.io.apply.joining")
NEEDED_BY_PICTURES = ("unmixing.io.products.pictures.quicklook",)
NEEDED_BY_TRAINING = (
    "unmixing.networks.training.trainers",
    "unmixing.mixtures.networks.training",
    "torch._dynamo",  # which the first optimiser of a process imports, for a second
)

logger = logging.getLogger(__name__)


def run_worker(settings: Settings, queues: Sequence[str] = ("train", "apply")) -> None:
    """Serve ``queues`` until SIGINT or SIGTERM; the first queue goes first. A job that runs then is given back.

    Raises QueueUnavailableError when no Redis is named and no embedded queue runs on the data folder, and
    DataFolderMismatchError when the queue belongs to another data folder.
    """
    set_up_logging(settings)
    SETTINGS.set(settings)
    stores = open_stores(settings)
    _wait_for_owner(stores.redis)
    stores.apart(lambda: require_same(stores.place, stores.redis))
    stores.apart(lambda: sweep_leftovers(settings.data, stores))  # of workers that were killed here
    _import_ahead(queues)
    ForkingWorker(queues, settings, stores).work(logging_level="WARNING")


def _import_ahead(queues: Sequence[str]) -> None:
    """Import here, once, what work-horses need: they are forks of this process, and each would take seconds for it.

    Only imported: whatever starts threads of its own, as a model or a product of matrices, must not run before a fork.
    """
    for module in NEEDED_BY_ALL:
        importlib.import_module(module)
    for module in NEEDED_BY_PICTURES + (NEEDED_BY_TRAINING if TRAIN in queues else ()):
        # Without the extras, results have no pictures, and jobs that train fail with words.
        with suppress(ModuleNotFoundError):
            importlib.import_module(module)
    gc.collect()
    gc.freeze()  # a collection in a work-horse would copy every page of it


def _wait_for_owner(redis: Redis) -> None:
    """Until a service has tied the queue to its data folder: which one it is, only a service may say."""
    is_logged = False
    while True:
        try:
            if queue_owner(redis) is not None:
                return
            reason = "no service has opened it yet"
        except RedisError as error:
            reason = str(error)
        if not is_logged:
            logger.info("waiting for the queue: %s", reason)
            is_logged = True
        time.sleep(WAIT_SECONDS)
