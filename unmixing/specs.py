"""Specs of a request, validated once at the edge and trusted inside."""

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field

MAX_ENDMEMBERS = 32

AbundancesOf = Literal["area", "shape"]
"""The quantity that abundances are shares of. ``area``: lit area, endmembers being as bright as the scene's nearly pure
pixels and brightness the factor that is left (shade, relief). ``shape``: spectra of norm 1, however bright each
material is. One fit has both: shape_k ~ area_k * norm_k."""


def _numbers(value: Any) -> Any:
    """A list of numbers from its text, or from any sequence."""
    if isinstance(value, str):
        return tuple(float(part) for part in value.replace(",", " ").split())
    return tuple(float(part) for part in value) if isinstance(value, Iterable) else value


def _text(value: Any) -> Any:
    """A list as the text that a form would hold."""
    is_list = isinstance(value, Sequence) and not isinstance(value, str)
    return ",".join(str(item) for item in value) if is_list else value


def _size(value: str | None) -> str | None:
    parts = [] if value is None else [part.strip() for part in value.split(":")]
    if len(parts) > 2 or parts == [""] or any(part and not part.isdecimal() for part in parts):
        raise ValueError("say first:one-after-last, counted from 0, as in 0:100, or how many there are")
    return value


Size = Annotated[str | None, AfterValidator(_size)]
"""A count, or a range ``first:one-after-last`` whose ends may be left out."""


def period(text: str) -> str:
    """A moment, or begin/end, in UTC where it names no other zone; a day alone is the whole day. Raises ValueError."""
    begin, _, end = (part.strip() for part in text.partition("/"))
    days = (begin, "T00:00:00"), (end or begin, "T23:59:59")
    found = (datetime.fromisoformat(day + time if len(day) == 10 else day) for day, time in days)
    first, last = (moment.replace(tzinfo=moment.tzinfo or UTC).astimezone(UTC) for moment in found)
    if first > last:
        raise ValueError("it ends before it begins")
    return "/".join(dict.fromkeys(moment.isoformat().replace("+00:00", "Z") for moment in (first, last)))


Bands = Annotated[str | None, BeforeValidator(_text)]
Period = Annotated[str | None, AfterValidator(lambda text: None if text is None else period(text))]
Address = Annotated[str, Field(pattern=r"^(https?|s3)://[^\s/@?#]+(/\S*)?$", max_length=2000)]
Wavelength = Annotated[float, Field(gt=0, allow_inf_nan=False)]


class InputSpec(BaseModel):
    """How an input is to be read where its file does not say, or says wrongly. What is missing is as the file says.

    >>> InputSpec(rows="0:100", wavelengths=[400.0, 410.0]).given()
    {'rows': '0:100', 'wavelengths': (400.0, 410.0)}
    """

    model_config = ConfigDict(frozen=True, strict=True, extra="forbid")

    variable: str | None = Field(None, description="Which array of a file with several is meant.")
    axes: str | None = Field(
        None, description="What the axes of the array are, in their order: `bands,rows,columns` and so on."
    )
    rows: Size = Field(
        None,
        description="Which rows to take, `0:100` for the first hundred, or how many a matrix of pixels has, `95`.",
    )
    columns: Size = Field(
        None,
        description="Which columns to take, `0:100` for the first hundred, or how many a matrix of pixels has, `95`.",
    )
    wavelengths: Annotated[tuple[Wavelength, ...] | None, BeforeValidator(_numbers)] = Field(
        None,
        description="The wavelength of every band in place of the file's: a list, or a text file. Nanometres; "
        "micrometres where all are below 100.",
    )
    bad_bands: Bands = Field(
        None,
        description="Bands to leave out beside those that the file marks: `1350-1430nm,1800-1950nm`, or numbers "
        "counted from 0, `0,5,100-120`; both ends are meant.",
    )
    keep_bands: Bands = Field(None, description="The only bands to use, whatever the file marks; as `bad_bands`.")
    nodata: float | None = Field(
        None, allow_inf_nan=False, description="The number in the file that means no data, in place of the file's."
    )
    scale: float | None = Field(
        None, gt=0, allow_inf_nan=False, description="By which the numbers are multiplied, in place of the file's."
    )
    mask: str | None = Field(
        None,
        description="A file that says which pixels to use: a raster of the image's size, not zero where they are, or "
        "GeoJSON, whose polygons hold them.",
    )
    acquired: Period = Field(
        None,
        description="When it was taken: `2024-05-01`, `2024-05-01T10:00:00Z`, or begin and end with / between them.",
    )
    derived_from: Address | None = Field(
        None, description="The address of what the file is a copy of, for the link `derived_from` of the results."
    )

    def given(self) -> dict[str, Any]:
        """The fields that were set, without the others."""
        return self.model_dump(exclude_none=True)


class UnmixSpec(BaseModel):
    """One request to unmix one scene. Equal cube, spec and machine give an equal result."""

    model_config = ConfigDict(frozen=True, strict=True, extra="forbid")

    method: str = Field(
        "lpalm",
        description="Name of a row of METHODS; several, with commas between them, or `compare` for all of them, are "
        "compared on the image.",
    )
    n_endmembers: int | None = Field(
        None,
        ge=2,
        le=MAX_ENDMEMBERS,
        description="How many materials there are, given ones counted too; estimated when missing.",
    )
    abundances_of: AbundancesOf = Field(
        "area",
        description="What abundances are shares of: lit `area`, with endmembers as bright as the scene's nearly pure "
        "pixels, or the `shape` of spectra, all counted with norm 1. One model answers both.",
    )
    pure_pixels: bool = Field(
        True,
        description="Whether every material has pixels made of it alone, or nearly. When not, `lpalm` looks for "
        "endmembers beyond the pixels; where it is not so, that makes a good answer worse.",
    )
    seed: int = Field(0, ge=0, le=2**32 - 1, description="Seed of every random choice.")
    max_training_seconds: float | None = Field(
        None, gt=0, le=86_400, description="Stop training at the first epoch after this many seconds."
    )


