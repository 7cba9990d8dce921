"""The result of an unmixing as one JSON document, the same from the service and from the command line."""

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from unmixing.cubes import input_report
from unmixing.types import Cube, TrainedModel, Unmixing

if TYPE_CHECKING:
    from unmixing.comparison import Comparison
    from unmixing.mixtures.separation import Separation


def result_document(
    unmixing: Unmixing,
    cube: Cube,
    *,
    kind_decided_by: str = "default",
    media_types: Mapping[str, str],
    sizes: Mapping[str, int],
    model_id: str | None = None,
) -> dict[str, Any]:
    """What ``result.json`` holds: endmembers, metrics, model, input and assets, ready for ``json.dumps``.

    ``media_types`` and ``sizes`` (bytes) are keyed by the products' file names. An asset's ``href`` is its
    file name, relative to the document; whoever serves it elsewhere rewrites it. ``model_id`` is the id under
    which the model is stored, None when it is not. ``kind_decided_by``: why the input was read as an image. NaN and
    infinity become null: JSON has neither.
    """
    document = {
        "endmembers": _endmembers(unmixing, cube),
        "metrics": unmixing.metrics,
        "model": _model_section(unmixing.model, model_id),
        "input": {"kind": "image", "kind_decided_by": kind_decided_by, **input_report(cube)},
        "assets": _assets(media_types, sizes),
    }
    ready: dict[str, Any] = json_ready(document)
    return ready


def comparison_document(
    comparison: "Comparison",
    cube: Cube,
    *,
    kind_decided_by: str = "default",
    media_types: Mapping[str, str],
    sizes: Mapping[str, int],
    model_ids: Mapping[str, str | None],
) -> dict[str, Any]:
    """The document of the first method's answer, and ``comparison``: the answers of all, and what kept others from one.
    model_ids: by method, of those that have a model."""
    answers = []
    for method, answer in comparison.answers.items():
        angle, difference = comparison.agreement(method, cube)
        answers.append(
            {
                "method": method,
                "endmembers": _endmembers(answer, cube),
                "metrics": answer.metrics,
                "model": _model_section(answer.model, model_ids.get(method)),
                "sad_to_first_radians": angle,
                "abundance_rmse_to_first": difference,
            }
        )
    document = result_document(
        comparison.first,
        cube,
        kind_decided_by=kind_decided_by,
        media_types=media_types,
        sizes=sizes,
        model_id=model_ids.get(next(iter(comparison.answers))),
    )
    ready: list[Any] = json_ready(answers)
    return {**document, "comparison": {"answers": ready, "failures": dict(comparison.failures)}}


def separation_document(
    separation: "Separation",
    source: Mapping[str, Any],
    *,
    media_types: Mapping[str, str],
    sizes: Mapping[str, int],
    model_id: str | None = None,
) -> dict[str, Any]:
    """The same for a mixture matrix, with ``mixing_matrix`` in the place of ``endmembers``. source: how the mixtures
    were read."""
    n_samples, n_channels = len(separation.sources), separation.mixing_matrix.shape[1]
    document = {
        "mixing_matrix": {"names": separation.source_names, "values": separation.mixing_matrix},
        "metrics": separation.metrics,
        "model": _model_section(separation.model, model_id),
        "input": {"kind": "mixtures", **source, "samples": n_samples, "channels": n_channels},
        "assets": _assets(media_types, sizes),
    }
    ready: dict[str, Any] = json_ready(document)
    return ready


def _endmembers(unmixing: Unmixing, cube: Cube) -> dict[str, Any]:
    return {
        "names": unmixing.endmember_names,
        "wavelengths_nm": cube.wavelengths_nm,
        "values": unmixing.endmembers,
    }


def _assets(media_types: Mapping[str, str], sizes: Mapping[str, int]) -> dict[str, dict[str, Any]]:
    return {name: {"href": name, "type": media_type, "size": sizes[name]} for name, media_type in media_types.items()}


def _model_section(model: TrainedModel | None, model_id: str | None) -> dict[str, Any] | None:
    """The id, and the manifest that ``model.onnx`` carries."""
    return None if model is None else {"id": model_id, "manifest": model.manifest.model_dump(mode="json"), "links": []}


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
