"""Mixtures in JSON: ``{"mixtures": [[...], ...], "n_sources": 4, ...}``, one list per sample, fields beside it."""

import json
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from service.errors import MalformedUploadError, UploadFieldError
from service.uploads import JSON_MIXTURES, Fields, plain_text
from unmixing.errors import SceneFormatError
from unmixing.io.inputs.input_kind import InputKind
from unmixing.io.inputs.mixtures import MIXTURES


def unpack_json(body: Path, fields: Fields) -> None:
    """Write the mixtures in ``body`` as .npy beside it, add what else it holds to ``fields``, and remove it.

    Raises MalformedUploadError, UploadFieldError, SceneFormatError.
    """
    try:
        document = json.loads(body.read_bytes())
    except (ValueError, RecursionError) as error:
        raise MalformedUploadError(f"the body is not valid JSON: {error}") from error
    if not isinstance(document, dict) or MIXTURES.names[0] not in document:
        raise UploadFieldError(
            'the body has to be a JSON object with "href": "https://..." or "mixtures": [[...], ...]'
        )
    mixtures = matrix_of(document.pop(MIXTURES.names[0]))
    for name, value in document.items():
        fields.add(name, plain_text(name, value))
    fields.values.setdefault("kind", InputKind.MIXTURES)
    np.save(body.with_name(JSON_MIXTURES), mixtures)
    body.unlink()


def matrix_of(rows: Any) -> NDArray[np.float64]:
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
