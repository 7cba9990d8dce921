"""Uploads: a multipart body goes to disk as it arrives, hashed on the way; memory does not grow with it."""

import asyncio
import hashlib
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, BinaryIO, Protocol, TypeVar

from python_multipart.exceptions import FormParserError
from python_multipart.multipart import MultipartParser, parse_options_header

from service.errors import MalformedUploadError, UploadFieldError, UploadTooLargeError
from unmixing.io.inputs.correction_files import CORRECTIONS
from unmixing.io.inputs.requests import FIELDS
from unmixing.io.inputs.tasks import LIBRARIES

FILE = "file"
FILE_FIELDS = (FILE, *LIBRARIES, *CORRECTIONS)
"""The fields that hold files. Those of the first go into the job's input folder, others into a folder of their own name
below it."""

JSON_BODY, JSON_MIXTURES = "body.json", "mixtures.npy"
"""A body in JSON, and the mixtures that are found in it."""

METHOD, LABEL, WEBHOOK = "method", "label", "webhook"

SUBMITTED_FIELDS = FIELDS | {LABEL, WEBHOOK}
"""The plain fields of a request for a job: those of its work, a label for whoever looks for the job later, and who is
to hear of its end."""

MAX_PARTS = 64
MAX_FIELD_BYTES = 16 * 1024
MAX_NAME_BYTES = 200
CHUNK_BYTES = 1 << 18
"""Bytes are collected up to this before a thread parses, hashes and writes them."""

Result = TypeVar("Result", covariant=True)


@dataclass(frozen=True)
class Upload:
    """A received upload. ``digests``: by field, each file's name and SHA-256. ``body``: the name of the file that holds
    a body in JSON, which has no files."""

    fields: dict[str, str]
    digests: dict[str, dict[str, str]]
    body: str | None = None


class Fields:
    """The plain fields of a request, of those in ``known``, each once; but ``method`` may come several times."""

    def __init__(self, known: frozenset[str], values: Mapping[str, str] | None = None) -> None:
        self.values = dict(values or {})
        self._known = known

    def require(self, name: str) -> None:
        """Raises UploadFieldError for a field that does not exist or is there already."""
        if name not in self._known:
            known = ", ".join([*FILE_FIELDS, *sorted(self._known)])
            raise UploadFieldError(f"unknown field {name!r}; known are {known}")
        if name in self.values and name != METHOD:
            raise UploadFieldError(f"the field {name!r} is given twice")

    def add(self, name: str, value: str) -> None:
        """Raises UploadFieldError as ``require``, and for a value that is too long or no text."""
        self.require(name)
        require_text(value, f"the field {name!r}")
        if len(value) > MAX_FIELD_BYTES:
            raise UploadFieldError(f"the field {name!r} is longer than {MAX_FIELD_BYTES} bytes")
        earlier = self.values.get(name)
        self.values[name] = f"{earlier},{value}" if earlier and value else value or earlier or ""


@dataclass
class _Part:
    """The part being received; ``file`` is None for a plain field."""

    headers: dict[str, bytes] = field(default_factory=dict)
    name: str = ""
    file: BinaryIO | None = None
    digest: "hashlib._Hash" = field(default_factory=hashlib.sha256)
    value: bytearray = field(default_factory=bytearray)


