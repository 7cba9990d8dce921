"""Stored files over HTTP: Range, HEAD and ETag come with Starlette, problems instead of plain text do not."""

from pathlib import Path
from typing import Any

from fastapi.responses import FileResponse, Response
from starlette.datastructures import Headers
from starlette.requests import Request
from starlette.types import Message, Receive, Scope, Send

from service.errors import TABLE, RangeNotSatisfiableError
from service.openapi import Responses, problems
from service.problems import problem_of, respond
from unmixing.io.products.report import HTML


def file_responses(*media_types: str) -> Responses:
    """The responses of a route that answers with a stored file. media_types: which it may have, ranges included."""
    content: dict[str, Any] = {media_type: {} for media_type in media_types}
    return {
        200: {"description": "The file.", "content": content},
        206: {"description": "The bytes asked for with Range.", "content": content},
        304: {"description": "The file is the one that If-None-Match names."},
        **problems(404, 416, 422, 500, 503),
    }


REPORT_POLICY = "default-src 'none'; img-src data:; style-src 'unsafe-inline'; frame-ancestors 'none'; sandbox"
"""Of a page that a job made, names from files of strangers in it: it is looked at, and does nothing."""


class StoredFile(FileResponse):
    """A file that never changes. Refused ranges are answered with a problem."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        refused = False

        async def send_unless_refused(message: Message) -> None:
            nonlocal refused
            if message["type"] == "http.response.start" and message["status"] in (400, 416):
                refused = True
                await _refusal(scope, message)(scope, receive, send)
            elif not refused:
                await send(message)

        await super().__call__(scope, receive, send_unless_refused)


def stored_file(request: Request, path: Path, media_type: str) -> Response:
    """The file, or 304 when the caller has it already."""
    response = StoredFile(path, media_type=media_type, stat_result=path.stat())
    if media_type == HTML:
        response.headers["Content-Security-Policy"] = REPORT_POLICY
    etag = response.headers["etag"]
    known = request.headers.get("if-none-match", "").split(",")
    if etag in (tag.strip().removeprefix("W/") for tag in known):
        return Response(status_code=304, headers={"etag": etag})
    return response


def _refusal(scope: Scope, refused: Message) -> Response:
    asked = Headers(scope=scope).get("range")
    problem = problem_of(TABLE[RangeNotSatisfiableError], f"the range {asked!r} cannot be served", scope["path"])
    kept = {name.decode(): value.decode() for name, value in refused["headers"] if name == b"content-range"}
    return respond(problem, kept)
