"""``POST /inspect``: how an input would be read, without computing."""

import base64
from pathlib import Path

from fastapi import Request
from fastapi.responses import JSONResponse

from service.bodies import received
from service.context import ContextArgument
from service.errors import UploadFieldError, UploadReadingError
from service.openapi import inspection_body, problems
from service.reading.readers import Readers
from service.router import Router
from service.schemas.inspections import InspectionDocument
from service.submissions import staging
from unmixing.io.inputs.requests import INSPECTED_FIELDS

MAX_PICTURE_BYTES = 16 * 2**20

router = Router(tags=["unmixing"])


@router.post(
    "/inspect",
    summary="How an input would be read",
    response_description="The report.",
    response_model=InspectionDocument,
    openapi_extra=inspection_body(),
    responses=problems(400, 413, 415, 422, 503, 507),
)
async def inspect_input(request: Request, context: ContextArgument) -> JSONResponse:
    """Upload an image or a mixture matrix as to `POST /unmix` and get at once how it is read: format and array, shape,
    wavelengths, bands and pixels that are left out and why, the range of the numbers, warnings. Nothing is kept.
    """
    async with staging(context) as (_, folder):
        upload = await received(request, folder, context, INSPECTED_FIELDS)
        wanted = _wanted(upload.fields.get("picture", ""))
        readers: Readers = request.app.state.readers
        found = await readers.inspect(folder, upload)
        picture = _encoded(folder / found.picture) if wanted and found.picture is not None else None
    document = found.model_dump(mode="json", include={"warnings", "input"})
    return JSONResponse({**document, "false_colour_png": picture})


def _wanted(text: str) -> bool:
    """Raises UploadFieldError."""
    if text not in ("", "true", "false"):
        raise UploadFieldError(f"picture is {text!r}; it has to be true or false")
    return text == "true"


def _encoded(path: Path) -> str:
    """Raises UploadReadingError for more than a picture can have: a stranger's file was read to make it."""
    if path.stat().st_size > MAX_PICTURE_BYTES:
        raise UploadReadingError("reading the upload gave no picture; a file is damaged")
    return base64.b64encode(path.read_bytes()).decode("ascii")
