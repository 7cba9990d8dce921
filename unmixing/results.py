"""The result of an unmixing as one JSON document, the same from the service and from the command line."""

import math
from collections.abc import Mapping
from typing import Any

import numpy as np

from unmixing.cubes import input_report
from unmixing.types import Cube, Unmixing


def result_document(
    unmixing: Unmixing,
    cube: Cube,
    *,
    media_types: Mapping[str, str],
    sizes: Mapping[str, int],
    model_id: str | None = None,
) -> dict[str, Any]:
    """What ``result.json`` holds: endmembers, metrics, model, input and assets, ready for ``json.dumps``.

    ``media_types`` and ``sizes`` (bytes) are keyed by the products' file names. An asset's ``href`` is its
    file name, relative to the document; whoever serves it elsewhere rewrites it. ``model_id`` is the id under
    which the model is stored, None when it is not. NaN and infinity become null: JSON has neither.
    """
    document = {
        "endmembers": {
            "names": unmixing.endmember_names,
            "wavelengths_nm": cube.wavelengths_nm,
            "values": unmixing.endmembers,
        },
        "metrics": unmixing.metrics,
        "model": _model_section(unmixing, model_id),
        "input": input_report(cube),
        "assets": {
            name: {"href": name, "type": media_type, "size": sizes[name]} for name, media_type in media_types.items()
        },
    }
    ready: dict[str, Any] = json_ready(document)
    return ready


def _model_section(unmixing: Unmixing, model_id: str | None) -> dict[str, Any] | None:
    """The id and the whole manifest: beside ``model.onnx`` the document is enough to use it again."""
    if unmixing.model is None:
        return None
    return {"id": model_id, "manifest": unmixing.model.manifest, "links": []}


def json_ready(value: Any) -> Any:
    """``value`` with numpy's types and tuples made plain, and every number that JSON cannot say made None.

    >>> json_ready({"a": np.array([1.5, np.nan]), "b": (np.int64(2),)})
    {'a': [1.5, None], 'b': [2]}
    """
    if isinstance(value, Mapping):
        return {str(key): json_ready(item) for key, item in value.items()}
    if isinstance(value, np.ndarray | np.generic):
        return json_ready(value.tolist())
    if isinstance(value, list | tuple):
        return [json_ready(item) for item in value]
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value
