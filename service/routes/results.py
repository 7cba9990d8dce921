"""``/jobs/{id}/results``: what came out."""

from fastapi import Request, Response
from fastapi.responses import JSONResponse, StreamingResponse

from model_store.errors import UnknownJobError
from model_store.records import JobRecord, JobStatus
from service.archives import zipped
from service.context import Context, ContextArgument
from service.errors import FailedJobError, ResultNotReadyError, UnknownOutputError
from service.files import file_responses, stored_file
from service.ogc.answers import answer, raw
from service.ogc.outputs import NAMED, job_outputs
from service.openapi import BINARY, problems
from service.result_links import linked
from service.router import Router
from service.routes.parameters import AssetName, JobId
from unmixing.io.products.schemas.results import ResultDocument

ZIP = "application/zip"

router = Router(tags=["results"])


@router.get(
    "/jobs/{job_id}/results",
    summary="The results of a job",
    response_description="The document.",
    response_model=ResultDocument,
    responses=problems(404, 422, 500, 503),
)
def get_results(job_id: JobId, request: Request, context: ContextArgument) -> Response:
    """Endmembers, metrics, the model, how the input was read, and links to the assets. A failed job answers
    with its own error. A job of `POST /processes/{id}/execution` answers with its outputs, as they were asked for."""
    record, base = _successful(context, job_id), str(request.base_url)
    if record.execution is not None:
        outputs = job_outputs(record, context.stores.results, base)
        return answer(request, outputs, record.execution, len(outputs))
    document = context.stores.results.document(job_id)
    if document is None:
        raise ResultNotReadyError(f"the results of job {job_id} are gone")
    return JSONResponse(linked(document, job_id, base))


@router.get(
    "/jobs/{job_id}/results.zip",
    summary="All files of the results",
    response_class=Response,
    responses={
        200: {"description": "The archive, as it is made.", "content": {ZIP: {"schema": BINARY}}},
        **problems(404, 422, 500, 503),
    },
)
def get_results_archive(job_id: JobId, request: Request, context: ContextArgument) -> Response:
    """`result.json` and every asset as one zip, whose links are names of files beside it. It is made while it is sent:
    there is no `Content-Length` and no `Range`."""
    _successful(context, job_id)
    files = context.stores.results.files(job_id)
    if not files:
        raise ResultNotReadyError(f"the results of job {job_id} are gone")
    headers = {"Accept-Ranges": "none", "Content-Disposition": f'attachment; filename="{job_id}.zip"'}
    return StreamingResponse(iter(()) if request.method == "HEAD" else zipped(files), media_type=ZIP, headers=headers)


@router.get(
    "/jobs/{job_id}/results/{name}",
    summary="One asset of the results",
    response_class=Response,
    responses=file_responses("application/*", "image/*", "text/csv"),
)
def get_result_asset(job_id: JobId, name: AssetName, request: Request, context: ContextArgument) -> Response:
    """The file as it is, whole or in ranges. `stac` is a STAC collection of all files, `result` the document with
    the figures."""
    record = _successful(context, job_id)
    asset = context.stores.results.asset(job_id, name)
    if asset is not None:
        return stored_file(request, asset.path, asset.media_type)
    if name not in NAMED:
        raise UnknownOutputError(f"the results of job {job_id} have no asset {name!r}")
    return raw(request, job_outputs(record, context.stores.results, str(request.base_url))[name])


def _successful(context: Context, job_id: str) -> JobRecord:
    record = context.stores.jobs.get(job_id)
    if record is None:
        raise UnknownJobError(f"there is no job {job_id!r}")
    if record.error is not None:
        raise FailedJobError(record.error)
    if record.status is not JobStatus.SUCCESSFUL:
        raise ResultNotReadyError(f"job {job_id} is {record.status} and has no results")
    return record
