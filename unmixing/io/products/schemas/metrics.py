"""The section ``metrics`` of a result. A metric is there where the method has it; ``docs/results.md`` says more."""

from pydantic import BaseModel, Field

Numbers = list[float | None]
"""NaN and infinity are null: JSON has neither."""


class LibraryMatch(BaseModel):
    """A material of the spectral library that an endmember is like."""

    name: str = Field(examples=["red clay"])
    full_name: str = Field(description="Of the spectrum that is nearest.", examples=["lib/soils/red clay.txt"])
    angle_radians: float = Field(examples=[0.04])


class Timed(BaseModel):
    """The metric that every result has."""

    seconds: dict[str, float] = Field(description="Per stage.", examples=[{"training": 21.5, "total": 24.1}])


class Converging(BaseModel):
    """Of iterative methods."""

    iterations: int | None = Field(None, description="How many it took.", examples=[140])
    converged: bool | None = Field(None, description="Whether it stopped by itself.")


class Counting(BaseModel):
    """How the number of endmembers was found."""

    n_endmembers_estimated_by: str | None = Field(None, description="Null when the request named a number.")
    n_endmembers_certainty: float | None = Field(None, description="0 to 1: how much worse the second best is.")
    n_endmembers_range: list[int] | None = Field(None, description="Least and largest number to reckon with.")
    n_endmembers_reason: str | None = Field(None, description="The figures behind it, as a sentence.")
    n_endmembers_residuals: Numbers | None = Field(None, description="Relative residual with 1, 2, 3 ... of them.")
    n_endmembers_hysime: int | None = Field(None, description="The figure of HySime, beside the estimate.")


class TrainingMetrics(BaseModel):
    """How a training went."""

    training_stopped_by: str | None = Field(None, examples=["patience"])
    training_reconstruction_relative: float | None = Field(
        None, description="`reconstruction_relative` of pixels of the scene it was trained on."
    )
    validation_nmse: Numbers | None = Field(None, description="Of abundances, or sources, per epoch.")
    validation_nmse_endmembers: Numbers | None = Field(None, description="The same of endmembers.")
    validation_reconstruction_nmse: Numbers | None = Field(None, description="Of deep NMF, per epoch.")
    best_epoch: int | None = Field(None, description="Of deep NMF: the epoch that was kept.")
    training_angles_radians: Numbers | None = Field(None, description="Of CNNAEU, per epoch.")
    constant_answer_nmse: float | None = Field(None, description="Of the library's spectra with NNLS on the same sets.")
    constant_answer_nmse_endmembers: float | None = Field(None, description="The same of endmembers.")
    pure_for_each_nearly_pure: float | None = Field(
        None,
        description="Pixels that look pure for each that nearly does, over the endmembers; few where none may be.",
        examples=[1.34],
    )
    ratio_to_constant_answer: float | None = Field(None, description="Below 1 the network beats that answer.")
    beats_constant_answer: bool | None = None
    bundle_spread_radians: Numbers | None = Field(None, description="Per endmember, how far runs differ.")
    bundle_runs: int | None = Field(None, description="Runs that agreed.")
    brightness_deviation: float | None = Field(None, description="How much brightness varies around 1.")
    brightness_near_one: bool | None = Field(None, description="Whether brightness was held near 1.")
    uncertainty_coverage: float | None = Field(None, description="Share of held-out abundances in their 90 % interval.")


class ImageMetrics(Timed, Converging, Counting, TrainingMetrics):
    """Metrics of an unmixed image."""

    reconstruction_relative: float | None = Field(
        description="Norm of the residual over that of the pixels.", examples=[0.021]
    )
    reconstruction_rmse: float | None = Field(description="In the unit of the image.", examples=[0.006])
    reconstruction_sam_radians: float | None = Field(
        description="Mean angle between pixels and reconstruction.", examples=[0.014]
    )
    endmember_presence: Numbers = Field(
        description="Per endmember the share of pixels with more than a tenth of it.", examples=[[0.5, 0.61, 0.32]]
    )
    fitted_on_pixels: int | None = Field(None, description="Of large images: how many pixels the method saw.")
    library_matches: list[list[LibraryMatch]] | None = Field(
        None, description="With a spectral library: the best matches of each endmember."
    )
    library_margins: Numbers | None = Field(
        None, description="With a spectral library: how sure the name of each endmember is, 0 to 1."
    )


class SeparationMetrics(Timed, Converging, TrainingMetrics):
    """Metrics of separated mixtures."""

    method: str = Field(examples=["lpalm"])
    reconstruction_nmse: float | None = Field(
        description="Squared error of sources times mixing matrix over the mixtures' own square.", examples=[0.003]
    )
    nonnegative: bool = Field(description="Whether sources and mixing matrix were taken to be at least 0.")
    nonnegative_decided_by: str | None = Field(None, description="`mixtures`, `request` or `method`.")
    sparse: bool | None = Field(None, description="Whether most samples were taken to hold few sources.")
    sparse_decided_by: str | None = Field(None, description="`mixtures` or `request`.")
    source_shapes: Numbers | None = Field(None, description="Of the generalised Gaussians: 2 Gauss, 1 Laplace.")
    snr_db: float | None = Field(None, description="Signal over noise.")
    agreeing_runs: int | None = Field(None, description="Of 24 separations, how many found the best one's sources.")
    library: str | None = Field(None, description="`given`, or from the `mixtures`.")
    library_matrices: int | None = Field(None, description="How many matrices it has.")
    validation_nmse_mixing_matrix: Numbers | None = Field(None, description="Per epoch.")
    n_layers: int | None = Field(None, description="Of the network.")
    n_parameters: int | None = Field(None, description="Of the network.")
