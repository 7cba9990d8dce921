"""Executing a process: at once, as a job, or as a job whose end the caller waits for."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from fastapi import Request, Response

from model_store.jobs import ENDED
from model_store.records import Execution, JobRecord, JobStatus
from service.bodies import JSON, JsonBody, streamed
from service.context import Context
from service.errors import (
    ExecuteRequestError,
    FailedJobError,
    ResultNotReadyError,
    SyncTimeoutError,
    SyncTooLargeError,
    UploadContentTypeError,
)
from service.ogc import subscribers
from service.ogc.answers import answer
from service.ogc.inputs import as_upload, require_inputs
from service.ogc.outputs import Output, job_outputs
from service.ogc.processes import (
    APPLY_MODEL,
    ASYNC,
    ECHO,
    ESTIMATE,
    MAX_PAUSE_SECONDS,
    SYNC,
    UNMIX,
    Process,
)
from service.reading.messages import ReadExecution
from service.reading.readers import Readers
from service.schemas.jobs import job_document
from service.submissions import staging, submit
from service.uploads import Fields, Upload
from unmixing.io.products.document import warning_list

RESPOND_ASYNC = "respond-async"
POLL_SECONDS = 0.1


@dataclass(frozen=True)
class Asked:
    """A checked execute request, its binary inputs in ``folder``, which becomes the input of the job ``job_id``."""

    request: Request
    context: Context
    process: Process
    read: ReadExecution
    execution: Execution
    job_id: str
    folder: Path

    @property
    def readers(self) -> Readers:
        readers: Readers = self.request.app.state.readers
        return readers

    @property
    def base(self) -> str:
        return str(self.request.base_url)

    def answer(self, outputs: Mapping[str, Output]) -> Response:
        return answer(self.request, outputs, self.execution, len(self.process.outputs))


async def execute(request: Request, context: Context, process: Process) -> Response:
    """The answer to an execute request.

    Raises ExecuteRequestError, and as ``POST /unmix`` where the inputs cannot be worked on.
    """
    async with staging(context) as (job_id, folder):
        upload = await _received(request, context, folder)
        readers: Readers = request.app.state.readers
        read = await readers.execution(folder, upload)
        require_inputs(process, read)
        execution = read.execution.model_copy(update={"process": process.id})
        return await _RUN[process.id](Asked(request, context, process, read, execution, job_id, folder))


async def _received(request: Request, context: Context, folder: Path) -> Upload:
    kind = request.headers.get("content-type", "")
    if kind.partition(";")[0].strip().lower() != JSON:
        raise UploadContentTypeError(f"the Content-Type is {kind!r}; an execute request is {JSON}")
    return await streamed(request, lambda: JsonBody(folder, Fields(frozenset())), context.max_upload_bytes)


async def _echo(asked: Asked) -> Response:
    message = asked.read.inputs["message"][0].value
    pause = asked.read.inputs["pause"][0].value if "pause" in asked.read.inputs else 0
    if not isinstance(message, str):
        raise ExecuteRequestError(f"message is {message!r:.40}; it has to be a text")
    if not isinstance(pause, int) or isinstance(pause, bool) or not 0 <= pause <= MAX_PAUSE_SECONDS:
        raise ExecuteRequestError(f"pause is {pause!r:.40}; it has to be an integer from 0 to {MAX_PAUSE_SECONDS}")
    await asyncio.sleep(pause)
    return asked.answer({"echo": Output("text/plain", message)})


async def _estimate(asked: Asked) -> Response:
    found = await asked.readers.count(asked.folder, await as_upload(asked.context, asked.read, asked.folder))
    warnings = warning_list(found.warnings)
    values = {"n_endmembers": found.n_endmembers, "evidence": found.evidence, "warnings": warnings}
    return asked.answer({name: Output("application/json", value) for name, value in values.items()})


async def _job(asked: Asked) -> Response:
    """201 and a job; or, of processes that can be waited for, the outputs, unless the caller prefers not to wait."""
    control, prefers_async = asked.process.control, _prefers_async(asked.request)
    waits = SYNC in control and not (ASYNC in control and prefers_async)
    upload = await as_upload(asked.context, asked.read, asked.folder)
    if waits:
        _require_small(asked)
    await subscribers.check(asked.context, asked.read.subscriber)
    read = await asked.readers.read(asked.folder, upload, asked.context.stores.models)
    record = await asyncio.to_thread(
        submit, asked.context, asked.job_id, asked.folder, upload, read, asked.execution
    )  # fmt: skip
    await subscribers.subscribe(asked.context, asked.read.subscriber, record, asked.base)
    return await _waited(asked, record) if waits else _created(asked, record, prefers_async)


def _prefers_async(request: Request) -> bool:
    asked = ",".join(request.headers.getlist("prefer")).replace(";", ",").lower()
    return RESPOND_ASYNC in (part.strip() for part in asked.split(","))


def _created(asked: Asked, record: JobRecord, prefers_async: bool) -> Response:
    headers = {"Location": f"{asked.base}jobs/{record.id}"}
    if prefers_async:
        headers["Preference-Applied"] = RESPOND_ASYNC
    document = job_document(record, asked.base, asked.context.settings).model_dump_json(exclude_none=True)
    return Response(document, status_code=201, headers=headers, media_type=JSON)


def _require_small(asked: Asked) -> None:
    limit = asked.context.settings.sync_max_bytes
    n_bytes = sum(path.stat().st_size for path in asked.folder.rglob("*") if path.is_file())
    if n_bytes > limit:
        raise SyncTooLargeError(
            f"the input has {n_bytes} bytes; {limit} is the most that is answered while you wait: ask again with the "
            f"header `Prefer: {RESPOND_ASYNC}`"
        )


async def _waited(asked: Asked, record: JobRecord) -> Response:
    """The outputs of the job once it has ended. Raises SyncTimeoutError, and what made it fail."""
    seconds = asked.context.settings.sync_seconds
    deadline = time.monotonic() + seconds
    while record.status not in ENDED:
        if time.monotonic() > deadline:
            raise SyncTimeoutError(f"the job did not end within {seconds:g} seconds and goes on: see /jobs/{record.id}")
        await asyncio.sleep(POLL_SECONDS)
        record = await asked.context.job(record.id)
    if record.error is not None:
        raise FailedJobError(record.error)
    if record.status is not JobStatus.SUCCESSFUL:
        raise ResultNotReadyError(f"job {record.id} is {record.status} and has no results")
    outputs = await asyncio.to_thread(job_outputs, record, asked.context.stores.results, asked.base)
    response = await asyncio.to_thread(asked.answer, outputs)
    response.headers.append("Link", f'<{asked.base}jobs/{record.id}>; rel="monitor"')
    return response


_RUN: Mapping[str, Callable[[Asked], Awaitable[Response]]] = {
    UNMIX.id: _job,
    APPLY_MODEL.id: _job,
    ESTIMATE.id: _estimate,
    ECHO.id: _echo,
}
