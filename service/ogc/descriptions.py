"""Processes as the standard describes them (OGC Process Description, JSON)."""

from typing import Any

from service.ogc.processes import Input, OutputKind, Process

EXECUTE_REL = "http://www.opengis.net/def/rel/ogc/1.0/execute"
VERSION = "1.0.0"


def summary_of(process: Process, base: str) -> dict[str, Any]:
    """The entry in the list of processes. base: URL of the service, with a slash at its end."""
    url = f"{base}processes/{process.id}"
    return {
        "id": process.id,
        "version": VERSION,
        "title": process.title,
        "description": process.description,
        "keywords": ["hyperspectral", "spectral unmixing"],
        "jobControlOptions": list(process.control),
        "outputTransmission": list(process.transmission),
        "links": [
            {"href": url, "rel": "self", "type": "application/json", "title": "Description"},
            {"href": f"{url}/execution", "rel": EXECUTE_REL, "type": "application/json", "title": "Execute"},
        ],
    }


def description_of(process: Process, base: str) -> dict[str, Any]:
    """Everything about it."""
    return {
        **summary_of(process, base),
        "inputs": {name: _input(row) for name, row in process.inputs.items()},
        "outputs": {name: _output(row) for name, row in process.outputs.items()},
    }


def _input(row: Input) -> dict[str, Any]:
    return {
        "title": row.title,
        "description": row.description or row.title,
        "minOccurs": row.n_least,
        "maxOccurs": row.n_most,
        "schema": dict(row.schema),
    }


def _output(row: OutputKind) -> dict[str, Any]:
    return {"title": row.title, "schema": dict(row.schema)}
