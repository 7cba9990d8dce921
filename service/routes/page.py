"""The page that browsers get at ``/``, and its files."""

from http import HTTPStatus
from pathlib import Path

from fastapi import Request, Response
from fastapi.responses import FileResponse
from starlette.exceptions import HTTPException

from service.context import Context
from service.page.bundle import MEDIA_TYPES, Bundle, best_encoding, why_missing
from service.page.plain import N_JOBS, plain_page
from service.router import Router

HTML = "text/html"
FOR_EVER = "public, max-age=31536000, immutable"

POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; connect-src 'self'; "
    "worker-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
)
PLAIN_POLICY = (
    "default-src 'none'; style-src 'unsafe-inline'; img-src 'self' data:; form-action 'self'; frame-ancestors 'none'"
)

router = Router(include_in_schema=False)


def prefers_html(accept: str) -> bool:
    """Whether whoever sends this ``Accept`` header names HTML, and nothing that JSON is more welcome than.

    >>> prefers_html("text/html,application/xhtml+xml,*/*;q=0.8"), prefers_html("*/*"), prefers_html("application/json")
    (True, False, False)
    """
    html, json = _quality(accept, HTML), _quality(accept, "application/json")
    return html > 0 and html >= json


def _quality(accept: str, media_type: str) -> float:
    """How welcome a media type is that is named, 0 for one that is not."""
    for part in accept.lower().split(","):
        name, *parameters = (piece.strip() for piece in part.split(";"))
        if name == media_type:
            weights = [text.removeprefix("q=") for text in parameters if text.startswith("q=")]
            try:
                return float(weights[0]) if weights else 1.0
            except ValueError:
                return 0.0
    return 0.0


def page_response(request: Request, context: Context) -> Response:
    """The page, or the plain one where no bundle was built."""
    bundle: Bundle | None = request.app.state.bundle
    if bundle is not None:
        headers = {"Cache-Control": "no-cache", "Content-Security-Policy": POLICY, "Vary": "Accept, Accept-Encoding"}
        return _file(request, bundle.index, headers)
    # Everybody gets this page: once there are keys, jobs are shown to those who have one.
    may_see = context.caller.owner is not None or not context.stores.keys.exist
    records = context.stores.jobs.page(None, None, limit=N_JOBS, offset=0)[0] if may_see else []
    headers = {"Cache-Control": "no-store", "Content-Security-Policy": PLAIN_POLICY, "Vary": "Accept"}
    return Response(plain_page(why_missing(), records, context.stores.results), media_type=HTML, headers=headers)


@router.get("/page/{build}/{name}")
def get_page_file(build: str, name: str, request: Request) -> Response:
    """A file of the page. Its address changes with its content, so that nobody need ask again."""
    bundle: Bundle | None = request.app.state.bundle
    if bundle is None or build != bundle.build or name not in bundle.files:
        raise HTTPException(HTTPStatus.NOT_FOUND)
    return _file(request, bundle.files[name], {"Cache-Control": FOR_EVER, "Vary": "Accept-Encoding"})


def _file(request: Request, path: Path, headers: dict[str, str]) -> Response:
    sent, encoding = best_encoding(request.headers.get("accept-encoding", ""), path)
    own = {"X-Content-Type-Options": "nosniff"} | ({"Content-Encoding": encoding} if encoding else {})
    return FileResponse(sent, media_type=MEDIA_TYPES[path.suffix], headers=headers | own, stat_result=sent.stat())
