"""A stored model as a STAC item with the machine learning model extension (MLM)."""

import re
from datetime import UTC, datetime
from typing import Any

from unmixing.io.products.stac.names import STAC_VERSION
from unmixing.manifest import MODEL_MEDIA_TYPE, ModelManifest

MLM = "https://stac-extensions.github.io/mlm/v1.5.2/schema.json"
EO = "https://stac-extensions.github.io/eo/v2.0.0/schema.json"

SAMPLE = (
    "Pixels that stand for the image, some thousand at random: the endmembers follow from them. All preprocessing is "
    "inside the graph."
)
PIXELS = "Pixels to unmix, over all bands, finite in those that are not used too."
NEIGHBOURS = " Each pixel is {n} rows: itself and its neighbours in a square, row by row."


def model_item(manifest: ModelManifest, identifier: str, created: datetime, href: str) -> dict[str, Any]:
    """The item of a model. identifier: the id under which it is stored. href: where its file is."""
    moment = created.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    bands = _bands(manifest)
    asset = {
        "href": href,
        "type": MODEL_MEDIA_TYPE,
        "title": "The network with its preprocessing, and its manifest in the file's metadata",
        "roles": ["mlm:model"],
        "mlm:artifact_type": "onnx.save",
        # STAC allows bands of an item where an asset has some, and MLM wants them there.
        "bands": bands,
    }
    return {
        "type": "Feature",
        "stac_version": STAC_VERSION,
        "stac_extensions": [MLM] if manifest.wavelengths_nm is None else [MLM, EO],
        "id": identifier,
        "geometry": None,
        "properties": {
            "datetime": moment,
            "created": moment,
            "title": f"{manifest.method} for {manifest.n_bands} bands",
            "description": _description(manifest),
            "bands": bands,
            **_properties(manifest, identifier),
            "unmixing:kind": manifest.kind,
            "unmixing:abundances_of": manifest.abundances_of,
            "unmixing:endmembers": list(manifest.endmember_names),
            "unmixing:endmember_norms": None if manifest.endmember_norms is None else list(manifest.endmember_norms),
        },
        "links": [],
        "assets": {"model.onnx": asset},
    }


def _description(manifest: ModelManifest) -> str:
    what = "endmembers and abundances of an image" if manifest.kind == "image" else "sources and their mixing matrix"
    return f"Finds {what}: {', '.join(manifest.endmember_names)}. Apply it to data of the same bands in the same units."


def _properties(manifest: ModelManifest, identifier: str) -> dict[str, Any]:
    version = manifest.versions.onnx
    asked = {name: value for name, value in {**manifest.request, **manifest.network}.items() if value is not None}
    return {
        "mlm:name": f"{manifest.method}-{identifier[:8]}",
        "mlm:architecture": manifest.method,
        "mlm:tasks": ["regression"],
        "mlm:framework": "ONNX",
        **({"mlm:framework_version": version} if re.fullmatch(r"\d+\.\d+\.\d+", version) else {}),
        "mlm:accelerator": None,
        "mlm:hyperparameters": {**asked, "n_endmembers": manifest.n_endmembers},
        "mlm:input": _inputs(manifest),
        "mlm:output": _outputs(manifest),
    }


def _bands(manifest: ModelManifest) -> list[dict[str, Any]]:
    """All bands of the input, by their numbers from 0; the centre in micrometres, as the extension ``eo`` has it."""
    used = set(manifest.used_bands)
    bands: list[dict[str, Any]] = [{"name": f"band {index}"} for index in range(manifest.n_bands)]
    for index, band in enumerate(bands):
        if index not in used:
            band["description"] = "not looked at"
        if manifest.wavelengths_nm is not None:
            band["eo:center_wavelength"] = round(manifest.wavelengths_nm[index] / 1000, 6)
    return bands


def _inputs(manifest: ModelManifest) -> list[dict[str, Any]]:
    neighbours = NEIGHBOURS.format(n=manifest.neighbourhood**2) if manifest.neighbourhood > 1 else ""
    shape = _structure([-1, manifest.n_bands], ["batch", "bands"])
    names = [f"band {index}" for index in range(manifest.n_bands)]
    return [
        {"name": name, "description": said + neighbours, "bands": names, "input": shape}
        for name, said in (("sample", SAMPLE), ("pixels", PIXELS))
    ]


def _outputs(manifest: ModelManifest) -> list[dict[str, Any]]:
    count = manifest.n_endmembers
    shares = "shares of lit area, which sum to one" if manifest.abundances_of == "area" else "sources in their units"
    outputs = [
        ("endmembers", "spectra over the used bands, in the units of the pixels", [count, len(manifest.used_bands)]),
        ("abundances", shares, [-1, count]),
        ("brightness", "factor by which abundances @ endmembers comes nearest to the pixel", [-1]),
    ]
    if manifest.shape_deviation_factors is not None:
        outputs.append(("uncertainty", "standard deviation of each abundance", [-1, count]))
    axes = {"endmembers": ["endmember", "wavelength"], "brightness": ["batch"]}
    return [
        {
            "name": name,
            "description": said,
            "tasks": ["regression"],
            "result": _structure(shape, axes.get(name, ["batch", "endmember"])),
        }
        for name, said, shape in outputs
    ]


def _structure(shape: list[int], axes: list[str]) -> dict[str, Any]:
    return {"shape": shape, "dim_order": axes, "data_type": "float32"}
