"""Documents of inspections; those of results are ``unmixing.io.products.schemas``."""

from pydantic import BaseModel, Field

from unmixing.io.products.schemas.inputs import InspectedImage, InspectedMixtures
from unmixing.types import ResultWarning


class InspectionDocument(BaseModel):
    """How an input is read, by the same reader as a job's."""

    warnings: list[ResultWarning] = Field(description="Doubts about the numbers; empty when nothing was noticed.")
    input: InspectedImage | InspectedMixtures
    false_colour_png: str | None = Field(None, description="With `picture=true`, of an image: PNG in base64.")
