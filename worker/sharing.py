"""A large image with a stored model, shared between workers: a look at its sample, parts, and a step that joins them.

The first delivery of an attempt looks, and enqueues a step for every part and one that waits for them. Parts are
folders made from files alone (``unmixing.io.apply.parts``), so what exists is never made again, by whatever attempt.
"""

import shutil
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from pydantic import BaseModel, ConfigDict
from redis import Redis
from rq import Queue, Retry
from rq.job import Dependency, Job
from rq.queue import EnqueueData

from model_store.deliveries import (
    FAILURE_TTL_SECONDS,
    JOIN,
    RESULT_TTL_SECONDS,
    Delivery,
    part_step,
    product_step,
)  # fmt: skip
from model_store.errors import UnknownJobError, WorkerLostError
from model_store.folders import appearing_folder
from model_store.jobs import Report
from model_store.models import model_id
from model_store.records import JobRecord
from model_store.settings import Settings
from model_store.stores import Stores
from unmixing.io.products.document import write_descriptions
from unmixing.progress import Progress, in_words, part_of, silent
from unmixing.specs import UnmixSpec
from unmixing.types import Compute
from worker.attempts import progress_to
from worker.inputs import opened_scene
from worker.measuring import measure

if TYPE_CHECKING:
    from unmixing.io.inputs.tasks import UnmixingTask

STEP_TASK = "worker.tasks.unmix_step"

RETRIES = 2
"""A step is delivered again this often after its worker died: whatever killed three would kill the fourth."""

LOOKED_SHARE, UNMIXED_SHARE = 0.1, 0.9
"""Shares of the progress at which the sample has been looked at, and all parts are made."""


