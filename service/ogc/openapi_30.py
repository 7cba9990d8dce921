"""The OpenAPI document in version 3.0, which the standard's class ``oas30`` asks for; the service writes 3.1."""

from typing import Any

from service.ogc.schemas_30 import schema_30

MEDIA_TYPE = "application/vnd.oai.openapi+json;version=3.0"


def openapi_30(document: dict[str, Any]) -> dict[str, Any]:
    """The same document in version 3.0. document: in version 3.1."""
    schemas = document["components"]["schemas"]
    return {
        **document,
        "openapi": "3.0.3",
        "paths": {path: _path(item) for path, item in document["paths"].items()},
        "components": {**document["components"], "schemas": {name: schema_30(row) for name, row in schemas.items()}},
    }


def _path(item: dict[str, Any]) -> dict[str, Any]:
    return {method: _operation(operation) for method, operation in item.items()}


def _operation(operation: dict[str, Any]) -> dict[str, Any]:
    found = dict(operation)
    if "parameters" in found:
        found["parameters"] = [{**row, "schema": schema_30(row["schema"])} for row in found["parameters"]]
    if "requestBody" in found:
        found["requestBody"] = _with_content(found["requestBody"])
    found["responses"] = {status: _with_content(row) for status, row in found["responses"].items()}
    return found


def _with_content(row: dict[str, Any]) -> dict[str, Any]:
    if "content" not in row:
        return row
    content = {
        kind: {**said, "schema": schema_30(said["schema"])} if "schema" in said else said
        for kind, said in row["content"].items()
    }
    return {**row, "content": content}
