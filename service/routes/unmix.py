"""``POST /unmix``: a scene or a mixture matrix comes in, a job goes out."""

import asyncio

from fastapi import Request, Response

from model_store.records import JobStatus
from service.bodies import received
from service.context import ContextArgument
from service.openapi import problems, upload_body
from service.outbound.subscriptions import Subscription
from service.reading.readers import Readers
from service.router import Router
from service.schemas.jobs import JobDocument, job_document
from service.submissions import staging, submit

router = Router(tags=["unmixing"])


@router.post(
    "/unmix",
    summary="Unmix a scene, or separate a mixture matrix",
    status_code=202,
    response_model=JobDocument,
    openapi_extra=upload_body(),
    responses={
        200: {"model": JobDocument, "description": "Equal work is finished already: its job."},
        202: {"description": "The job, new or under way; follow `Location`."},
        **problems(400, 404, 413, 415, 422, 503, 507),
    },
)
async def submit_job(request: Request, context: ContextArgument) -> Response:
    """Upload an image or a mixture matrix and get a job. Equal bytes with equal fields are the same job, not another.

    Fields come in the form, in the query, or beside `mixtures` in JSON. A file may also be the whole body, its name the
    query's `filename`.
    """
    async with staging(context) as (job_id, folder):
        upload = await received(request, folder, context)
        readers: Readers = request.app.state.readers
        read = await readers.read(folder, upload, context.stores.models)
        if read.webhook is not None:
            await context.webhooks.check(read.webhook)
        record = await asyncio.to_thread(submit, context, job_id, folder, upload, read)
    if read.webhook is not None:
        message = Subscription(job_id=record.id, url=read.webhook, base=str(request.base_url))
        await asyncio.to_thread(context.webhooks.subscribe, message)
    document = job_document(record, str(request.base_url), context.settings)
    return Response(
        document.model_dump_json(exclude_none=True),
        status_code=200 if record.status is JobStatus.SUCCESSFUL else 202,
        headers={"Location": f"{request.base_url}jobs/{record.id}"},
        media_type="application/json",
    )
