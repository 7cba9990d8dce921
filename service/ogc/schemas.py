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
                "description": "Who is told of a job, by a POST to each address that is given, guarded and repeated as "
                "webhooks are, and signed where the service has a key.",
                "properties": {
                    "successUri": {**uri, "description": "The results, as a document."},
                    "inProgressUri": {**uri, "description": "The job, once it is being worked on."},
                    "failedUri": {**uri, "description": "The job, when it has failed or was dismissed."},
                },
            },
        },
        "example": example,
    }
    return {"requestBody": {"required": True, "content": {"application/json": {"schema": schema}}}}
