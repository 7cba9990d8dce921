"""The document of a result with URLs in it."""

from typing import Any


def linked(document: dict[str, Any], job_id: str, base: str) -> dict[str, Any]:
    """The document with URLs for its files, which name themselves only, and for its model. base: URL of the service,
    with a slash at its end."""
    assets = {
        name: {**facts, "href": f"{base}jobs/{job_id}/results/{name}"} for name, facts in document["assets"].items()
    }
    found = {**document, "assets": assets, "model": _with_link(document["model"], base)}
    if comparison := document.get("comparison"):
        answers = [{**answer, "model": _with_link(answer["model"], base)} for answer in comparison["answers"]]
        found["comparison"] = {**comparison, "answers": answers}
    return found


def _with_link(model: dict[str, Any] | None, base: str) -> dict[str, Any] | None:
    return None if model is None else {**model, "links": [{"rel": "item", "href": f"{base}models/{model['id']}"}]}
