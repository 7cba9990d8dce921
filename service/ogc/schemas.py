"""Documents of the standard, and the execute request, as the OpenAPI document pictures them."""

from typing import Any, Literal

from pydantic import BaseModel, Field, JsonValue

from service.schemas.links import Link


class Conformance(BaseModel):
    """The classes of requirements that are kept."""

    conformsTo: list[str] = Field(description="URIs of the classes.")


class ProcessSummary(BaseModel):
    """One process, without its inputs and outputs."""

    id: str
    version: str
    title: str
    description: str
    keywords: list[str]
    jobControlOptions: list[Literal["sync-execute", "async-execute", "dismiss"]]
    outputTransmission: list[Literal["value", "reference"]]
    links: list[Link]


class ProcessList(BaseModel):
    """All processes."""

    processes: list[ProcessSummary]
    links: list[Link]


class ProcessDescription(ProcessSummary):
    """One process, with its inputs and outputs by id, each with the JSON Schema of its values."""

    inputs: dict[str, dict[str, JsonValue]]
    outputs: dict[str, dict[str, JsonValue]]


def execute_body(example: dict[str, Any]) -> dict[str, Any]:
    """The body of an execute request. example: of one."""
    uri = {"type": "string", "format": "uri"}
    output = {
        "type": "object",
        "properties": {"transmissionMode": {"type": "string", "enum": ["value", "reference"]}},
    }
    schema = {
        "type": "object",
        "properties": {
            "inputs": {
                "type": "object",
                "description": "By id: a value, a qualified value ({value, mediaType}), a link ({href}), or a list.",
            },
            "outputs": {"type": "object", "additionalProperties": output, "description": "By id; all when missing."},
            "response": {"type": "string", "enum": ["raw", "document"]},
            "subscriber": {
                "type": "object",
                "description": "Kept with the job; this service does not call these addresses. `POST /unmix` has the "
                "field `webhook`.",
                "properties": {"successUri": uri, "inProgressUri": uri, "failedUri": uri},
            },
        },
        "example": example,
    }
    return {"requestBody": {"required": True, "content": {"application/json": {"schema": schema}}}}
