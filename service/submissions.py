"""From an upload that has been read to a job, or to the one that does equal work."""

import asyncio
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from model_store.errors import QueueFullError
from model_store.records import Execution, JobRecord, JobStatus, now, work_key
from service.context import Context
from service.errors import QueueBusyError, TooManyJobsError
from service.idempotency import earlier_job, forget, remember
from service.queues import APPLY, TRAIN
from service.reading.messages import ReadUpload
from service.uploads import FILE, Upload
from unmixing.io.inputs.digests import sha256_of
from unmixing.io.inputs.tasks import LIBRARIES
from unmixing.methods import METHODS, chosen_methods

RETRY_AFTER_SECONDS = 30
"""When to ask again where too many jobs wait."""


@asynccontextmanager
async def staging(context: Context) -> AsyncIterator[tuple[str, Path]]:
    """A new job's id and its empty input folder, gone when the block ends and no job took it."""
    job_id = uuid.uuid4().hex
    folder = context.stores.inputs.of(job_id)
    folder.mkdir(parents=True)
    try:
        yield job_id, folder
    finally:
        await asyncio.to_thread(_remove_untaken, context, job_id)


def _remove_untaken(context: Context, job_id: str) -> None:
    # Ask the records, not the block: an error after the reservation leaves a job that will run.
    if context.stores.jobs.get(job_id) is None and not context.stores.jobs.files.exists(job_id):
        context.stores.inputs.remove(job_id)


def submit(
    context: Context, job_id: str, folder: Path, upload: Upload, read: ReadUpload, execution: Execution | None = None
) -> JobRecord:
    """Make the upload in ``folder`` a job, or return the job that does equal work already. read: what it asks for.
    execution: how OGC API - Processes asked for it.

    The label goes to that job beside those it has. Raises StoreError, QueueBusyError, TooManyJobsError.
    """
    moment, owner = now(), context.caller.owner
    digests = upload.digests or {FILE: {name: sha256_of(folder / name) for name in read.files}}
    record = JobRecord(
        id=job_id,
        work_key=work_key(digests, read.spec, read.model_id, read.input, execution, owner),
        owner=owner,
        queue=_queue_of(read),
        spec=read.spec,
        kind_decided_by=read.kind_decided_by,
        model_id=read.model_id,
        input=read.input,
        files=read.files,
        digests={field: found for field, found in digests.items() if found},
        labels=() if read.label is None else (read.label,),
        libraries={name: paths for name in LIBRARIES if (paths := _names(folder, name))},
        created=moment,
        updated=moment,
        execution=execution,
    )
    return _entered(context, record)


def _names(folder: Path, part: str) -> tuple[str, ...]:
    return tuple(path.relative_to(folder).as_posix() for path in sorted(folder.glob(f"{part}/*")))


def _queue_of(read: ReadUpload) -> str:
    trains = any(METHODS[method].trains for method in chosen_methods(read.spec.method))
    return TRAIN if read.model_id is None and trains else APPLY


def _entered(context: Context, record: JobRecord) -> JobRecord:
    """The job of an earlier request with this Idempotency-Key, or that which does the work of the record.

    Raises QueueBusyError, TooManyJobsError, IdempotencyKeyError.
    """
    if (earlier := earlier_job(context, record)) is not None:
        return earlier
    try:
        holder = _worked_on(context, record)
    except Exception:
        forget(context)
        raise
    remember(context, holder)
    return holder


def _worked_on(context: Context, record: JobRecord) -> JobRecord:
    """Reserve the work and deliver it; when equal work is there already, that job."""
    stores = context.stores
    stores.inputs.share(record.id)  # before the job is known: its worker may count on it
    while True:
        holder = _reserved(context, record)
        if holder.id == record.id:
            stores.log.add(record.id, f"accepted: {_work(record)}")
            context.queue.enqueue(record)
            return record
        if holder.status is not JobStatus.SUCCESSFUL or stores.results.exists(holder.id):
            return _labelled(context, holder, record.labels)
        # Its results have gone from the disk: the work has to be done again.
        stores.jobs.remove(holder.id)


def _work(record: JobRecord) -> str:
    """The work of a job, for its log."""
    model = "" if record.model_id is None else f" with model {record.model_id}"
    return f"{record.spec.method}{model}, {', '.join(record.uploaded) or 'mixtures in JSON'}"


def _reserved(context: Context, record: JobRecord) -> JobRecord:
    try:
        return context.stores.jobs.reserve(record, context.room)
    except QueueFullError as full:
        refusal = TooManyJobsError if full.is_own else QueueBusyError
        raise refusal(str(full), RETRY_AFTER_SECONDS) from None


def _labelled(context: Context, holder: JobRecord, labels: tuple[str, ...]) -> JobRecord:
    """The job that does equal work, found under these labels too from now on."""
    for label in labels:
        context.stores.jobs.label(holder.id, label)
    return (context.stores.jobs.get(holder.id) if labels else None) or holder
