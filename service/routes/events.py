"""``/jobs/{id}/events``: how a job goes on, as it goes on (server-sent events)."""

from collections.abc import AsyncIterator
from http import HTTPStatus
from typing import Annotated

from fastapi import Header, Request, Response
from fastapi.responses import StreamingResponse

from model_store.jobs import ENDED
from model_store.records import JobRecord
from model_store.settings import Settings
from service.context import ContextArgument
from service.openapi import problems
from service.router import Router
from service.routes.parameters import JobId
from service.schemas.jobs import job_document
from service.watching import JobWatcher

EVENT_STREAM = "text/event-stream"
HEARTBEAT = ": still there\n\n"
EXAMPLE = (
    'id: 2026-01-31T12:00:07+00:00\nevent: status\ndata: {"jobID": "5f0c7ad2a0e94d6fb4d0b6a8f3f0a111", "status": '
    '"running", "progress": 40}\n\n: still there\n\n'
)

EVENT = {
    "type": "object",
    "description": "One event of the stream.",
    "required": ["id", "event", "data"],
    "properties": {
        "id": {"type": "string", "description": "When the job changed."},
        "event": {"type": "string", "const": "status"},
        "data": {
            "type": "string",
            "contentMediaType": "application/json",
            "contentSchema": {"$ref": "#/components/schemas/JobDocument"},
        },
    },
}

router = Router(tags=["jobs"])


@router.get(
    "/jobs/{job_id}/events",
    summary="A job as it goes on",
    response_class=Response,
    responses={
        200: {
            "description": "Server-sent events: `event: status`, its data the job as `GET /jobs/{job_id}` has it.",
            "content": {EVENT_STREAM: {"schema": EVENT, "example": EXAMPLE}},
        },
        204: {"description": "The job has ended, and `Last-Event-ID` is its last event: do not come again."},
        **problems(404, 422, 500, 503),
    },
)
async def stream_job_events(
    job_id: JobId,
    request: Request,
    context: ContextArgument,
    last_event_id: Annotated[str | None, Header(description="As browsers send it when they come again.")] = None,
) -> Response:
    """The job at once, and again with every change of its state or progress, at most once a second; a comment when
    there is nothing new. The stream ends after the event that says that the job has ended, or when it is removed."""
    record = await context.job(job_id)
    if record.status in ENDED and last_event_id == _id_of(record):
        return Response(status_code=HTTPStatus.NO_CONTENT)
    watcher: JobWatcher = request.app.state.watcher
    events = iter(()) if request.method == "HEAD" else _events(watcher, record, str(request.base_url), context.settings)
    headers = {"Cache-Control": "no-cache", "X-Accel-Buffering": "no"}
    return StreamingResponse(events, media_type=EVENT_STREAM, headers=headers)


async def _events(watcher: JobWatcher, record: JobRecord, base: str, settings: Settings) -> AsyncIterator[str]:
    async for seen in watcher.follow(record):
        if seen is None:
            yield HEARTBEAT
        else:
            document = job_document(seen, base, settings).model_dump_json(exclude_none=True)
            yield f"id: {_id_of(seen)}\nevent: status\ndata: {document}\n\n"


def _id_of(record: JobRecord) -> str:
    return record.updated.isoformat()
