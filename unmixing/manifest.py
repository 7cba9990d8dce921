"""The manifest of a trained model, all that is needed to use it again; it travels in the ONNX file itself."""

import math
from collections.abc import Sequence
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, JsonValue

METADATA_KEY = "unmixing.manifest"
"""Under this key of the ONNX file's metadata lies the manifest, as JSON."""

MODEL_MEDIA_TYPE = "application/onnx"
"""Content type of a model over HTTP and among the assets of a result."""


def endmember_names(given: Sequence[str], n_endmembers: int) -> tuple[str, ...]:
    """Names of all endmembers: of those given, the first ones, their own, of the others their number.

    >>> endmember_names(["water"], 3)
    ('water', 'endmember 2', 'endmember 3')
    """
    return (*given, *(f"endmember {number}" for number in range(len(given) + 1, n_endmembers + 1)))


class Versions(BaseModel):
    """Versions of the software that made a model."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    project: str
    torch: str
    onnx: str
    onnxruntime: str


class ModelManifest(BaseModel):
    """Manifest of a trained model. Equal trainings give equal manifests: no clock is in it."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    format_version: Literal[2] = Field(2, description="Of the manifest itself.")
    kind: Literal["image", "mixtures"] = Field(description="What the model was trained on.")
    method: str = Field(description="Name of a row of METHODS.")
    request: dict[str, JsonValue] = Field(description="The request that it was trained for.")
    network: dict[str, JsonValue] = Field(description="How its network was built and trained.")
    n_bands: int = Field(ge=1, description="Bands, or channels, of the input, those left out included.")
    used_bands: tuple[int, ...] = Field(description="Those that are looked at, counted from 0.")
    n_endmembers: int = Field(ge=1, description="Endmembers, or sources.")
    endmember_names: tuple[str, ...] = Field(description="One per endmember.")
    n_given: int = Field(
        0, ge=0, description="How many of the endmembers, the first ones, were given and are always as they were."
    )
    wavelengths_nm: tuple[float, ...] | None = Field(None, description="Of all bands of the input, where known.")
    neighbourhood: int = Field(1, ge=1, description="Side of the square of pixels that an abundance depends on.")
    abundances_of: Literal["area", "sources"] = Field(
        description="What the file's own `abundances` count: shares of lit area, whatever was asked for, or, "
        "of mixtures, the sources in the units of the mixtures."
    )
    endmember_norms: tuple[float, ...] | None = Field(
        None,
        description="Of an image's endmembers, in the units of its numbers: abundances of `shape` are those of `area` "
        "times these, divided by their sum.",
    )
    shape_deviation_factors: tuple[float, ...] | None = Field(
        None, description="By what standard deviations of `shape` exceed those that follow from `area`; where learned."
    )
    nonnegative: bool | None = Field(None, description="Whether sources are at least 0; of mixtures alone.")
    versions: Versions = Field(description="What made the model.")
    metrics: dict[str, JsonValue] = Field(description="How the training went, without its seconds.")
    onnx_parity: float = Field(
        math.inf, description="Largest relative difference between ONNX Runtime and PyTorch; infinite until checked."
    )
