"""Routes about the service itself, for callers and orchestrators."""

import tempfile
from http import HTTPStatus
from pathlib import Path
from typing import Annotated, Literal

from fastapi import Query, Request, Response
from fastapi.responses import JSONResponse
from redis.exceptions import RedisError
from starlette.exceptions import HTTPException

from service.context import ContextArgument
from service.errors import TABLE
from service.ogc.routes import landing_links
from service.openapi import problems
from service.queues import APPLY, QUEUES, TRAIN
from service.router import Router
from service.routes.page import HTML, page_response, prefers_html
from service.routes.parameters import ProblemName
from service.schemas.about import Landing, ProblemKind, Readiness
from service.schemas.links import Link

router = Router(tags=["service"])

JOBS = {TRAIN: "jobs that train a network", APPLY: "jobs without a training"}
"""The jobs of each queue, in words."""


@router.get(
    "/",
    summary="Where things are",
    response_description="The links, or the page.",
    response_model=Landing,
    responses={200: {"content": {HTML: {}}}, **problems(422, 503)},
)
def get_landing(
    request: Request,
    context: ContextArgument,
    f: Annotated[Literal["json", "html"] | None, Query(description="The form, whatever `Accept` says.")] = None,
) -> Response:
    """Links to everything else. Browsers, which ask for HTML, get the page instead."""
    if f == "html" or (f is None and prefers_html(request.headers.get("accept", ""))):
        return page_response(request, context)
    base = str(request.base_url)
    landing = Landing(
        title=request.app.title,
        description=request.app.description,
        links=[
            Link(href=base, rel="self"),
            Link(href=f"{base}?f=html", rel="alternate", type=HTML, title="The page"),
            Link(href=f"{base}docs", rel="service-doc", type=HTML),
            Link(href=f"{base}openapi.json", rel="service-desc", type="application/vnd.oai.openapi+json"),
            Link(href=f"{base}models", rel="collection", title="Trained models"),
            Link(href=f"{base}methods", rel="collection", title="Methods"),
            *landing_links(base),
        ],
    )
    return JSONResponse(landing.model_dump(), headers={"Vary": "Accept"})


@router.get("/livez", summary="Is the process alive?", response_description="It is.")
async def get_liveness() -> dict[str, str]:
    """Asks nobody else, and waits for no thread: a service that waits for its queue should not be restarted."""
    return {"status": "ok"}


@router.get(
    "/readyz",
    summary="Can it do its work?",
    response_description="It can.",
    response_model=Readiness,
    responses={503: {"model": Readiness, "description": "It cannot; `checks` says why."}},
)
def get_readiness(context: ContextArgument) -> Response:
    """503 when the queue or the data folder cannot be used. The number of workers is told, and 0 is no
    failure: uploads are accepted and wait. `missing` says the same in words."""
    checks: dict[str, str | int] = {"data": _check_data(context.settings.data)}
    missing = [] if checks["data"] == "ok" else [f"the data folder is {checks['data']}"]
    try:
        workers = context.queue.workers()
        checks |= {"workers": len(workers), "queue": "ok"}
        served = {name for worker in workers for name in worker.queues}
        unserved = [name for name in QUEUES if name not in served]
        missing += [f"no worker serves the queue `{name}`: {JOBS[name]} wait" for name in unserved]
    except RedisError:
        checks["queue"] = "does not answer"
        missing.append("the queue (Redis) does not answer")
    is_ready = checks["data"] == checks["queue"] == "ok"
    return JSONResponse({"ready": is_ready, "checks": checks, "missing": missing}, 200 if is_ready else 503)


@router.get(
    "/problems/{name}",
    summary="What a kind of problem means",
    response_description="Its meaning.",
    responses=problems(404, 422),
)
def get_problem_kind(name: ProblemName) -> ProblemKind:
    """Every `type` of this service's problems leads here."""
    for error, row in TABLE.items():
        if row.type == name:
            meaning = (error.__doc__ or "").strip()
            return ProblemKind(type=f"/problems/{name}", title=row.title, status=row.status, meaning=meaning)
    raise HTTPException(HTTPStatus.NOT_FOUND)


def _check_data(folder: Path) -> str:
    try:
        with tempfile.TemporaryFile(dir=folder) as file:
            file.write(b"ready")
    except OSError as error:
        return f"not writable: {error.strerror}"
    return "ok"
