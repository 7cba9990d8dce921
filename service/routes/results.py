"""``/jobs/{id}/results``: what came out."""

from typing import Any

from fastapi import Request, Response
from fastapi.responses import JSONResponse, StreamingResponse

from model_store.errors import UnknownJobError
from model_store.records import JobStatus
from service.archives import zipped
from service.context import Context, ContextArgument
from service.errors import FailedJobError, ResultNotReadyError, UnknownOutputError
from service.files import file_responses, stored_file
from service.openapi import BINARY, problems
from service.routes.parameters import AssetName, JobId
from service.routes.router import Router
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
    with its own error."""
    _require_successful(context, job_id)
    document = context.stores.results.document(job_id)
    if document is None:
        raise ResultNotReadyError(f"the results of job {job_id} are gone")
    return JSONResponse(_linked(document, job_id, str(request.base_url)))


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
    _require_successful(context, job_id)
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
    """The file as it is, whole or in ranges."""
    _require_successful(context, job_id)
    asset = context.stores.results.asset(job_id, name)
    if asset is None:
        raise UnknownOutputError(f"the results of job {job_id} have no asset {name!r}")
    return stored_file(request, asset.path, asset.media_type)


def _require_successful(context: Context, job_id: str) -> None:
    record = context.stores.jobs.get(job_id)
    if record is None:
        raise UnknownJobError(f"there is no job {job_id!r}")
    if record.error is not None:
        raise FailedJobError(record.error)
    if record.status is not JobStatus.SUCCESSFUL:
        raise ResultNotReadyError(f"job {job_id} is {record.status} and has no results")


def _linked(document: dict[str, Any], job_id: str, base: str) -> dict[str, Any]:
    """The document with URLs for its files, which name themselves only, and for its model."""
    assets = {
        name: {**facts, "href": f"{base}jobs/{job_id}/results/{name}"} for name, facts in document["assets"].items()
    }
    linked = {**document, "assets": assets, "model": _with_link(document["model"], base)}
    if comparison := document.get("comparison"):
        answers = [{**answer, "model": _with_link(answer["model"], base)} for answer in comparison["answers"]]
        linked["comparison"] = {**comparison, "answers": answers}
    return linked


def _with_link(model: dict[str, Any] | None, base: str) -> dict[str, Any] | None:
    return None if model is None else {**model, "links": [{"rel": "item", "href": f"{base}models/{model['id']}"}]}
