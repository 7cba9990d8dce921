"""From an upload to a job: the request is validated once, here, before any worker hears of it."""

import asyncio
import uuid
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

from model_store.folders import remove_folder
from model_store.records import JobRecord, JobStatus, now, work_key
from service.context import Context
from service.queues import APPLY, TRAIN
from service.uploads import Upload
from unmixing.io.inputs.tasks import LIBRARIES, Request, UnmixingTask, checked_task
from unmixing.io.inputs.uploads import unpack_files
from unmixing.methods import METHODS, chosen_methods


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
    model_id = upload.fields.get("model") or None
    model = context.stores.models.load(model_id) if model_id else None
    task = checked_task(
        Request(
            files=unpack_files(folder, max_total_bytes=context.settings.max_unpacked_bytes),
            fields=upload.fields,
            libraries={name: sorted(folder.glob(f"{name}/*")) for name in LIBRARIES},
            model=model,
            scratch=folder,
            max_training_seconds=context.settings.max_training_seconds,
        )
    )

    def names(paths: Sequence[Path]) -> tuple[str, ...]:
        return tuple(path.relative_to(folder).as_posix() for path in paths)

    moment = now()
    record = JobRecord(
        id=job_id,
        work_key=work_key(upload.digests, task.spec, model_id, task.variable),
        queue=_queue_of(task),
        spec=task.spec,
        kind_decided_by=task.kind_decided_by,
        model_id=model_id,
        variable=task.variable,
        files=names(task.paths),
        libraries={name: names(paths) for name, paths in task.libraries.items() if paths},
        created=moment,
        updated=moment,
    )
    return _entered(context, record)


def _queue_of(task: UnmixingTask) -> str:
    trains = any(METHODS[method].trains for method in chosen_methods(task.spec.method))
    return TRAIN if task.model is None and trains else APPLY


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
