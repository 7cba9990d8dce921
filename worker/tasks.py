"""The tasks that a work-horse runs: a job as a whole, or a step of one whose image is shared."""

import logging
import os
import signal
from collections.abc import Callable
from typing import TYPE_CHECKING

from model_store.deliveries import JOIN, Delivery, delivery_of
from model_store.errors import UnknownJobError
from model_store.models import model_id
from model_store.settings import Settings
from model_store.stores import Stores, open_stores
from unmixing.io.products.document import write_descriptions
from unmixing.progress import Progress, part_of
from unmixing.types import Compute
from worker.attempts import progress_to, run_held
from worker.context import SETTINGS
from worker.inputs import task_of
from worker.measuring import measure
from worker.sharing import LOOKED_SHARE, SharedImage, enqueue_steps, join, make_part, make_product, prepare

if TYPE_CHECKING:
    from unmixing.io.inputs.tasks import UnmixingTask

logger = logging.getLogger(__name__)


def unmix(job_id: str) -> None:
    """The RQ task. Safe to deliver twice: only an accepted job starts, and no product is made twice."""
    run_job(job_id, SETTINGS.get(), on_lost=_end_process)


def unmix_step(delivery: str) -> None:
    """The RQ task of a part of a shared image, or of joining them. Safe to deliver twice, as the other is."""
    run_step(delivery_of(delivery), SETTINGS.get(), on_lost=_end_process)


def run_job(job_id: str, settings: Settings, *, on_lost: Callable[[], None]) -> None:
    """Bring an accepted job to its end, or share it; a job that is dismissed, running or ended is left alone."""
    stores = open_stores(settings, patient=True)
    attempt = stores.jobs.start(job_id)
    if attempt is None:
        logger.info("job %s is not to be started", job_id)
        return
    stores.log.add(job_id, f"attempt {attempt} started")
    delivery = Delivery(job_id, attempt)
    run_held(delivery, settings, stores, lambda: _compute(delivery, settings, stores), on_lost)


def run_step(delivery: Delivery, settings: Settings, *, on_lost: Callable[[], None]) -> None:
    """Make a part or a product, or join all of them; nothing when another attempt has the job, or none."""
    stores = open_stores(settings, patient=True)
    if not stores.jobs.touch(delivery.job_id, delivery.attempt, step=delivery.step):
        logger.info("%s is not to be done: the attempt has ended", delivery)
        return
    kind = delivery.step.partition("-")[0]
    work = {"part": make_part, "product": make_product, JOIN: join}[kind]
    run_held(delivery, settings, stores, lambda: work(delivery, settings, stores), on_lost)


def _compute(delivery: Delivery, settings: Settings, stores: Stores) -> bool:
    """Store the results of a job, or let it go on in steps. Whether that is its end."""
    job_id = delivery.job_id
    if stores.results.exists(job_id):
        return True  # an earlier attempt died between storing its results and saying so
    record = stores.jobs.get(job_id)
    if record is None:
        raise UnknownJobError(f"job {job_id} is gone")
    stores = stores.of(record.owner)
    report, compute = progress_to(stores, delivery), Compute(settings.device, settings.threads)
    shared = SharedImage(stores.parts.of(job_id))
    if not shared.is_prepared:
        task = task_of(record, stores)
        # Parts are folders that all workers see; those of an object store have a machine of their own each.
        alone = settings.object_store is not None
        if alone or not prepare(shared, task, settings.part_pixels, compute, part_of(report, 0.0, LOOKED_SHARE)):
            _store_results(job_id, task, compute, report, stores)
            return True
    enqueue_steps(delivery, shared, record.queue, settings, stores.redis)
    stores.log.add(job_id, f"shared between workers: {len(shared.missing())} parts are left to do")
    return False


def _store_results(job_id: str, task: "UnmixingTask", compute: Compute, report: Progress, stores: Stores) -> None:
    """Products and models become visible whole, and only together with the document that describes them."""
    from unmixing.io.apply.run import run_task

    with stores.results.writing(job_id) as results:
        done = run_task(task, results, compute, report, model_id)
        write_descriptions(results, done.document, job_id)
        measure(done.document, stores)
        for model in done.models:
            stores.models.register(model)


def _end_process() -> None:
    """End this work-horse at once. Nothing is lost: half-written folders are hidden and swept later."""
    os.kill(os.getpid(), signal.SIGKILL)
