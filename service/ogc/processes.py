"""PROCESSES: what can be executed, a row each, with what goes in and what comes out."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from service.ogc.schemas_30 import KEPT, schema_30
from service.openapi import field_schemas
from service.reading.execute_requests import BINARY_INPUTS
from unmixing.io.formats.spectra.table import LISTED as SPECTRA
from unmixing.io.formats.table import IMAGE_FORMATS, MATRIX_FORMATS, MIXING_LIBRARY_FORMATS
from unmixing.io.inputs.requests import INPUT_FIELDS
from unmixing.io.products import separation_files
from unmixing.io.products.image_file import IMAGE, MEDIA_TYPE
from unmixing.io.products.report import HTML, REPORT
from unmixing.io.products.stac.names import MEDIA_TYPES
from unmixing.io.products.table import PRODUCTS
from unmixing.specs import InputSpec

SYNC, ASYNC, DISMISS = "sync-execute", "async-execute", "dismiss"
VALUE, REFERENCE = "value", "reference"
FEATURES, STAC, RESULT = "features", "stac", "result"
"""Outputs of a job beside its files: a STAC collection of them, a feature that leads to it, and the result as
`POST /unmix` has it."""

STAC_SCHEMA = "https://schemas.stacspec.org/v1.0.0/collection-spec/json-schema/collection.json"
FEATURES_SCHEMA = "https://schemas.opengis.net/ogcapi/features/part1/1.0/openapi/schemas/featureCollectionGeoJSON.yaml"
MAX_PAUSE_SECONDS = 60

_SCHEMA_WORDS = KEPT | {"contentMediaType", "contentEncoding"}
_BASE64 = {"type": "string", "contentEncoding": "base64"}


@dataclass(frozen=True)
class Input:
    """One input. n_least, n_most: how many values it has."""

    title: str
    schema: Mapping[str, Any]
    n_least: int = 0
    n_most: int = 1
    description: str = ""


MAX_LIBRARY_FILES = 16
_LIBRARY_FILES = f"{SPECTRA}, several links or one zip of them, or an ENVI library by two links."


@dataclass(frozen=True)
class OutputKind:
    """One output, as it is described. media_type: of a file, else JSON."""

    title: str
    schema: Mapping[str, Any]
    media_type: str = "application/json"


@dataclass(frozen=True)
class Process:
    """A process. control: its job control options. transmission: how outputs may be sent."""

    id: str
    title: str
    description: str
    control: tuple[str, ...]
    transmission: tuple[str, ...]
    inputs: Mapping[str, Input]
    outputs: Mapping[str, OutputKind]


def _files() -> dict[str, Input]:
    matrix = {
        "type": "array", "minItems": 1, "items": {"type": "array", "minItems": 1, "items": {"type": "number"}}
    }  # fmt: skip
    scene = {**_BASE64, "contentMediaType": "application/octet-stream"}
    library = {**_BASE64, "contentMediaType": "text/csv"}
    mask = {"oneOf": [{**_BASE64, "contentMediaType": "image/tiff"}, {"type": "object"}]}
    mask_says = InputSpec.model_fields["mask"].description or ""
    return {
        "file": Input(
            "Image, or mixture matrix",
            {"oneOf": [scene, matrix]},
            1,
            2,
            f"An image: {IMAGE_FORMATS} (two links, or one zip). Or a mixture matrix, samples x channels: "
            f"{MATRIX_FORMATS}, or a list of lists of numbers as a qualified value. By value in base64, or by "
            "reference; a text that is a URL is a reference too.",
        ),
        "library": Input("Spectral library that names the endmembers", library, 0, MAX_LIBRARY_FILES, _LIBRARY_FILES),
        "endmembers": Input(
            "Endmembers that are known", library, 0, MAX_LIBRARY_FILES, f"They are kept as they are. {_LIBRARY_FILES}"
        ),
        "mixing_library": Input(
            "Example mixing matrices", scene, 0, 1, f"Matrices x channels x sources: {MIXING_LIBRARY_FORMATS}."
        ),
        "mask": Input("Which pixels are used", mask, 0, 1, mask_says),
    }


def _plain(*left_out: str) -> dict[str, Input]:
    found = {}
    for name, schema in field_schemas().items():
        if name not in left_out and name not in BINARY_INPUTS:
            said = {key: value for key, value in schema_30(dict(schema), _SCHEMA_WORDS).items() if key != "nullable"}
            description = said.pop("description", "")
            title = said.pop("title", name)
            found[name] = Input(title, said, description=description)
    return found


def _only(inputs: Mapping[str, Input], names: frozenset[str]) -> dict[str, Input]:
    return {name: row for name, row in inputs.items() if name in names}


def _job_outputs(media_types: Mapping[str, str]) -> dict[str, OutputKind]:
    named = {
        FEATURES: OutputKind("Link to the STAC collection", {"type": "object", "contentSchema": FEATURES_SCHEMA}),
        STAC: OutputKind("STAC collection of the files", {"type": "object", "contentSchema": STAC_SCHEMA}),
        RESULT: OutputKind("Endmembers, metrics, warnings and provenance", {"type": "object"}),
    }
    files = {
        name: OutputKind(name, {**_BASE64, "contentMediaType": media_type}, media_type)
        for name, media_type in media_types.items()
    }
    return {**named, **files}


_PRODUCTS = {product.name: product.media_type for product in PRODUCTS}
_IMAGE_FILES = {**_PRODUCTS, IMAGE: MEDIA_TYPE, REPORT: HTML, **MEDIA_TYPES}
_FILES = _files()
_FIELDS = _plain("label", "webhook")
_MODEL = Input("Stored model", {"type": "string"}, 1, 1, "The id of the stored model to apply; see `/models`.")

UNMIX = Process(
    "unmix",
    "Unmix an image, or separate a mixture matrix",
    "Finds the materials of a hyperspectral image and their maps, by a network trained on that very image or by a "
    "classical method.",
    (ASYNC, DISMISS),
    (VALUE, REFERENCE),
    {**_FILES, **{name: row for name, row in _FIELDS.items() if name != "model"}},
    _job_outputs({**separation_files.MEDIA_TYPES, **_IMAGE_FILES}),
)
APPLY_MODEL = Process(
    "apply-model",
    "Apply a stored model to an image",
    "Maps the materials that a model was trained on, in another image of the same sensor. Nothing is trained.",
    (SYNC, ASYNC, DISMISS),
    (VALUE, REFERENCE),
    {
        **_only(_FILES, frozenset({"file", "mask", "library"})),
        "model": _MODEL,
        **_only(_FIELDS, INPUT_FIELDS | {"abundances_of"}),
    },
    _job_outputs(_IMAGE_FILES),
)
ESTIMATE = Process(
    "estimate-endmembers",
    "How many endmembers an image holds",
    "The number of endmembers that unmixing would look for, and what speaks for it.",
    (SYNC,),
    (VALUE,),
    {**_only(_FILES, frozenset({"file", "mask"})), **_only(_FIELDS, INPUT_FIELDS)},
    {
        "n_endmembers": OutputKind("Number of endmembers", {"type": "integer", "minimum": 1}),
        "evidence": OutputKind("What speaks for it", {"type": "object"}),
        "warnings": OutputKind("Why it may be wrong", {"type": "array", "items": {"type": "object"}}),
    },
)
ECHO = Process(
    "echo",
    "Echo",
    "Answers with the text that it was sent, after a pause. For tests of clients.",
    (SYNC,),
    (VALUE,),
    {
        "message": Input("Text to answer with", {"type": "string"}, 1),
        "pause": Input("Seconds to wait", {"type": "integer", "minimum": 0, "maximum": MAX_PAUSE_SECONDS}),
    },
    {"echo": OutputKind("The text", {"type": "string"}, "text/plain")},
)

PROCESSES: Mapping[str, Process] = {row.id: row for row in (UNMIX, APPLY_MODEL, ESTIMATE, ECHO)}
