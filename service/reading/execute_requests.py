"""Execute requests of OGC API - Processes, ``{"inputs": {"file": {"href": "https://..."}, "n_endmembers": 4}}``."""

import base64
import binascii
import json
import math
import mimetypes
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from model_store.records import Execution
from service.errors import ExecuteRequestError
from service.reading.json_mixtures import matrix_of
from service.reading.messages import InputValue, ReadExecution, Subscriber
from service.uploads import FILE, JSON_MIXTURES
from unmixing.io.formats.table import FORMATS
from unmixing.io.inputs.tasks import LIBRARIES

MASK = "mask"
BINARY_INPUTS = (FILE, *LIBRARIES, MASK)
"""Inputs that are files, whatever way their values come."""

_NAMES = {media_type: row.file_name for row in FORMATS for media_type in row.media_types}
_GEOJSON = "application/geo+json"
_URL = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:")
"""No base64 begins so: it has no colon."""


class _Output(BaseModel):
    transmissionMode: str | None = None


class _Document(BaseModel):
    """An execute request; members that other versions of the standard add are none of our business."""

    model_config = ConfigDict(extra="ignore")

    inputs: dict[str, Any] = Field(default_factory=dict)
    outputs: dict[str, _Output] | None = None
    response: str | None = None
    subscriber: dict[str, str] | None = None


def unpack_execution(folder: Path, body: str) -> ReadExecution:
    """The request in ``folder / body``; the body is removed, and its binary inputs are written beside it, where an
    upload with these fields would have them. Raises ExecuteRequestError, SceneFormatError.
    """
    try:
        parsed = json.loads((folder / body).read_bytes())
    except (ValueError, RecursionError) as error:
        raise ExecuteRequestError(f"the body is not valid JSON: {error}") from None
    if not isinstance(parsed, dict):
        raise ExecuteRequestError('the body has to be a JSON object: {"inputs": {...}}')
    (folder / body).unlink()
    try:
        document = _Document.model_validate(parsed)
        execution = Execution.model_validate(
            {
                "process": "",
                "outputs": document.outputs
                and {name: output.transmissionMode for name, output in document.outputs.items()},
                "response": document.response,
            }
        )
        inputs = {name: _values(folder, name, given) for name, given in document.inputs.items()}
        subscriber = Subscriber.model_validate(document.subscriber or {})
        return ReadExecution(inputs=inputs, execution=execution, subscriber=subscriber)
    except ValidationError as error:
        problem = error.errors()[0]
        where = ".".join(str(part) for part in problem["loc"])
        raise ExecuteRequestError(f"{where}: {problem['msg']} (got {problem['input']!r:.100})") from None


def _values(folder: Path, name: str, given: Any) -> tuple[InputValue, ...]:
    if name not in BINARY_INPUTS:
        value = _unqualified(given)
        # The answer to the service is JSON, which would turn them into nothing.
        for item in value if isinstance(value, list) else [value]:
            if isinstance(item, float) and not math.isfinite(item):
                raise ExecuteRequestError(f"{name} is {item}, which is no number in JSON")
        return (InputValue(value=value),)
    items = given if isinstance(given, list) and not _is_matrix(given) else [given]
    return tuple(_file(folder, name, item) for item in items)


def _unqualified(given: Any) -> Any:
    return given["value"] if isinstance(given, dict) and "value" in given else given


def _is_matrix(value: Any) -> bool:
    return isinstance(value, list) and any(isinstance(row, list) for row in value)


def _file(folder: Path, name: str, given: Any) -> InputValue:
    """A binary input: a link, or its content in a file."""
    value, media_type = _unqualified(given), _media_type(given)
    if isinstance(given, Mapping) and "value" not in given:
        value = given.get("href")
        if not isinstance(value, str):
            raise ExecuteRequestError(f'{name}: an object has to have "href" or "value"; it has {sorted(given)}')
        return InputValue(href=value)
    if isinstance(value, str) and _URL.match(value):
        return InputValue(href=value)
    if name == FILE and _is_matrix(value):
        np.save(folder / JSON_MIXTURES, matrix_of(value))
        return InputValue(file=JSON_MIXTURES)
    if name == MASK and isinstance(value, dict):
        return _written(folder, name, json.dumps(value).encode(), _GEOJSON)
    if not isinstance(value, str):
        raise ExecuteRequestError(f"{name}: it has to be text in base64, or a link; it is {value!r:.40}")
    try:
        content = base64.b64decode(value, validate=True)
    except (binascii.Error, ValueError) as error:
        raise ExecuteRequestError(f"{name}: neither a URL nor base64 ({error})") from None
    return _written(folder, name, content, media_type)


def _media_type(given: Any) -> str:
    media_type = given.get("mediaType", "") if isinstance(given, dict) else ""
    return media_type.partition(";")[0].strip().lower() if isinstance(media_type, str) else ""


def _written(folder: Path, name: str, content: bytes, media_type: str) -> InputValue:
    place = folder if name == FILE else folder / name
    place.mkdir(exist_ok=True)
    suffix = ".geojson" if media_type == _GEOJSON else mimetypes.guess_extension(media_type) or ""
    path = place / (_NAMES.get(media_type, "scene") if name == FILE else f"{name}{suffix}")
    if path.exists():
        raise ExecuteRequestError(f"{name}: several files of one media type; send one, or a zip of them, or links")
    path.write_bytes(content)
    return InputValue(file=path.relative_to(folder).as_posix())
