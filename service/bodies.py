"""The bodies of ``POST /unmix`` beside multipart/form-data: a file as it is, and mixtures as JSON."""

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from python_multipart.multipart import parse_options_header

from service.errors import MalformedUploadError, UploadContentTypeError, UploadFieldError, UploadTooLargeError
from service.uploads import FILE, Body, Fields, Receiver, Upload, safe_name
from unmixing.errors import SceneFormatError
from unmixing.io.formats.table import FORMATS
from unmixing.io.inputs.input_kind import InputKind
from unmixing.io.inputs.mixtures import MIXTURES
from unmixing.io.inputs.requests import FIELDS

JSON = "application/json"
MULTIPART = "multipart/form-data"
FILE_NAMES: Mapping[str, str] = {
    "application/octet-stream": "scene",
    **{media_type: row.file_name for row in FORMATS for media_type in row.media_types},
}
"""Content types of a file as it is, and the name it gets without the query ``filename``."""

MAX_JSON_BYTES = 64 * 2**20
"""JSON is parsed whole, in memory; larger matrices come as files."""


class FileBody:
    """A file that is the whole body, written to ``folder / name`` as it arrives."""

    def __init__(self, folder: Path, name: str, fields: Fields) -> None:
        self._name, self._fields = safe_name(name), fields
        self._file = (folder / self._name).open("xb")
        self._digest = hashlib.sha256()
        self._n_bytes = 0

    def write(self, data: bytes) -> None:
        self._file.write(data)
        self._digest.update(data)
        self._n_bytes += len(data)

    def result(self) -> Upload:
        self._file.close()
        if not self._n_bytes:
            raise UploadFieldError("the body is empty: the scene, or the mixture matrix, is missing")
        return Upload(self._fields.given, {FILE: [self._digest.hexdigest()]})

    def close(self) -> None:
        self._file.close()


class JsonBody:
    """``{"mixtures": [[...], ...], "n_sources": 4, ...}``: one list per sample, beside it the fields of a request."""

    def __init__(self, folder: Path, fields: Fields) -> None:
        self._path, self._fields = folder / "mixtures.npy", fields
        self._text = bytearray()

    def write(self, data: bytes) -> None:
        self._text += data
        if len(self._text) > MAX_JSON_BYTES:
            raise UploadTooLargeError(f"the JSON is larger than {MAX_JSON_BYTES} bytes; send the mixtures as a file")

    def result(self) -> Upload:
        try:
            document = json.loads(self._text)
        except (ValueError, RecursionError) as error:
            raise MalformedUploadError(f"the body is not valid JSON: {error}") from error
        if not isinstance(document, dict) or MIXTURES.names[0] not in document:
            raise UploadFieldError('the body has to be a JSON object with "mixtures": [[...], ...]')
        mixtures = _matrix(document.pop(MIXTURES.names[0]))
        for name, value in document.items():
            self._fields.add(name, _plain(name, value))
        self._fields.given.setdefault("kind", InputKind.MIXTURES)
        np.save(self._path, mixtures)
        return Upload(self._fields.given, {FILE: [hashlib.sha256(mixtures.tobytes()).hexdigest()]})

    def close(self) -> None:
        self._text.clear()


def body_of(content_type: str, query: list[tuple[str, str]], folder: Path) -> Body:
    """What takes a body of this type. query: fields of the request too. Raises UploadContentTypeError,
    MalformedUploadError, UploadFieldError."""
    kind, options = parse_options_header(content_type)
    name, fields = "", Fields(FIELDS)
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


def _boundary(content_type: str, options: Mapping[bytes, bytes]) -> bytes:
    if not options.get(b"boundary"):
        raise MalformedUploadError(f"the Content-Type {content_type!r} names no boundary")
    return options[b"boundary"]


def _matrix(rows: Any) -> np.ndarray[Any, Any]:
    """Lists of numbers of one length as float64. Raises SceneFormatError that says where they are not."""
    if not isinstance(rows, list) or not rows or not all(isinstance(row, list) and row for row in rows):
        raise SceneFormatError('"mixtures" has to be a list of lists of numbers, one per sample, none of them empty')
    for number, row in enumerate(rows):
        if len(row) != len(rows[0]):
            raise SceneFormatError(f"mixtures: row {number} has {len(row)} numbers, row 0 has {len(rows[0])}")
        for column, value in enumerate(row):
            if not isinstance(value, int | float) or isinstance(value, bool):
                raise SceneFormatError(
                    f"mixtures: row {number}, column {column} holds {value!r:.40}, which is no number"
                )
    try:
        return np.array(rows, dtype=np.float64)
    except OverflowError as error:
        raise SceneFormatError(f"mixtures: a number is too large ({error})") from error


def _plain(name: str, value: Any) -> str:
    """A field as a form has it."""
    if isinstance(value, bool):
        return str(value).lower()
    if value is None or isinstance(value, str | int | float):
        return "" if value is None else str(value)
    raise UploadFieldError(f"the field {name!r} has to be text, a number, true or false; it is {str(value)[:40]}")
