"""The parts of the OpenAPI document that FastAPI cannot derive."""

from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi

from model_store.records import MAX_LABEL_LENGTH
from service.access import secured
from service.bodies import FILE_NAMES, JSON, MULTIPART
from service.idempotency import MAX_KEY_LENGTH
from service.problems import Problem
from service.uploads import WEBHOOK
from unmixing.io.formats.table import IMAGE_FORMATS, MATRIX_FORMATS, MIXING_LIBRARY_FORMATS, VARIABLE_FORMATS
from unmixing.io.inputs.input_kind import InputKind
from unmixing.io.inputs.requests import INPUT_FIELDS, INSPECTED_FIELDS
from unmixing.io.inputs.tasks import LIBRARIES
from unmixing.methods import COMPARE, METHODS
from unmixing.mixtures.specs import SeparationSpec
from unmixing.specs import InputSpec, UnmixSpec

_PROBLEM_CONTENT = {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}}

_MEANING = {
    400: "The body is not what its Content-Type claims, or ends too early.",
    401: "This service asks for an API key, and none was sent, or one that opens nothing.",
    429: "Too many requests, or too many jobs of one key that wait; see Retry-After.",
    404: "There is no such job, model or result.",
    413: "The upload is larger than the service accepts.",
    415: "The body is of no type that the service takes.",
    416: "The bytes asked for lie outside the asset.",
    422: "The request is well formed and cannot be done; `detail` names what is wrong.",
    500: "Something unforeseen happened.",
    504: "The job did not end in the time that a caller is kept waiting, or in that which it may take.",
    507: "The service has no room left; nothing was kept.",
    503: "The job queue or the data folder cannot be used, or too many jobs wait or uploads are read; see Retry-After.",
}

TAGS = [
    {"name": "service", "description": "The service itself: where things are, whether it works, what problems mean."},
    {"name": "methods", "description": "The ways to unmix, and what each of them gives."},
    {"name": "unmixing", "description": "Images and mixtures in: a job comes out, or how they would be read."},
    {"name": "jobs", "description": "The work that was asked for: how it stands, and stopping it."},
    {"name": "results", "description": "The outcome of a job: one document, and the files that it names."},
    {"name": "models", "description": "Trained networks, ready for other images of the same sensor."},
    {"name": "OGC API - Processes", "description": "The same work for clients of that standard."},
]
"""The groups of routes, in the order of one's way through them."""

Responses = dict[int | str, dict[str, Any]]


def problems(*statuses: int) -> Responses:
    """The error responses of a route."""
    return {status: {"description": _MEANING[status], "content": _PROBLEM_CONTENT} for status in statuses}


BINARY = {"type": "string", "format": "binary"}

IDEMPOTENCY_KEY = {
    "name": "Idempotency-Key",
    "in": "header",
    "required": False,
    "schema": {"type": "string", "maxLength": MAX_KEY_LENGTH},
    "description": "Chosen by the client: a request that is sent again with it within a day gets the job of the first.",
}

_HREF = {
    "type": "string",
    "description": "An http or https address of a file; s3 and file where the operator allows it.",
}
_HREFS = {"anyOf": [_HREF, {"type": "array", "items": _HREF, "minItems": 1}]}
_REFERENCE = {
    "type": "object",
    "required": ["href"],
    "properties": {"href": _HREF, "filename": {"type": "string", "description": "What the file is called here."}},
}
_REFERENCES = {"anyOf": [_REFERENCE, {"type": "array", "items": _REFERENCE, "minItems": 1}]}


def upload_body() -> dict[str, Any]:
    """The bodies of ``POST /unmix`` and their fields, with the limits that the specs hold."""
    found = _bodies(_files(), field_schemas(), {"n_endmembers": 3, "seed": 0}, {"n_sources": 2})
    return {**found, "parameters": [*found["parameters"], IDEMPOTENCY_KEY]}


def inspection_body() -> dict[str, Any]:
    """The bodies of ``POST /inspect`` and their fields."""
    picture = {"type": "boolean", "description": "Whether to answer with the image in false colour too."}
    fields = {name: schema for name, schema in field_schemas().items() if name in INSPECTED_FIELDS}
    files = {name: schema for name, schema in _files().items() if name not in LIBRARIES}
    return _bodies(files, {**fields, "picture": picture}, {"picture": "true"}, {})


