"""The task that a work-horse runs: read the scene, unmix it, store what came out."""

import logging
import os
import signal
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from rq.timeouts import JobTimeoutException

from model_store.errors import InternalError, StoreError, TimeLimitError, UnknownJobError
from model_store.models import model_id
from model_store.records import JobError, JobRecord
from model_store.results import write_document
from model_store.settings import Settings
from model_store.stores import Stores, open_stores
from unmixing.errors import Cancelled, UnmixingError
from unmixing.types import Compute, Cube, Progress, SpectralLibrary, TrainedModel, Unmixing
from worker.context import SETTINGS
from worker.lease import Lease

if TYPE_CHECKING:
    from unmixing.io import SceneReader

REPORT_SECONDS = 0.25
"""Progress within one stage is written at most this often."""

logger = logging.getLogger(__name__)


def unmix(job_id: str) -> None:
    """The RQ task. Safe to deliver twice: only an accepted job starts, and no product is made twice."""
    run_job(job_id, SETTINGS.get(), on_lost=_end_process)


def run_job(job_id: str, settings: Settings, *, on_lost: Callable[[], None]) -> None:
    """Bring an accepted job to its end; a job that is dismissed, running or ended is left alone."""
    stores = open_stores(settings)
    attempt = stores.jobs.start(job_id)
    if attempt is None:
        logger.info("job %s is not to be started", job_id)
        return
    logger.info("job %s started, attempt %d", job_id, attempt)
    error: JobError | None = None
    try:
        with Lease(stores.jobs, job_id, attempt, on_lost):
            _compute(job_id, attempt, settings, stores)
    except Cancelled:
        logger.info("job %s was dismissed", job_id)
        return
    except Exception as raised:
        error = _job_error(job_id, raised, settings)
    _end(job_id, attempt, error, stores)


def _compute(job_id: str, attempt: int, settings: Settings, stores: Stores) -> None:
    if stores.results.exists(job_id):
        return  # an earlier attempt died between storing its results and saying so
    from unmixing import unmix as unmix_cube
    from unmixing.io import open_scene, read_library
    from unmixing.io.streaming import can_stream
    from unmixing.naming import name_endmembers, require_match

    record = stores.jobs.get(job_id)
    if record is None:
        raise UnknownJobError(f"job {job_id} is gone")
    report = progress_to(stores, job_id, attempt)
    report(0.0, "reading the scene")
    folder = stores.inputs.of(job_id)
    paths = [folder / name for name in record.files]
    library = read_library([folder / name for name in record.library]) if record.library else None
    model = stores.models.load(record.model_id) if record.model_id else None
    with open_scene(paths, record.variable, scratch=folder) as reader:
        if model is not None and can_stream(model):
            _stream(record, reader, model, library, Compute(settings.device, settings.threads), report, stores)
            return
        cube = reader.read()
    if library is not None:
        require_match(library, cube.wavelengths_nm, cube.used_bands)
    unmixing = unmix_cube(
        cube,
        n_endmembers=record.spec.n_endmembers,
        method=record.spec.method,
        seed=record.spec.seed,
        max_training_seconds=record.spec.max_training_seconds,
        model=model,
        compute=Compute(settings.device, settings.threads),
        progress=report,
    )
    if library is not None:
        unmixing = name_endmembers(unmixing, cube, library)
    report(1.0, "writing the results")
    _store(record, unmixing, cube, stores)


def _store(record: JobRecord, unmixing: Unmixing, cube: Cube, stores: Stores) -> None:
    """Products and model become visible whole, and only together with the document that describes them."""
    from unmixing.io import write_products

    with stores.results.writing(record.id) as folder:
        _describe(folder, unmixing, cube, write_products(folder, unmixing, cube), stores)


def _stream(
    record: JobRecord,
    reader: "SceneReader",
    model: TrainedModel,
    library: SpectralLibrary | None,
    compute: Compute,
    report: Progress,
    stores: Stores,
) -> None:
    """A stored model on a scene of any size: products are written while the scene is read."""
    from unmixing.io.streaming import apply_to_scene

    with stores.results.writing(record.id) as folder:
        unmixing, cube, media_types = apply_to_scene(
            reader,
            model,
            folder,
            n_endmembers=record.spec.n_endmembers,
            library=library,
            compute=compute,
            progress=report,
        )
        _describe(folder, unmixing, cube, media_types, stores)


def _describe(folder: Path, unmixing: Unmixing, cube: Cube, media_types: Mapping[str, str], stores: Stores) -> None:
    from unmixing.results import result_document

    identifier = None if unmixing.model is None else model_id(unmixing.model)
    sizes = {name: (folder / name).stat().st_size for name in media_types}
    document = result_document(unmixing, cube, media_types=media_types, sizes=sizes, model_id=identifier)
    write_document(folder, document)
    if unmixing.model is not None:
        stores.models.register(unmixing.model)


def _end(job_id: str, attempt: int, error: JobError | None, stores: Stores) -> None:
    """Write the outcome, unless the job has been taken away meanwhile; its input is needed no longer."""
    ended = stores.jobs.fail(job_id, attempt, error) if error else stores.jobs.succeed(job_id, attempt)
    if ended:
        stores.inputs.remove(job_id)
        logger.info("job %s %s", job_id, "failed: " + error.detail if error else "was successful")


def _job_error(job_id: str, raised: Exception, settings: Settings) -> JobError:
    """What the user may read of ``raised``. Texts of foreign exceptions stay in the log."""
    if isinstance(raised, UnmixingError | StoreError):
        return JobError.of(raised)
    if isinstance(raised, JobTimeoutException):
        limit = settings.job_timeout_seconds
        return JobError.of(TimeLimitError(f"the job took longer than {limit} seconds, the limit set here"))
    logger.error("job %s failed unexpectedly", job_id, exc_info=raised)
    return JobError.of(InternalError("something unforeseen happened; it stands in the worker's log"))


def progress_to(stores: Stores, job_id: str, attempt: int) -> Progress:
    """A callback that writes progress to the record; it raises Cancelled once the job is no longer ours."""
    last_time, last_message = 0.0, ""

    def report(fraction: float, message: str) -> None:
        nonlocal last_time, last_message
        if message == last_message and time.monotonic() - last_time < REPORT_SECONDS:
            return
        if _stage(message) != _stage(last_message):
            logger.info("job %s: %s", job_id, _stage(message))
        last_time, last_message = time.monotonic(), message
        percent = round(min(max(100 * fraction, 0.0), 99.0))  # 100 is for jobs whose results can be read
        if not stores.jobs.touch(job_id, attempt, (percent, message)):
            raise Cancelled(f"job {job_id} was dismissed")

    return report


def _stage(message: str) -> str:
    """The message without its figures, which change all the time."""
    return message.partition(",")[0]


def _end_process() -> None:
    """End this work-horse at once. Nothing is lost: half-written folders are hidden and swept later."""
    os.kill(os.getpid(), signal.SIGKILL)
