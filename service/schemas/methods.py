"""Methods, and their names as the OpenAPI document lists them."""

from typing import Annotated

from pydantic import AfterValidator, WithJsonSchema

from unmixing.methods import METHODS


def _known(name: str) -> str:
    if name not in METHODS:
        raise ValueError(f"it has to be one of {', '.join(METHODS)}")
    return name


MethodName = Annotated[str, AfterValidator(_known), WithJsonSchema({"type": "string", "enum": list(METHODS)})]
"""The name of one method. METHODS is a table, so its names are no enumeration that a type checker could see."""
