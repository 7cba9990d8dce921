"""Specs of the separation of a mixture matrix, and how its network is built."""

from pydantic import BaseModel, ConfigDict, Field

MAX_SOURCES = 16


class SeparationSpec(BaseModel):
    """One request to separate one mixture matrix. Equal mixtures, spec and machine give an equal result."""

    model_config = ConfigDict(frozen=True, strict=True, extra="forbid")

    method: str = Field("lpalm", description="Name of a row of SEPARATION_METHODS.")
    n_sources: int = Field(ge=2, le=MAX_SOURCES, description="How many sources were mixed.")
    nonnegative: bool | None = Field(
        None, description="Whether sources and mixing matrix are at least 0; decided from the mixtures when missing."
    )
    sparse: bool | None = Field(
        None, description="Whether most samples hold few sources; decided from the mixtures when missing."
    )
    seed: int = Field(0, ge=0, le=2**32 - 1, description="Seed of every random choice.")
    max_training_seconds: float | None = Field(
        None, gt=0, le=86_400, description="Stop training at the first epoch after this many seconds."
    )


class SeparationNetworkSpec(BaseModel):
    """How a network for mixtures is built and trained. One default for every mixture matrix."""

    model_config = ConfigDict(frozen=True, strict=True, extra="forbid")

    n_layers: int = Field(10, ge=1, le=100, description="Unrolled iterations.")
    n_dimensions: int = Field(25, ge=2, description="Dimensions of the subspace the network works in.")
    n_components: int = Field(12, ge=1, description="Principal components of every source's columns in the library.")
    samples_per_set: int = Field(500, ge=2, description="Samples of a synthetic mixture.")
    batch_sets: int = Field(32, ge=1, description="Synthetic mixtures per step.")
    steps_per_epoch: int = Field(24, ge=1, description="Steps between two looks at the validation mixtures.")
    max_epochs: int = Field(12, ge=1, description="Epochs at most.")
    patience: int = Field(4, ge=1, description="Epochs without a better validation error before stopping.")
    learning_rate: float = Field(3e-3, gt=0, description="Largest learning rate of the one-cycle schedule.")


class SparseSpec(BaseModel):
    """How sparse, and when PALM and ISTA stop."""

    model_config = ConfigDict(frozen=True, strict=True, extra="forbid")

    threshold: float = Field(2e-2, ge=0, description="Weight of the L1 term for mixtures of mean power 1.")
    max_iterations: int = Field(3_000, ge=1, description="Iterations at most.")
    tolerance: float = Field(1e-5, ge=0, description="Relative change of a factor that counts as none.")
