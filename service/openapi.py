"""The parts of the OpenAPI document that FastAPI cannot derive."""

from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi

from service.problems import Problem
from unmixing.specs import UnmixSpec

_PROBLEM_CONTENT = {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}}

_MEANING = {
    400: "The body is not the multipart/form-data it claims to be.",
    404: "There is no such job, model or result.",
    413: "The upload is larger than the service accepts.",
    415: "The body is not multipart/form-data.",
    416: "The bytes asked for lie outside the asset.",
    422: "The request is well formed and cannot be done; `detail` names what is wrong.",
    500: "Something unforeseen happened.",
    503: "The job queue or the data folder cannot be used.",
}

Responses = dict[int | str, dict[str, Any]]


def problems(*statuses: int) -> Responses:
    """The error responses of a route."""
    return {status: {"description": _MEANING[status], "content": _PROBLEM_CONTENT} for status in statuses}


def upload_body() -> dict[str, Any]:
    """The body of ``POST /unmix``, with the limits that UnmixSpec holds."""
    spec = UnmixSpec.model_json_schema()["properties"]
    properties = {
        "file": {
            "type": "array",
            "items": {"type": "string", "format": "binary"},
            "minItems": 1,
            "description": "The scene: .npy, .npz, .mat, GeoTIFF, or ENVI (header and binary as two parts, "
            "or in one zip).",
        },
        "library": {
            "type": "array",
            "items": {"type": "string", "format": "binary"},
            "description": "A spectral library that names the endmembers: one CSV file, or an ENVI spectral library "
            "(.sli and .hdr as two parts).",
        },
        **spec,
        "model": {"type": "string", "description": "Id of a stored model to apply: nothing is trained then."},
        "variable": {"type": "string", "description": "Which array of a .mat or .npz file is the cube."},
    }
    schema = {
        "type": "object",
        "required": ["file"],
        "properties": properties,
        "additionalProperties": False,
        "example": {"file": ["scene.npz"], "n_endmembers": 3, "seed": 0},
    }
    return {"requestBody": {"required": True, "content": {"multipart/form-data": {"schema": schema}}}}


def install(app: FastAPI) -> None:
    """Describe ``app`` with the schema of problems, which no route returns by itself."""

    def openapi() -> dict[str, Any]:
        if app.openapi_schema is None:
            document = get_openapi(title=app.title, version=app.version, description=app.description, routes=app.routes)
            document["components"]["schemas"]["Problem"] = Problem.model_json_schema()
            app.openapi_schema = document
        return app.openapi_schema

    app.openapi = openapi  # type: ignore[method-assign]
