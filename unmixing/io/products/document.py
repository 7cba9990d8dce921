"""The result of an unmixing as one JSON document, the same from the service and from the command line."""

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from unmixing.io.products.folders import DOCUMENT
from unmixing.io.products.result import ImageResult
from unmixing.screening.detectors import overlap_kept
from unmixing.types import ImageInfo, MapGrid, ResultWarning, TrainedModel, Unmixing

if TYPE_CHECKING:
    from unmixing.comparison import Comparison
    from unmixing.mixtures.separation import Separation

Assets = Mapping[str, Mapping[str, Any]]
"""By file name: ``href``, ``type`` and ``size`` (bytes)."""


def assets_in(folder: Path, media_types: Mapping[str, str]) -> Assets:
    """The files of a result, by name. An asset's ``href`` is its file name, relative to the document; whoever serves
    it elsewhere rewrites it."""
    return {
        name: {"href": name, "type": media_type, "size": (folder / name).stat().st_size}
        for name, media_type in media_types.items()
    }


def result_document(
    result: ImageResult, assets: Assets, *, kind_decided_by: str = "default", model_id: str | None = None
) -> dict[str, Any]:
    """The document ``result.json``: warnings, what abundances are shares of, endmembers, metrics, model, input,
    provenance, assets.

    ``model_id`` is the id under which the model is stored, None when it is not. ``kind_decided_by``: why the input was
    read as an image. NaN and infinity become null: JSON has neither.
    """
    unmixing = result.unmixing
    document = {
        "warnings": warning_list(unmixing.warnings),
        "abundances_of": unmixing.abundances_of,
        "endmembers": _endmembers(unmixing, result.info),
        "metrics": unmixing.metrics,
        "model": _model_section(unmixing.model, model_id),
        "input": {"kind": "image", "kind_decided_by": kind_decided_by, **input_report(result.info, result.n_masked())},
        "provenance": unmixing.provenance,
        "assets": assets,
    }
    ready: dict[str, Any] = json_ready(document)
    return ready


def write_document(folder: Path, document: Mapping[str, Any]) -> None:
    """Write ``result.json`` into the folder of a result."""
    (folder / DOCUMENT).write_text(json.dumps(document), "utf-8")


def write_descriptions(folder: Path, document: Mapping[str, Any], name: str | None = None) -> None:
    """Write ``result.json`` and ``report.html`` into the folder of a result, and of an image its STAC item, collection
    and catalog.

    name: the id of these three.
    """
    # The methods take a while to import, and a command line that only shows its help should not wait for them.
    from unmixing.io.products.report import write_report

    document = {**document, "assets": {**document["assets"], **assets_in(folder, write_report(folder, document))}}
    if document["input"]["kind"] == "image":
        # As GDAL does.
        from unmixing.io.products.stac.folder import write_stac

        described = {**document["assets"], **assets_in(folder, write_stac(folder, document, name))}
        document = {**document, "assets": described}
    write_document(folder, document)


def comparison_document(
    comparison: "Comparison", first: ImageResult, assets: Assets, kind_decided_by: str,
    model_ids: Mapping[str, str | None],
) -> dict[str, Any]:  # fmt: skip
    """The document of the first method's answer, and ``comparison``: the answers of all, and what kept others from one.

    model_ids: by method, of those that have a model.
    """
    answers = []
    for method, answer in comparison.answers.items():
        angle, difference = comparison.agreement(method)
        answers.append(
            {
                "method": method,
                "warnings": warning_list(answer.warnings),
                "abundances_of": answer.abundances_of,
                "endmembers": _endmembers(answer, first.info),
                "metrics": answer.metrics,
                "model": _model_section(answer.model, model_ids.get(method)),
                "provenance": answer.provenance,
                "sad_to_first_radians": angle,
                "abundance_rmse_to_first": difference,
            }
        )
    first_id = model_ids.get(next(iter(comparison.answers)))
    document = result_document(first, assets, kind_decided_by=kind_decided_by, model_id=first_id)
    ready: list[Any] = json_ready(answers)
    return {**document, "comparison": {"answers": ready, "failures": dict(comparison.failures)}}


def separation_document(
    separation: "Separation", source: Mapping[str, Any], assets: Assets, model_id: str | None = None
) -> dict[str, Any]:
    """The same for a mixture matrix, with ``mixing_matrix`` in the place of ``endmembers``. source: how the mixtures
    were read."""
    n_samples, n_channels = len(separation.sources), separation.mixing_matrix.shape[1]
    document = {
        "warnings": warning_list(separation.warnings),
        "mixing_matrix": {"names": separation.source_names, "values": separation.mixing_matrix},
        "metrics": separation.metrics,
        "model": _model_section(separation.model, model_id),
        "input": {"kind": "mixtures", **source, "samples": n_samples, "channels": n_channels},
        "provenance": separation.provenance,
        "assets": assets,
    }
    ready: dict[str, Any] = json_ready(document)
    return ready


def input_report(info: ImageInfo, n_masked: int) -> dict[str, Any]:
    """Description of the input and of the bands left out, JSON-able. n_masked: pixels without an answer."""
    rows, columns, bands = info.shape
    wavelengths = info.wavelengths_nm
    place = info.georeference
    kept = None if wavelengths is None else overlap_kept(wavelengths[info.used_bands])
    return {
        "unit": None,
        **info.source,
        "detector_overlap": kept or info.source.get("detector_overlap"),
        "rows": rows,
        "columns": columns,
        "bands": bands,
        "bands_used": int(info.used_bands.sum()),
        "wavelength_range_nm": None if wavelengths is None else [float(wavelengths.min()), float(wavelengths.max())],
        "dropped_bands": [
            {
                "index": band.index,
                "wavelength_nm": None if wavelengths is None else float(wavelengths[band.index]),
                "reason": band.reason,
            }
            for band in info.dropped_bands
        ],
        "pixels_masked": n_masked,
        "fill_values": [
            {
                "value": float(f"{fill.value / info.scale:.7g}"),
                "whole_spectrum": fill.whole_spectrum,
            }
            for fill in info.fill_values
        ],
        "scale": info.scale,
        "nodata": info.nodata,
        "crs": None if place is None else place.crs_wkt,
        "transform": None if place is None else list(place.transform),
        "grid": None if info.grid is None else _grid_report(info.grid),
    }


def _grid_report(grid: MapGrid) -> dict[str, Any]:
    rows, columns = grid.shape
    place = grid.georeference
    return {"rows": rows, "columns": columns, "crs": place.crs_wkt, "transform": list(place.transform)}


def warning_list(warnings: Sequence[ResultWarning]) -> list[dict[str, str]]:
    """``code``, ``message`` and ``action`` of each, JSON-able."""
    return [{name: str(value) for name, value in asdict(warning).items()} for warning in warnings]


def _endmembers(unmixing: Unmixing, info: ImageInfo) -> dict[str, Any]:
    return {
        "names": unmixing.endmember_names,
        "wavelengths_nm": info.wavelengths_nm,
        "values": unmixing.endmembers,
        "norms": unmixing.endmember_norms,
        "given": [number < unmixing.n_given for number in range(len(unmixing.endmember_names))],
    }


def _model_section(model: TrainedModel | None, model_id: str | None) -> dict[str, Any] | None:
    """The id and the whole manifest, which ``model.onnx`` carries too."""
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