def _bodies(
    files: dict[str, Any], fields: dict[str, Any], image: dict[str, Any], mixtures: dict[str, Any]
) -> dict[str, Any]:
    """files, fields: their schemas. image, mixtures: fields of the examples."""
    form = _object({**files, **fields}, "file", {"file": ["scene.npz"], **image})
    rows = {"type": "array", "items": {"type": "array", "items": {"type": "number"}}, "minItems": 1}
    matrix = {"mixtures": {**rows, "description": "A mixture matrix, one list of channels per sample."}}
    example = {"mixtures": [[0.1, 0.2, 0.4], [0.3, 0.1, 0.0], [0.2, 0.2, 0.4], [0.5, 0.3, 0.4]], **mixtures}
    named = dict.fromkeys(files, _REFERENCES) | {"href": _HREFS, "filename": {"type": "string"}}
    referred = _object({**fields, **named}, "href", {"href": "https://data.example/scene.npy", **image})
    referred["anyOf"] = [{"required": [referred.pop("required")[0]]}, {"required": ["file"]}]
    by_value = _object({**matrix, **fields}, "mixtures", example)
    content = {
        MULTIPART: {"schema": form},
        JSON: {"schema": {"anyOf": [by_value, referred], "example": example}},
        **{kind: {"schema": BINARY} for kind in FILE_NAMES},
    }
    names = {"filename": {"type": "string", "description": "Of a file that is the whole body."}}
    query = [
        {"name": name, "in": "query", "required": False, "schema": schema, "description": schema.get("description", "")}
        for name, schema in {**names, **fields}.items()
    ]
    return {"requestBody": {"required": True, "content": content}, "parameters": query}


def _files() -> dict[str, dict[str, Any]]:
    """Schemas of the fields that hold files."""
    return {
        "file": {
            "type": "array",
            "items": BINARY,
            "minItems": 1,
            "description": f"An image: {IMAGE_FORMATS} (as two parts); all files may come in one zip. Or a mixture "
            f"matrix, samples x channels: {MATRIX_FORMATS}.",
        },
        "library": {
            "type": "array",
            "items": BINARY,
            "description": "A spectral library that names the endmembers: one CSV file, or an ENVI spectral library "
            "(.sli and .hdr as two parts).",
        },
        "endmembers": {
            "type": "array",
            "items": BINARY,
            "description": "Endmembers that are known, in the formats of `library` and on the scale of the image: they "
            "are kept as they are and named as there, and the rest of `n_endmembers` is found.",
        },
        "mixing_library": {
            **BINARY,
            "description": "Example mixing matrices to train on, matrices x channels x sources: "
            f"{MIXING_LIBRARY_FORMATS}.",
        },
        "mask": {**BINARY, "description": InputSpec.model_fields["mask"].description},
    }


def field_schemas() -> dict[str, dict[str, Any]]:
    """Schemas of the plain fields."""
    asked = {
        name: schema for name, schema in InputSpec.model_json_schema()["properties"].items() if name in INPUT_FIELDS
    }
    specs = {**asked, **SeparationSpec.model_json_schema()["properties"], **UnmixSpec.model_json_schema()["properties"]}
    return {
        "kind": {
            "type": "string",
            "enum": list(InputKind),
            "description": "How to read the upload; decided from the file and the other fields when missing.",
        },
        **specs,
        "method": {"default": UnmixSpec.model_fields["method"].default, **_method_schema()},
        "model": {"type": "string", "description": "Id of a stored model to apply: nothing is trained then."},
        WEBHOOK: {"type": "string", "description": "Address that is sent the job when it ends, signed."},
        "variable": {"type": "string", "description": f"Which array of a {VARIABLE_FORMATS} file is meant."},
        "label": {
            "type": "string",
            "maxLength": MAX_LABEL_LENGTH,
            "description": "Words of your own to find the job by; no part of the work. Where equal work is there "
            "already, its job gets this label beside those it has.",
        },
    }


def _method_schema() -> dict[str, Any]:
    """One method of the table, all of them, or several with commas between them."""
    one = "|".join(METHODS)
    what = [f"`{row.name}`: {row.summary}" for row in METHODS.values()]
    single = {"type": "string", "enum": [*METHODS, COMPARE], "description": " ".join(what)}
    several = {
        "type": "string",
        "pattern": f"^({one})( *, *({one}))+$",
        "description": "Several, each once, which are compared on the image.",
        "examples": ["lpalm,vca_fcls"],
    }
    return {
        "anyOf": [single, several],
        "description": "How to unmix; `GET /methods` says more of each. `compare`, or several with commas between "
        "them, compares methods on the image. With `model` it is the model's, and may be left out.",
    }


def _object(properties: dict[str, Any], required: str, example: dict[str, Any]) -> dict[str, Any]:
    return {
        "type": "object",
        "required": [required],
        "properties": properties,
        "additionalProperties": False,
        "example": example,
    }


def install(app: FastAPI) -> None:
    """Describe ``app`` with the schema of problems, which no route returns by itself."""

    def openapi() -> dict[str, Any]:
        if app.openapi_schema is None:
            document = get_openapi(
                title=app.title, version=app.version, description=app.description, routes=app.routes, tags=TAGS
            )
            document["components"]["schemas"]["Problem"] = Problem.model_json_schema()
            app.openapi_schema = secured(document, problems(401, 429))
        return app.openapi_schema

    app.openapi = openapi  # type: ignore[method-assign]