class TrainingSpec(BaseModel):
    """How a network is trained."""

    model_config = ConfigDict(frozen=True, strict=True, extra="forbid")

    n_training_sets: int = Field(200, ge=1, description="Images to train on.")
    n_validation_sets: int = Field(40, ge=1, description="Images held out for early stopping.")
    pixels_per_set: int = Field(256, ge=2, description="Pixels of such an image.")
    max_epochs: int = Field(30, ge=1, description="Passes over the training sets at most.")
    patience: int = Field(8, ge=1, description="Epochs without a better validation error before stopping.")
    batch_sets: int = Field(16, ge=1, description="Images per step.")
    learning_rate: float = Field(2e-3, gt=0, description="Largest learning rate of the one-cycle schedule.")
    warm_up: float = Field(0.3, gt=0, lt=1, description="Share of the steps after which the learning rate is largest.")


class UnrolledSpec(TrainingSpec):
    """How a network unrolled from an algorithm is built, and trained on synthetic images."""

    n_runs: int = Field(36, ge=1, description="Random extraction runs that make the bundles.")
    n_dirichlets: int = Field(
        1, ge=1, le=8, description="Dirichlet distributions at most in the mixture that abundances are drawn from."
    )
    n_layers: int = Field(8, ge=1, le=100, description="Unrolled iterations.")


class LpalmSpec(UnrolledSpec):
    """How LPALM is built and trained. One default for every scene."""

    n_dimensions: int = Field(20, ge=2, description="Dimensions of the subspace the network works in.")
    max_epochs: int = Field(20, ge=1, description="Passes over the training sets at most.")
    learning_rate: float = Field(1e-2, gt=0, description="Largest learning rate of the one-cycle schedule.")
    warm_up: float = Field(0.1, gt=0, lt=1, description="Share of the steps after which the learning rate is largest.")


class NmfSpec(BaseModel):
    """When the multiplicative updates stop."""

    model_config = ConfigDict(frozen=True, strict=True, extra="forbid")

    max_iterations: int = Field(500, ge=1, description="Updates at most.")
    tolerance: float = Field(1e-4, ge=0, description="Relative change of a factor that counts as none.")


class SnmfSpec(NmfSpec):
    """How sparse, and when to stop."""

    l1: float = Field(1e-6, ge=0, description="Weight of the L1 term for pixels of median norm 1.")
    max_iterations: int = Field(100, ge=1, description="Rounds of coordinate descent at most.")


class PalmSpec(BaseModel):
    """How sparse, and when to stop."""

    model_config = ConfigDict(frozen=True, strict=True, extra="forbid")

    threshold: float = Field(1e-3, ge=0, description="Weight of the L1 term for pixels of median norm 1.")
    max_iterations: int = Field(500, ge=1, description="Iterations at most.")
    tolerance: float = Field(1e-4, ge=0, description="Relative change of a factor that counts as none.")


class IstaSpec(PalmSpec):
    """How sparse, and when to stop."""

    n_runs: int = Field(36, ge=1, description="Random extraction runs that make the bundles.")
    max_iterations: int = Field(2000, ge=1, description="Iterations at most.")
    tolerance: float = Field(1e-5, ge=0, description="Relative change of the contributions that counts as none.")


class ListaSpec(UnrolledSpec):
    """How LISTA and LISTA-CP are built and trained."""

    n_layers: int = Field(16, ge=1, le=100, description="Unrolled iterations.")
    n_dimensions: int = Field(20, ge=2, description="Dimensions of the subspace the network works in.")


class NalmuSpec(UnrolledSpec):
    """How NALMU is built and trained."""


class AlmuSpec(NalmuSpec):
    """How ALMU, and the NALMU in it, are built and trained."""

    n_hidden: int = Field(32, ge=1, description="Hidden units of a layer's perceptron.")


class DnmfSpec(TrainingSpec):
    """How DNMF is built and trained, on pixels of the image alone."""

    n_layers: int = Field(8, ge=1, le=100, description="Unrolled updates.")


class CnnaeuSpec(BaseModel):
    """How CNNAEU is built and trained, on patches of the image. Sizes in pixels."""

    model_config = ConfigDict(frozen=True, strict=True, extra="forbid")

    patch: int = Field(40, ge=1, description="Side of a patch at most; a smaller image is one patch.")
    n_filters: int = Field(48, ge=1, description="Features of the hidden layer.")
    decoder: int = Field(11, ge=1, description="Side of the decoder's filters, odd.")
    dropout: float = Field(0.2, ge=0, lt=1, description="Share of the features left out at random while training.")
    sharpness: float = Field(3.5, gt=0, description="Factor before the softmax that makes abundances.")
    max_epochs: int = Field(200, ge=1, description="Times that as many patches are drawn as cover the image.")
    batch_patches: int = Field(15, ge=1, description="Patches per step at most.")
    learning_rate: float = Field(1e-3, gt=0, description="Learning rate of RMSprop.")