class Plan(BaseModel):
    """The rows of every part: the first, and the one after the last."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    rows: tuple[tuple[int, int], ...]


@dataclass(frozen=True)
class SharedImage:
    """The folder of an image that is unmixed in parts: ``fitted``, which all of them need, ``part-{number}``,
    and ``product-{number}`` with what takes long."""

    folder: Path

    @property
    def fitted(self) -> Path:
        """The model after its look at the sample, and the plan."""
        return self.folder / "fitted"

    @property
    def is_prepared(self) -> bool:
        """Whether the sample has been looked at, by this attempt or an earlier one."""
        return self.fitted.is_dir()

    def part(self, number: int) -> Path:
        return self.folder / part_step(number)

    def product(self, number: int) -> Path:
        return self.folder / product_step(number)

    def parts(self) -> list[Path]:
        """The folders of all parts."""
        return [self.part(number) for number in range(len(self.plan().rows))]

    def plan(self) -> Plan:
        return Plan.model_validate_json((self.fitted / "plan.json").read_bytes())

    def missing(self) -> list[int]:
        """Numbers of the parts that nobody has made yet."""
        return [number for number in range(len(self.plan().rows)) if not self.part(number).is_dir()]


def rows_of_parts(shape: tuple[int, int, int], block: int, part_pixels: int) -> tuple[tuple[int, int], ...]:
    """Ranges of rows with ``part_pixels`` or more each, whole blocks of the file where they are smaller than that.

    block: rows of a block.

    >>> rows_of_parts((10, 100, 5), 2, 350)
    ((0, 6), (6, 10))
    """
    n_parts = max(1, shape[0] * shape[1] // part_pixels)
    step = -(-shape[0] // n_parts)
    step = -(-step // block) * block if block < step else step
    return tuple((first, min(first + step, shape[0])) for first in range(0, shape[0], step))


def prepare(shared: SharedImage, task: "UnmixingTask", part_pixels: int, compute: Compute, progress: Progress) -> bool:
    """Look at the sample of an image that is to be shared. Whether it is to be.

    Images of less than two parts are not, nor those that would be unpacked anew for every part.
    """
    if task.model is None or not isinstance(task.spec, UnmixSpec):
        return False
    from unmixing.io.apply.fitted_files import write_fitted
    from unmixing.io.apply.run import fit_task
    from unmixing.io.inputs.scenes import open_scene

    with open_scene(task.paths, task.input, scratch=task.scratch) as reader:
        if not reader.in_place or reader.shape[0] * reader.shape[1] < 2 * part_pixels:
            return False
        fitted = fit_task(task, reader, compute, progress)
        plan = Plan(rows=rows_of_parts(reader.shape, reader.windows()[0][1], part_pixels))
    with appearing_folder(shared.fitted) as folder:
        write_fitted(folder, fitted)
        (folder / "plan.json").write_text(plan.model_dump_json(), "utf-8")
    return True


def enqueue_steps(delivery: Delivery, shared: SharedImage, queue_name: str, settings: Settings, redis: Redis) -> None:
    """Deliver every part that is missing, then the products that take long, then the step that joins all of it.

    Each waits for those before it until they have been done, or given up.
    """
    from unmixing.io.products.table import PRODUCTS

    queue = Queue(queue_name, connection=redis, serializer="json")
    slow = [number for number, product in enumerate(PRODUCTS) if product.slow]
    waited_for: list[Job] = []
    for names in (map(part_step, shared.missing()), map(product_step, slow), [JOIN]):
        steps = [str(Delivery(delivery.job_id, delivery.attempt, name)) for name in names]
        waited_for = queue.enqueue_many([_prepared(step, waited_for, settings) for step in steps]) or waited_for


def _prepared(step: str, waited_for: Sequence[Job], settings: Settings) -> EnqueueData:
    """A step as RQ takes it. A step that waits goes before other jobs once it may begin, and so does one again."""
    return Queue.prepare_data(
        STEP_TASK,
        args=[step],
        job_id=step,
        description=f"unmix {step}",
        timeout=settings.job_timeout_seconds,
        result_ttl=RESULT_TTL_SECONDS,
        failure_ttl=FAILURE_TTL_SECONDS,
        retry=Retry(max=RETRIES, enqueue_at_front=True),
        depends_on=Dependency(list(waited_for), allow_failure=True, enqueue_at_front=True) if waited_for else None,
    )


def make_part(delivery: Delivery, settings: Settings, stores: Stores) -> bool:
    """Unmix the rows of a part, unless that has been done. Never the end of a job."""
    from unmixing.io.apply.fitted_files import read_fitted
    from unmixing.io.apply.parts import write_part

    started, shared = time.perf_counter(), SharedImage(stores.parts.of(delivery.job_id))
    record, compute = _record(delivery, stores), Compute(settings.device, settings.threads)
    target = shared.part(delivery.number)
    if not target.is_dir():
        tell_parts(delivery, shared, stores)
        fitted = read_fitted(shared.fitted).fitted(compute)
        with opened_scene(record, stores) as reader, appearing_folder(target) as folder:
            write_part(
                folder, reader, fitted, shared.plan().rows[delivery.number], compute, silent,
                kind_decided_by=record.kind_decided_by, started=started, inputs=lambda: record.digests,
            )  # fmt: skip
    tell_parts(delivery, shared, stores)
    return False


def tell_parts(delivery: Delivery, shared: SharedImage, stores: Stores) -> None:
    """Tell the record how many parts there are."""
    n_parts = len(shared.plan().rows)
    done = n_parts - len(shared.missing())
    percent = round(100 * (LOOKED_SHARE + (UNMIXED_SHARE - LOOKED_SHARE) * done / n_parts))
    stage = "unmixing the image"
    report = Report(percent, stage, in_words(stage, f"{done} of {n_parts} parts"))
    stores.jobs.touch(delivery.job_id, delivery.attempt, report, step=delivery.step)


def make_product(delivery: Delivery, settings: Settings, stores: Stores) -> bool:
    """Write a product that takes long, unless that has been done, or a part was given up. Never the end of a job."""
    from unmixing.io.apply.joining import write_product
    from unmixing.io.products.table import PRODUCTS

    shared = SharedImage(stores.parts.of(delivery.job_id))
    target, product = shared.product(delivery.number), PRODUCTS[delivery.number]
    if not target.is_dir() and not shared.missing():
        progress_to(stores, delivery)(UNMIXED_SHARE, f"writing {product.name}")
        with appearing_folder(target) as folder:
            write_product(product, shared.parts(), folder, Compute(settings.device, settings.threads))
    return False


def join(delivery: Delivery, settings: Settings, stores: Stores) -> bool:
    """Store the result of all parts: the end of the job. Raises WorkerLostError when one was given up."""
    if stores.results.exists(delivery.job_id):
        return True
    from unmixing.io.apply.joining import join_parts
    from unmixing.io.inputs.correction_files import input_document

    shared = SharedImage(stores.parts.of(delivery.job_id))
    rows = shared.plan().rows
    if missing := shared.missing():
        lost = ", ".join(f"{rows[number][0]}:{rows[number][1]}" for number in missing)
        raise WorkerLostError(f"the worker died {RETRIES + 1} times while it unmixed the rows {lost}")
    compute, report = Compute(settings.device, settings.threads), progress_to(stores, delivery)
    with stores.results.writing(delivery.job_id) as results:
        for made in shared.folder.glob("product-*/*"):
            shutil.move(made, results / made.name)  # one that is lost with this attempt is made again below
        done = join_parts(shared.parts(), results, compute, part_of(report, UNMIXED_SHARE, 1.0), model_id)
        done.document["provenance"]["input"] = input_document(_record(delivery, stores).input)
        write_descriptions(results, done.document, delivery.job_id)
        measure(done.document, stores)
    return True


def _record(delivery: Delivery, stores: Stores) -> JobRecord:
    record = stores.jobs.get(delivery.job_id)
    if record is None:
        raise UnknownJobError(f"job {delivery.job_id} is gone")
    return record
