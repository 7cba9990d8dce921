"""The bodies of ``POST /unmix`` beside multipart/form-data: a file as it is, and JSON with mixtures or addresses."""

import asyncio
from collections.abc import Callable, Mapping
from contextlib import closing
from pathlib import Path
from urllib.parse import parse_qsl

from fastapi import Request
from python_multipart.multipart import parse_options_header
from starlette.requests import ClientDisconnect

from service.context import Context
from service.errors import (
    MalformedUploadError,
    ServiceBusyError,
    UploadContentTypeError,
    UploadFieldError,
    UploadTooLargeError,
)
from service.hashed_files import HashedFile
from service.outbound.references import with_references
from service.uploads import FILE, JSON_BODY, SUBMITTED_FIELDS, Body, Fields, Receiver, Upload, receive, safe_name
from unmixing.io.formats.table import FORMATS

JSON = "application/json"
MULTIPART = "multipart/form-data"
FILE_NAMES: Mapping[str, str] = {
    "application/octet-stream": "scene",
    **{media_type: row.file_name for row in FORMATS for media_type in row.media_types},
}
"""Content types of a file as it is, and the name it gets without the query ``filename``."""

RETRY_AFTER_SECONDS = 10

MAX_JSON_BYTES = 64 * 2**20
"""JSON is parsed whole, in memory; larger matrices come as files."""


class FileBody:
    """A file that is the whole body, written to ``folder / name`` as it arrives."""

    def __init__(self, folder: Path, name: str, fields: Fields) -> None:
        self._file, self._fields = HashedFile(folder / safe_name(name)), fields

    def write(self, data: bytes) -> None:
        self._file.write(data)

    def result(self) -> Upload:
        digest = self._file.result()
        if not self._file.n_bytes:
            raise UploadFieldError("the body is empty: the scene, or the mixture matrix, is missing")
        return Upload(self._fields.values, {FILE: {self._file.path.name: digest}})

    def close(self) -> None:
        self._file.close()


class JsonBody:
    """Mixtures as JSON, kept as they arrive in ``folder``: they are parsed where uploads are read."""

    def __init__(self, folder: Path, fields: Fields) -> None:
        self._fields = fields
        self._file = (folder / JSON_BODY).open("xb")
        self._n_bytes = 0

    def write(self, data: bytes) -> None:
        self._n_bytes += len(data)
        if self._n_bytes > MAX_JSON_BYTES:
            raise UploadTooLargeError(f"the JSON is larger than {MAX_JSON_BYTES} bytes; send the mixtures as a file")
        self._file.write(data)

    def result(self) -> Upload:
        self._file.close()
        return Upload(self._fields.values, {}, JSON_BODY)

    def close(self) -> None:
        self._file.close()


async def received(
    request: Request, folder: Path, context: Context, known_fields: frozenset[str] = SUBMITTED_FIELDS
) -> Upload:
    """The upload in the body and the query of ``request``, its files in ``folder``, those that it names by reference
    too. known_fields: names of the plain fields there may be.

    Raises UploadTooLargeError, MalformedUploadError, UploadContentTypeError, UploadFieldError, ReferenceRefusedError,
    ReferenceUnavailableError.
    """
    max_bytes = context.max_upload_bytes
    content_type, query = request.headers.get("content-type", ""), query_of(request.scope["query_string"])
    upload = await streamed(request, lambda: body_of(content_type, query, folder, known_fields), max_bytes)
    return await with_references(upload, folder, known_fields, context.references, max_bytes)


async def streamed(request: Request, receiver_of: Callable[[], Body[Upload]], max_bytes: int) -> Upload:
    """The body of ``request``, as it arrives, in the receiver that ``receiver_of`` makes.

    Raises ServiceBusyError, UploadTooLargeError, MalformedUploadError, and what the receiver raises.
    """
    slots: asyncio.Semaphore = request.app.state.upload_slots
    if slots.locked():
        raise ServiceBusyError("as many uploads arrive as may at the same time; try again shortly", RETRY_AFTER_SECONDS)
    announced = request.headers.get("content-length", "")
    if announced.isdecimal() and int(announced) > max_bytes:  # before a byte is read; the bytes are counted too
        raise UploadTooLargeError(f"the upload has {announced} bytes; {max_bytes} is the limit set here")
    async with slots:
        with closing(receiver_of()) as receiver:
            return await _all_of(request, receiver, max_bytes)


async def _all_of(request: Request, receiver: Body[Upload], max_bytes: int) -> Upload:
    try:
        return await receive(request.stream(), receiver, max_bytes)
    except ClientDisconnect:
        raise MalformedUploadError("the connection ended before the upload did") from None


def body_of(
    content_type: str, query: list[tuple[str, str]], folder: Path, known_fields: frozenset[str]
) -> Body[Upload]:
    """The receiver of a body of this type. query: fields of the request too. known_fields: names of those there are.

    Raises UploadContentTypeError, MalformedUploadError, UploadFieldError.
    """
    kind, options = parse_options_header(content_type)
    name, fields = "", Fields(known_fields)
    for key, value in query:
        if key == "filename":
            name = value
        else:
            fields.add(key, value)
    known = kind.decode("latin-1").lower()
    if known == MULTIPART:
        return Receiver(_boundary(content_type, options), folder, fields)
    if known == JSON:
        return JsonBody(folder, fields)
    if known in FILE_NAMES:
        return FileBody(folder, name or FILE_NAMES[known], fields)
    types = ", ".join([MULTIPART, JSON, *FILE_NAMES])
    raise UploadContentTypeError(f"the Content-Type is {content_type!r}; it has to be one of: {types}")


def query_of(query_string: bytes) -> list[tuple[str, str]]:
    """The parameters of a query. Raises UploadFieldError when they are not text; the framework would replace
    characters silently."""
    try:
        return parse_qsl(query_string.decode("ascii"), keep_blank_values=True, errors="strict")
    except ValueError as error:  # not ASCII, percent-encoded bytes that are not UTF-8, or thousands of parameters
        raise UploadFieldError(f"the query is not UTF-8 text: {error}") from None


def _boundary(content_type: str, options: Mapping[bytes, bytes]) -> bytes:
    if not options.get(b"boundary"):
        raise MalformedUploadError(f"the Content-Type {content_type!r} names no boundary")
    return options[b"boundary"]
