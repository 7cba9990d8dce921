"""From JSON Schema, as pydantic and OpenAPI 3.1 write it, to the schemas of OpenAPI 3.0, which the standard wants."""

from typing import Any

_BOUNDS = (
    "maximum", "exclusiveMaximum", "minimum", "exclusiveMinimum", "multipleOf", "maxLength", "minLength", "pattern",
    "maxItems", "minItems", "uniqueItems", "maxProperties", "minProperties", "required", "enum", "nullable",
)  # fmt: skip
_PARTS = ("not", "allOf", "oneOf", "anyOf", "items", "properties", "additionalProperties")
_WORDS = ("title", "description", "default", "example", "readOnly", "writeOnly", "deprecated")
KEPT = frozenset({"$ref", "type", "format", *_BOUNDS, *_PARTS, *_WORDS})
"""The members of a schema that OpenAPI 3.0 knows."""

_ONE, _MANY, _NAMED = ("items", "additionalProperties", "not"), ("allOf", "oneOf", "anyOf"), ("properties",)


def schema_30(schema: Any, kept: frozenset[str] = KEPT) -> Any:
    """The same schema in the words of OpenAPI 3.0. kept: the members that may stay.

    >>> schema_30({"anyOf": [{"type": "integer", "exclusiveMinimum": 0}, {"type": "null"}], "default": None})
    {'type': 'integer', 'exclusiveMinimum': True, 'nullable': True, 'minimum': 0}
    """
    if not isinstance(schema, dict):
        return schema
    if "$ref" in schema:  # its neighbours count for nothing in 3.0
        return {"$ref": schema["$ref"]}
    found = _without_null(dict(schema))
    _translate(found)
    for name in _ONE:
        if name in found:
            found[name] = schema_30(found[name], kept)
    for name in _MANY:
        if name in found:
            found[name] = [schema_30(part, kept) for part in found[name]]
    for name in _NAMED:
        if name in found:
            found[name] = {key: schema_30(part, kept) for key, part in found[name].items()}
    return {name: value for name, value in found.items() if name in kept}


def _without_null(schema: dict[str, Any]) -> dict[str, Any]:
    """``nullable`` in the place of the type null, which 3.0 does not have."""
    kinds = schema.get("type")
    if isinstance(kinds, list):
        parts = [{"type": kind} for kind in kinds]
        del schema["type"]
        schema["anyOf"] = parts
    for name in ("anyOf", "oneOf"):
        parts = schema.get(name, [])
        others = [part for part in parts if part.get("type") != "null"]
        if len(others) == len(parts):
            continue
        del schema[name]
        schema = {**others[0], **schema} if len(others) == 1 else {**schema, name: others}
        if schema.get("default", ...) is None:
            del schema["default"]
        schema["nullable"] = True
    return schema


def _translate(schema: dict[str, Any]) -> None:
    for bound, exclusive in (("minimum", "exclusiveMinimum"), ("maximum", "exclusiveMaximum")):
        limit = schema.get(exclusive)
        if isinstance(limit, int | float) and not isinstance(limit, bool):
            schema[bound], schema[exclusive] = limit, True
    if "const" in schema:
        schema["enum"] = [schema["const"]]
    if "examples" in schema and "example" not in schema:
        examples = schema["examples"]
        schema["example"] = examples[0] if isinstance(examples, list) else examples
    if "prefixItems" in schema:
        schema["items"] = {"oneOf": schema["prefixItems"]}
    if schema.get("type") == "array":
        schema.setdefault("items", {})
    if schema.get("contentMediaType") and schema.get("type") == "string":
        schema.setdefault("format", "binary")