class Receiver:
    """Takes a body piece by piece and writes its files into ``folder`` under their own names; see ``FILE_FIELDS``.

    Plain fields join ``fields``. Raises MalformedUploadError and UploadFieldError. Close it in any case: a part may be
    open.
    """

    def __init__(self, boundary: bytes, folder: Path, fields: Fields) -> None:
        self._folder, self._fields = folder, fields
        self._digests: dict[str, dict[str, str]] = {field: {} for field in FILE_FIELDS}
        self._part = _Part()
        self._header_name, self._header_value = bytearray(), bytearray()
        self._n_parts, self._complete = 0, False
        try:
            self._parser = MultipartParser(
                boundary,
                {
                    "on_part_begin": self._begin,
                    "on_header_field": lambda data, start, end: self._header_name.extend(data[start:end]),
                    "on_header_value": lambda data, start, end: self._header_value.extend(data[start:end]),
                    "on_header_end": self._header,
                    "on_headers_finished": self._open,
                    "on_part_data": self._data,
                    "on_part_end": self._finish,
                    "on_end": self._end,
                },
            )
        except FormParserError as error:
            raise MalformedUploadError(f"the boundary cannot be used: {error}") from error

    def write(self, data: bytes) -> None:
        try:
            self._parser.write(data)
        except FormParserError as error:
            raise MalformedUploadError(f"the body is not valid multipart/form-data: {error}") from error

    def result(self) -> Upload:
        """After the last piece. Raises when the body ended early or held no file."""
        if not self._complete:
            raise MalformedUploadError("the body ends before its closing boundary")
        if not self._digests[FILE]:
            raise UploadFieldError(f"no part named {FILE!r}: the scene, or the mixture matrix, is missing")
        return Upload(self._fields.values, self._digests)

    def close(self) -> None:
        if self._part.file is not None:
            self._part.file.close()

    def _begin(self) -> None:
        self._n_parts += 1
        if self._n_parts > MAX_PARTS:
            raise UploadFieldError(f"more than {MAX_PARTS} parts")
        self._part = _Part()

    def _header(self) -> None:
        self._part.headers[self._header_name.decode("latin-1").lower()] = bytes(self._header_value)
        self._header_name.clear()
        self._header_value.clear()

    def _open(self) -> None:
        disposition, options = parse_options_header(self._part.headers.get("content-disposition"))
        if disposition != b"form-data" or b"name" not in options:
            raise MalformedUploadError("a part without 'Content-Disposition: form-data' and a name")
        self._part.name = _text(options[b"name"], "a part's name")
        is_file = self._part.name in self._digests and (self._part.name not in FIELDS or b"filename" in options)
        if is_file:
            self._part.file = self._create(options.get(b"filename", b""))
        else:
            self._fields.require(self._part.name)

    def _create(self, raw_name: bytes) -> BinaryIO:
        part = self._part.name
        name = safe_name(_text(raw_name, "a file name"), part)
        folder = self._folder if part == FILE else self._folder / part
        try:
            folder.mkdir(exist_ok=True)
            return (folder / name).open("xb")
        except FileExistsError:
            raise UploadFieldError(f"two files are named {name!r}") from None

    def _data(self, data: bytes, start: int, end: int) -> None:
        piece = data[start:end]
        if self._part.file is not None:
            self._part.file.write(piece)
            self._part.digest.update(piece)
            return
        self._part.value += piece
        if len(self._part.value) > MAX_FIELD_BYTES:
            raise UploadFieldError(f"the field {self._part.name!r} is longer than {MAX_FIELD_BYTES} bytes")

    def _finish(self) -> None:
        if self._part.file is None:
            self._fields.add(self._part.name, _text(bytes(self._part.value), self._part.name))
        else:
            self._part.file.close()
            self._digests[self._part.name][Path(self._part.file.name).name] = self._part.digest.hexdigest()

    def _end(self) -> None:
        self._complete = True


class Body(Protocol[Result]):
    """Takes a body piece by piece; ``result`` after the last one. Close it in any case."""

    def write(self, data: bytes) -> None: ...
    def result(self) -> Result: ...
    def close(self) -> None: ...


async def receive(body: AsyncIterator[bytes], receiver: Body[Result], max_bytes: int) -> Result:
    """Feed ``body`` to ``receiver`` in a thread, in chunks. Raises UploadTooLargeError past ``max_bytes``."""
    total, waiting = 0, bytearray()
    async for piece in body:
        total += len(piece)
        if total > max_bytes:
            raise UploadTooLargeError(f"the upload is larger than {max_bytes} bytes, the limit set here")
        waiting += piece
        if len(waiting) >= CHUNK_BYTES:
            await asyncio.to_thread(receiver.write, bytes(waiting))
            waiting.clear()
    await asyncio.to_thread(receiver.write, bytes(waiting))
    return receiver.result()


_HINTS = {"endmembers": " (it is a spectral library; how many there are is the field n_endmembers)"}
"""By field, what else may have been meant by a part that is no file."""


def safe_name(name: str, part: str = FILE) -> str:
    """The last component of a client's file name. Raises UploadFieldError when nothing usable is left."""
    base = name.replace("\\", "/").rsplit("/", 1)[-1].strip()
    if base in ("", ".", "..") or not base.isprintable():
        raise UploadFieldError(
            f"the part {part!r} needs a file name; got {name[:MAX_NAME_BYTES]!r}{_HINTS.get(part, '')}"
        )
    if len(base.encode()) > MAX_NAME_BYTES:
        raise UploadFieldError(f"the file name {base[:40]!r}... is longer than {MAX_NAME_BYTES} bytes")
    return base


def require_text(value: str, what: str) -> None:
    """Raises UploadFieldError for what cannot be written as UTF-8, and for the character 0, which ends texts elsewhere.
    JSON can hold both."""
    if "\0" in value or any("\ud800" <= character <= "\udfff" for character in value):
        raise UploadFieldError(f"{what} is no valid Unicode text: {value[:40]!r}")


def plain_text(name: str, value: Any) -> str:
    """A value of JSON as a form would have it. Raises UploadFieldError for lists and objects."""
    if isinstance(value, bool):
        return str(value).lower()
    if value is None or isinstance(value, str | int | float):
        return "" if value is None else str(value)
    raise UploadFieldError(f"the field {name!r} has to be text, a number, true or false; it is {str(value)[:40]}")


def _text(raw: bytes, what: str) -> str:
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError:
        raise UploadFieldError(f"{what} is not UTF-8 text: {raw[:40]!r}") from None
