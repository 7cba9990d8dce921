"""``/jobs/{id}/logs``: what was done with a job, and when."""

import asyncio

from fastapi import Request

from service.context import ContextArgument
from service.openapi import problems
from service.router import Router
from service.routes.parameters import JobId, Limit, Offset
from service.schemas.jobs import JobLogs, LogEntry
from service.schemas.links import page_links

router = Router(tags=["jobs"])


@router.get(
    "/jobs/{job_id}/logs",
    summary="Log of a job",
    response_description="A page of lines, oldest first.",
    responses=problems(404, 422, 500, 503),
)
async def get_job_logs(
    job_id: JobId, request: Request, context: ContextArgument, limit: Limit = 1000, offset: Offset = 0
) -> JobLogs:
    """When it was accepted, started, given up by a worker and ended, its stages, and webhooks that did not arrive.

    The last 1,000 lines of a job are kept.
    """
    await context.job(job_id)
    lines = await asyncio.to_thread(context.stores.log.lines, job_id)
    entries = [LogEntry(id=str(number), **line._asdict()) for number, line in enumerate(lines)]
    url = f"{request.base_url}jobs/{job_id}/logs"
    return JobLogs(logs=entries[offset : offset + limit], links=page_links(url, "", limit, offset, len(entries)))
