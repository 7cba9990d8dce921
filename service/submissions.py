"""From an upload to a job: the request is validated once, here, before any worker hears of it."""

import asyncio
import uuid
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path

import numpy as np
from pydantic import ValidationError

from model_store.folders import remove_folder
from model_store.records import JobRecord, JobStatus, now, work_key
from service.context import Context
from service.queues import APPLY, TRAIN
from service.uploads import LIBRARY_FOLDER, Upload
from unmixing.errors import SpecError
from unmixing.io import SceneReader, check_scene, open_scene, read_library, unpack_upload
from unmixing.methods import METHODS, check_method
from unmixing.naming import require_match
from unmixing.pipeline import require_fit
from unmixing.specs import UnmixSpec
from unmixing.types import TrainedModel

FIELDS = frozenset({*UnmixSpec.model_fields, "model", "variable"})
"""The plain fields of ``POST /unmix``."""


@asynccontextmanager
async def staging(context: Context) -> AsyncIterator[tuple[str, Path]]:
    """A new job's id and its empty input folder, gone when the block ends and no job took it."""
    job_id = uuid.uuid4().hex
    folder = context.stores.inputs.of(job_id)
    folder.mkdir(parents=True)
    try:
        yield job_id, folder
    finally:
        await asyncio.to_thread(_remove_untaken, context, job_id, folder)


def _remove_untaken(context: Context, job_id: str, folder: Path) -> None:
    # Ask the records, not the block: an error after the reservation leaves a job that will run.
    if context.stores.jobs.get(job_id) is None:
        remove_folder(folder)


def submit(context: Context, job_id: str, folder: Path, upload: Upload) -> JobRecord:
    """Check the upload in ``folder`` and make it a job, or return the job that does equal work already.

    Raises UnmixingError and StoreError for everything that a caller can mend.
    """
    fields = upload.fields
    model_id = fields.get("model") or None
    model = context.stores.models.load(model_id) if model_id else None
    spec = spec_of(fields, model, context.settings.max_training_seconds)
    variable = fields.get("variable") or None
    files = _checked_files(folder, variable, spec, model, context.settings.max_unpacked_bytes)
    moment = now()
    record = JobRecord(
        id=job_id,
        work_key=work_key(upload.digests, spec, model_id, variable, upload.library_digests),
        queue=TRAIN if model is None and METHODS[spec.method].trains else APPLY,
        spec=spec,
        model_id=model_id,
        variable=variable,
        files=files,
        library=_library_files(folder),
        created=moment,
        updated=moment,
    )
    return _entered(context, record)


def spec_of(fields: Mapping[str, str], model: TrainedModel | None, max_training_seconds: float | None) -> UnmixSpec:
    """The spec in the fields of a request. Empty fields count as not given, as browsers send them.

    ``max_training_seconds``: the limit when the request names none. Raises SpecError, UnknownMethodError.
    """
    given = {name: value for name, value in fields.items() if name in UnmixSpec.model_fields and value}
    if model is not None:
        given.setdefault("method", model.manifest["method"])
    try:
        spec = UnmixSpec.model_validate_strings(given)
    except ValidationError as error:
        problems = (f"{item['loc'][0]}: {item['msg']} (got {item['input']!r})" for item in error.errors())
        raise SpecError("; ".join(problems)) from None
    check_method(spec.method)
    if model is not None and spec.method != model.manifest["method"]:
        raise SpecError(f"method is {spec.method!r}, the model is of method {model.manifest['method']!r}")
    if spec.max_training_seconds is None:
        spec = spec.model_copy(update={"max_training_seconds": max_training_seconds})
    return spec


def _checked_files(
    folder: Path, variable: str | None, spec: UnmixSpec, model: TrainedModel | None, max_unpacked_bytes: int
) -> tuple[str, ...]:
    """The scene's files, relative to ``folder``, after a look at header and content."""
    paths = unpack_upload(folder, max_total_bytes=max_unpacked_bytes)
    with open_scene(paths, variable, scratch=folder) as reader:
        if model is not None:
            require_fit(model, reader.shape[2], spec.n_endmembers)
        _check_library(folder, reader)
        check_scene(reader, spec.n_endmembers)
    return tuple(path.relative_to(folder).as_posix() for path in paths)


def _library_files(folder: Path) -> tuple[str, ...]:
    return tuple(path.relative_to(folder).as_posix() for path in sorted(folder.glob(f"{LIBRARY_FOLDER}/*")))


def _check_library(folder: Path, reader: SceneReader) -> None:
    """Whether the library in ``folder``, if there is one, can be read and covers the scene's bands."""
    files = [folder / name for name in _library_files(folder)]
    if files:
        bad = reader.bad_bands
        used = np.ones(reader.shape[2], dtype=bool) if bad is None else ~bad
        require_match(read_library(files), reader.wavelengths_nm, used)


def _entered(context: Context, record: JobRecord) -> JobRecord:
    """Reserve the work and deliver it; when equal work is there already, that job."""
    stores = context.stores
    while True:
        holder = stores.jobs.reserve(record)
        if holder.id == record.id:
            context.queue.enqueue(record)
            return record
        if holder.status is not JobStatus.SUCCESSFUL or stores.results.exists(holder.id):
            return holder
        # Its results have gone from the disk: the work has to be done again.
        stores.jobs.remove(holder.id)
