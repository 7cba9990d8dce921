"""The manifest of a trained model, all that is needed to use it again; it travels in the ONNX file itself."""

import math
from enum import StrEnum
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, JsonValue

METADATA_KEY = "unmixing.manifest"
"""Under this key of the ONNX file's metadata lies the manifest, as JSON."""

MODEL_MEDIA_TYPE = "application/onnx"
"""Content type of a model over HTTP and among the assets of a result."""


class AbundancesAre(StrEnum):
    """The quantity that the abundances of a model are shares of."""

    EQUALLY_BRIGHT = "shares of equally bright spectra"
    """Endmembers are counted with norm 1: what the shape of the spectra says, and nothing of how bright each is."""
    BRIGHTNESS_MODEL = "shares of spectra as bright as the scene says"
    """Endmembers have the norms learned from the scene: shares of area where brightness hardly varies by itself, the
    nearer to shares of equally bright spectra the more it does (``brightness_deviation`` among the metrics)."""
    DECODER = "shares of spectra as bright as the decoder learned"
    """Endmembers have the relative norms of an autoencoder's decoder."""
    SOURCES = "sources in the units of the mixtures"
    """No shares: sources of a mixture matrix, whose mixing matrix has rows of norm 1."""


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

    format_version: Literal[1] = Field(1, description="Of the manifest itself.")
    kind: Literal["image", "mixtures"] = Field(description="What the model was trained on.")
    method: str = Field(description="Name of a row of METHODS.")
    request: dict[str, JsonValue] = Field(description="The request that it was trained for.")
    network: dict[str, JsonValue] = Field(description="How its network was built and trained.")
    n_bands: int = Field(ge=1, description="Bands, or channels, of the input, those left out included.")
    used_bands: tuple[int, ...] = Field(description="Those that are looked at, counted from 0.")
    n_endmembers: int = Field(ge=1, description="Endmembers, or sources.")
    endmember_names: tuple[str, ...] = Field(description="One per endmember.")
    wavelengths_nm: tuple[float, ...] | None = Field(None, description="Of all bands of the input, where known.")
    neighbourhood: int = Field(1, ge=1, description="Side of the square of pixels that an abundance depends on.")
    abundances_are: AbundancesAre = Field(description="What the abundances are shares of.")
    nonnegative: bool | None = Field(None, description="Whether sources are at least 0; of mixtures alone.")
    versions: Versions = Field(description="What made the model.")
    metrics: dict[str, JsonValue] = Field(description="How the training went, without its seconds.")
    onnx_parity: float = Field(
        math.inf, description="Largest relative difference between ONNX Runtime and PyTorch; infinite until checked."
    )
