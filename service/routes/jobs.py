"""``/jobs``: how the work stands, and stopping it."""

from http import HTTPStatus
from typing import Annotated

from fastapi import Depends, Request, Response

from model_store.errors import UnknownJobError, UnreadableRecordError
from model_store.records import JobRecord, JobStatus
from service.context import Context, ContextArgument
from service.openapi import problems
from service.router import Router
from service.routes.job_filters import JobFilters
from service.routes.parameters import JobId, Limit, Offset
from service.schemas.jobs import JobDocument, JobList, job_document
from service.schemas.links import page_links

router = Router(tags=["jobs"])


@router.get(
    "/jobs",
    summary="All jobs, newest first",
    response_description="A page of jobs.",
    response_model_exclude_none=True,
    responses=problems(400, 422, 503),
)
def list_jobs(
    request: Request,
    context: ContextArgument,
    filters: Annotated[JobFilters, Depends()],
    limit: Limit = 20,
    offset: Offset = 0,
) -> JobList:
    """A page of jobs. Follow the link `next` for the one after it."""
    base = str(request.base_url)
    matches = filters.matches if filters.by_record else None
    records, total = context.stores.jobs.page(filters.state, matches, limit=limit, offset=offset)
    return JobList(
        jobs=[job_document(record, base, context.settings) for record in records],
        numberMatched=total,
        links=page_links(f"{base}jobs", filters.query(), limit, offset, total),
    )


@router.get(
    "/jobs/{job_id}",
    summary="One job",
    response_description="The job.",
    response_model=JobDocument,
    responses=problems(404, 422, 500, 503),
)
async def get_job(job_id: JobId, request: Request, context: ContextArgument) -> Response:
    """Status, progress in percent and the stage in words. Ask as often as you like."""
    # Written out here, not by the framework: it would validate and walk the document a second time.
    document = job_document(await context.job(job_id), str(request.base_url), context.settings)
    return Response(document.model_dump_json(exclude_none=True), media_type="application/json")


@router.delete(
    "/jobs/{job_id}",
    summary="Stop or remove a job",
    response_description="The job, `dismissed`.",
    response_model=JobDocument,
    response_model_exclude_none=True,
    responses={204: {"description": "The record could not be read; the job is removed."}, **problems(404, 422, 503)},
)
def delete_job(job_id: JobId, request: Request, context: ContextArgument) -> JobDocument | Response:
    """A job that waits or runs is stopped and stays listed as `dismissed`; an ended one is removed with its
    results. Answers with the job as `dismissed`."""
    try:
        record = context.stores.jobs.get(job_id)
    except UnreadableRecordError:
        _discard(context, job_id)
        return Response(status_code=HTTPStatus.NO_CONTENT)
    if record is None:
        raise UnknownJobError(f"there is no job {job_id!r}")
    if not _dismiss(context, record):
        context.stores.results.remove(job_id)
        context.stores.jobs.remove(job_id)
    left = context.stores.jobs.get(job_id) or record.model_copy(update={"status": JobStatus.DISMISSED})
    return job_document(left, str(request.base_url), context.settings)


def _discard(context: Context, job_id: str) -> None:
    """Remove a job of which nothing is known but its id; a worker that has it ends with its lease."""
    context.stores.results.remove(job_id)
    context.stores.inputs.remove(job_id)
    context.stores.parts.remove(job_id)
    context.stores.jobs.discard(job_id)


def _dismiss(context: Context, record: JobRecord) -> bool:
    """Stop a live job. False when it had ended before."""
    # The record first: whatever the queue still does with the job, workers ask the record.
    if not context.stores.jobs.dismiss(record.id):
        return False
    context.stores.log.add(record.id, "dismissed")
    context.queue.stop(record)
    context.stores.inputs.remove(record.id)
    context.stores.parts.remove(record.id)
    return True
