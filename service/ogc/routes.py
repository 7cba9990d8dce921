"""The routes of OGC API - Processes that are not those of jobs."""

from typing import Annotated

from fastapi import Path, Query, Request, Response
from fastapi.responses import JSONResponse

from service.context import ContextArgument
from service.errors import UnknownProcessError
from service.ogc.descriptions import description_of, summary_of
from service.ogc.execution import execute
from service.ogc.openapi_30 import MEDIA_TYPE, openapi_30
from service.ogc.processes import PROCESSES, Process
from service.ogc.schemas import Conformance, ProcessDescription, ProcessList, execute_body
from service.openapi import IDEMPOTENCY_KEY, problems
from service.router import Router
from service.schemas.jobs import JobDocument
from service.schemas.links import Link

ProcessId = Annotated[str, Path(description="`id` of a process.", examples=["unmix"])]

router = Router(tags=["OGC API - Processes"])

REL = "http://www.opengis.net/def/rel/ogc/1.0/"
_CLASS = "http://www.opengis.net/spec/ogcapi-processes-1/1.0/conf/"
CONFORMANCE = tuple(
    _CLASS + name for name in ("core", "ogc-process-description", "json", "oas30", "job-list", "callback", "dismiss")
)

_EXAMPLE = {"inputs": {"file": {"href": "https://example.org/scene.tif"}, "n_endmembers": 4}}
_VALUES = {"type": "object", "description": "Outputs by id: values, qualified values and links."}


def landing_links(base: str) -> list[Link]:
    """Those of the landing page. base: URL of the service, with a slash at its end."""
    return [
        Link(href=f"{base}api", rel="service-desc", type=MEDIA_TYPE),
        Link(href=f"{base}conformance", rel=f"{REL}conformance"),
        Link(href=f"{base}conformance", rel="conformance"),
        Link(href=f"{base}processes", rel=f"{REL}processes"),
        Link(href=f"{base}jobs", rel=f"{REL}job-list"),
    ]


@router.get(
    "/conformance",
    summary="Which parts of the standard are kept",
    response_description="The classes.",
)
def get_conformance() -> Conformance:
    """The conformance classes of OGC API - Processes, Part 1, version 1.0."""
    return Conformance(conformsTo=list(CONFORMANCE))


@router.get(
    "/api",
    summary="The OpenAPI document in version 3.0",
    response_class=Response,
    responses={200: {"description": "The document.", "content": {MEDIA_TYPE: {"schema": {"type": "object"}}}}},
)
def get_openapi_30(request: Request) -> Response:
    """As `/openapi.json`, which is in version 3.1."""
    return JSONResponse(openapi_30(request.app.openapi()), media_type=MEDIA_TYPE)


@router.get("/processes", summary="All processes", response_description="The processes.", responses=problems(422))
def list_processes(
    request: Request,
    limit: Annotated[int, Query(ge=1, le=1000, description="How many at most.")] = 10,
) -> ProcessList:
    """Everything that can be executed, without inputs and outputs."""
    base = str(request.base_url)
    rows = list(PROCESSES.values())[:limit]
    return ProcessList.model_validate(
        {"processes": [summary_of(row, base) for row in rows], "links": [{"href": f"{base}processes", "rel": "self"}]}
    )


@router.get(
    "/processes/{process_id}",
    summary="One process",
    response_description="The process.",
    response_model=ProcessDescription,
    responses=problems(404, 422),
)
def get_process(process_id: ProcessId, request: Request) -> Response:
    """Its inputs and outputs, each with the JSON Schema of its values."""
    return JSONResponse(description_of(_process(process_id), str(request.base_url)))


@router.post(
    "/processes/{process_id}/execution",
    summary="Execute a process",
    response_class=Response,
    openapi_extra={**execute_body(_EXAMPLE), "parameters": [IDEMPOTENCY_KEY]},
    responses={
        200: {
            "description": "The outputs, of a process that was waited for: a document with all of them, one as it is, "
            "or several in parts.",
            "content": {
                "application/json": {"schema": _VALUES}, "multipart/related": {}, "text/plain": {}, "image/*": {},
                "text/csv": {}, "application/*": {},
            },
        },
        201: {"model": JobDocument, "description": "The job; follow `Location`."},
        204: {"description": "The outputs are links, in the header `Link`."},
        **problems(400, 404, 413, 415, 422, 500, 503, 504, 507),
    },
)  # fmt: skip
async def execute_process(process_id: ProcessId, request: Request, context: ContextArgument) -> Response:
    """Send the inputs by value or by reference. Processes that cannot be waited for become jobs; one that can be either
    becomes a job when asked to, with `Prefer: respond-async`. A `subscriber` is told how the job goes on."""
    return await execute(request, context, _process(process_id))


def _process(process_id: str) -> Process:
    found = PROCESSES.get(process_id)
    if found is None:
        raise UnknownProcessError(f"there is no process {process_id!r}; there are {', '.join(PROCESSES)}")
    return found
