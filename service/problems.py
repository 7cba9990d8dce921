"""Errors on the wire: RFC 9457 problem details, and nothing else, whatever went wrong."""

import logging
from collections.abc import Mapping, Sequence
from http import HTTPStatus

from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from fastapi.routing import APIRoute
from pydantic import BaseModel, Field
from redis.exceptions import RedisError
from starlette.exceptions import HTTPException
from starlette.routing import Match

from model_store.errors import NO_ROOM, QueueUnavailableError, StorageFullError, is_storage_full
from model_store.records import JobError
from service.errors import ROOTS, TABLE, FailedJobError, Row, ServiceError, row_named, row_of

logger = logging.getLogger(__name__)


class Problem(BaseModel):
    """A problem (RFC 9457). ``detail`` names the argument and the values."""

    type: str = Field(description="URI of the kind of problem.", examples=["/problems/band-mismatch"])
    title: str = Field(description="The kind of problem in words.", examples=["Another number of bands"])
    status: int = Field(description="The HTTP status.", examples=[422])
    detail: str = Field(
        description="What was wrong with this request.",
        examples=["the model works on 224 bands; the scene has 198"],
    )
    instance: str | None = Field(None, description="Path of the request.", examples=["/unmix"])


class ProblemResponse(JSONResponse):
    media_type = "application/problem+json"


def problem_of(row: Row, detail: str, instance: str | None = None) -> Problem:
    uri = row.type if "/" in row.type else f"/problems/{row.type}"
    return Problem(type=uri, title=row.title, status=row.status, detail=detail, instance=instance)


def job_problem(error: JobError) -> Problem:
    """The problem that made a job fail."""
    return problem_of(row_named(error.kind), error.detail)


def respond(problem: Problem, headers: Mapping[str, str] | None = None) -> ProblemResponse:
    return ProblemResponse(problem.model_dump(exclude_none=True), problem.status, headers=headers)


def install(app: FastAPI) -> None:
    """Make every error of ``app`` a problem."""
    for root in ROOTS:
        app.add_exception_handler(root, _on_known)
    app.add_exception_handler(RedisError, _on_redis)
    app.add_exception_handler(OSError, _on_os)
    app.add_exception_handler(HTTPException, _on_http)
    app.add_exception_handler(RequestValidationError, _on_invalid)
    app.add_exception_handler(Exception, _on_unknown)


async def _on_known(request: Request, error: Exception) -> ProblemResponse:
    return known_problem(request, error)


def known_problem(request: Request, error: Exception) -> ProblemResponse:
    """The answer for an error of the table."""
    row = row_named(error.error.kind) if isinstance(error, FailedJobError) else row_of(type(error))
    headers = error.headers if isinstance(error, ServiceError) else None
    return respond(problem_of(row, str(error), request.url.path), headers)


async def _on_redis(request: Request, error: Exception) -> ProblemResponse:
    logger.error("Redis: %s", error)
    row = TABLE[QueueUnavailableError]
    return respond(problem_of(row, "the job queue does not answer; try again shortly", request.url.path))


async def _on_os(request: Request, error: Exception) -> ProblemResponse:
    if not is_storage_full(error):
        logger.error("%s %s failed", request.method, request.url.path, exc_info=error)
        return await _on_unknown(request, error)
    logger.error("the disk of the data folder is full")
    row = TABLE[StorageFullError]
    return respond(problem_of(row, NO_ROOM, request.url.path))


async def _on_http(request: Request, error: Exception) -> Response:
    """Refusals of the framework itself: no such path, a method that a path does not know. OPTIONS, which no route
    knows, is answered with the methods that there are."""
    assert isinstance(error, HTTPException)
    detail = f"{request.method} {request.url.path}: {error.detail}"
    headers = dict(error.headers or {})
    if error.status_code == HTTPStatus.METHOD_NOT_ALLOWED:
        headers["Allow"] = ", ".join(_methods(request))
        if request.method == "OPTIONS":
            return Response(status_code=HTTPStatus.NO_CONTENT, headers=headers)
    return respond(_plain(error.status_code, detail, request.url.path), headers)


def _methods(request: Request) -> list[str]:
    """All methods that the path knows; the framework itself names those of the first route only."""
    routes: Sequence[APIRoute] = request.app.state.routes
    matching = [route for route in routes if route.matches(request.scope)[0] is not Match.NONE]
    return sorted({"OPTIONS", *(method for route in matching for method in route.methods or ())})


async def _on_invalid(request: Request, error: Exception) -> ProblemResponse:
    assert isinstance(error, RequestValidationError)
    detail = "; ".join(
        f"{'.'.join(str(part) for part in item['loc'][1:])}: {item['msg']} (got {item['input']!r})"
        for item in error.errors()
    )
    return respond(_plain(422, detail, request.url.path))


async def _on_unknown(request: Request, error: Exception) -> ProblemResponse:
    # Its text may hold paths or worse, and goes to the log alone: the server logs what passes here.
    detail = "something unforeseen happened; it stands in the service's log"
    return respond(_plain(500, detail, request.url.path))


def _plain(status: int, detail: str, instance: str) -> Problem:
    return Problem(type="about:blank", title=HTTPStatus(status).phrase, status=status, detail=detail, instance=instance)
