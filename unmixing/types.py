"""The nouns: a cube, the model trained on it, and the unmixing that comes out.

One orientation everywhere: rows are the things counted. ``pixels`` (n_pixels, n_bands), ``endmembers``
(n_endmembers, n_bands), ``abundances`` (n_pixels, n_endmembers).
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

import numpy as np
from numpy.typing import NDArray

from unmixing.manifest import ModelManifest
from unmixing.specs import AbundancesOf

Float32 = NDArray[np.float32]
Float64 = NDArray[np.float64]
Bool = NDArray[np.bool_]
UInt8 = NDArray[np.uint8]


@dataclass(frozen=True)
class Compute:
    """Where the work is done. ``device``: "cpu", "cuda", or "auto" for cuda when present. More ``threads`` are
    faster on large images, but only an equal number gives equal results to the last digit."""

    device: str = "cpu"
    threads: int = 1


@dataclass(frozen=True)
class Georeference:
    """Where the pixels lie. ``transform`` is the affine (a, b, c, d, e, f): x = a*col + b*row + c,
    y = d*col + e*row + f, rotated ones included. ``crs_wkt`` is None when the file names no CRS."""

    crs_wkt: str | None
    transform: tuple[float, float, float, float, float, float]


@dataclass(frozen=True, eq=False)
class MapGrid:
    """A grid on Earth that shows an image whose own pixels lie on none, as a sensor sees them askew.

    rows, columns: (grid_rows, grid_columns) int32, the pixel of the image that each of the grid's shows; -1 where it
    shows none. georeference: of the grid.
    """

    georeference: Georeference
    rows: NDArray[np.int32]
    columns: NDArray[np.int32]

    @property
    def shape(self) -> tuple[int, int]:
        return self.rows.shape[0], self.rows.shape[1]


@dataclass(frozen=True, eq=False)
class SceneFacts:
    """Facts of a header beside the numbers; see ``Cube`` for the meaning of each.

    wavelengths_nm, bad_bands: (n_bands,), the latter true where the provider marks a band bad. scale: by which the
    numbers are multiplied. nodata: the number that means there is none. source: how the file was read, for the results.
    bands_chosen: whether those that are not bad were asked for: none of them is dropped as noise then. grid: where maps
    are shown of a scene without a georeference of its own.
    """

    wavelengths_nm: Float64 | None = None
    bad_bands: Bool | None = None
    scale: float = 1.0
    nodata: float | None = None
    georeference: Georeference | None = None
    source: Mapping[str, Any] = field(default_factory=dict)
    bands_chosen: bool = False
    grid: MapGrid | None = None


class WarningCode(StrEnum):
    """Why an answer may be wrong; ``unmixing.warnings.table`` says what each means and what to do."""

    FEW_BANDS = "few_bands"
    LOOKS_LIKE_ABUNDANCES = "looks_like_abundances"
    LOOKS_LIKE_PICTURE = "looks_like_picture"
    NEGATIVE_VALUES = "negative_values"
    SUSPECTED_FILL = "suspected_fill"
    NOISY_BANDS = "noisy_bands"
    BANDS_NOT_IN_ORDER = "bands_not_in_order"
    COUNT_UNCERTAIN = "count_uncertain"
    DUPLICATE_ENDMEMBERS = "duplicate_endmembers"
    GIVEN_BRIGHTNESS = "given_brightness"
    PERHAPS_NOT_PURE = "perhaps_not_pure"
    NO_BETTER_THAN_BASELINE = "no_better_than_baseline"
    LIBRARY_FAR = "library_far"
    OTHER_WAVELENGTHS = "other_wavelengths"
    LARGE_RESIDUAL = "large_residual"
    RARE_ENDMEMBER = "rare_endmember"
    UNLIKE_TRAINING_SCENE = "unlike_training_scene"


@dataclass(frozen=True)
class ResultWarning:
    """A reason to doubt an answer. message: one sentence with the numbers measured. action: what to do about it."""

    code: WarningCode
    message: str
    action: str


@dataclass(frozen=True)
class DroppedBand:
    """A band left out of the computation. ``index`` counts from 0."""

    index: int
    reason: str


@dataclass(frozen=True)
class FillValue:
    """A number that stands for no data although the file does not say so. value: scaled. whole_spectrum: only where all
    bands of a pixel have it."""

    value: float
    whole_spectrum: bool


@dataclass(frozen=True, eq=False, kw_only=True)
class ImageInfo:
    """Description of a hyperspectral image beside its numbers.

    shape: rows, columns, bands. used_bands: (bands,) bool; the others are left out of the computation.
    wavelengths_nm: (bands,) in nanometres, not necessarily monotonic, or None.
    scale: the factor that was applied to the numbers in the file. warnings: what its numbers give reason to doubt.
    """

    shape: tuple[int, int, int]
    used_bands: Bool
    dropped_bands: tuple[DroppedBand, ...] = ()
    fill_values: tuple[FillValue, ...] = ()
    wavelengths_nm: Float64 | None = None
    scale: float = 1.0
    nodata: float | None = None
    georeference: Georeference | None = None
    source: Mapping[str, Any] = field(default_factory=dict)
    """Facts that the reader found, JSON-able: ``format``, ``variable``, ``wavelength_units`` and so on."""
    warnings: tuple[ResultWarning, ...] = ()
    grid: MapGrid | None = None


@dataclass(frozen=True, eq=False, kw_only=True)
class Cube(ImageInfo):
    """A hyperspectral image in memory, scaled once.

    values: (rows, columns, bands) float32 with the scale factor applied; NaN where there is no data.
    valid_pixels: (rows, columns) bool, true where every used band is finite and not all of them are zero.
    """

    values: Float32
    valid_pixels: Bool

    def pixels(self) -> Float32:
        """The valid pixels in row-major order over the used bands, (n_valid_pixels, n_used_bands)."""
        return self.values[self.valid_pixels][:, self.used_bands]


@dataclass(frozen=True, eq=False)
class GivenEndmembers:
    """Endmembers that are known before an image is looked at: kept as they are, only the others are found.

    names: all different. spectra: (n_given, n_used_bands), not negative, in the units of the image. brightness: the
    norm of each over that of the image's brightest pixel.
    """

    names: tuple[str, ...]
    spectra: Float64
    brightness: tuple[float, ...]


@dataclass(frozen=True)
class TrainedModel:
    """A network as bytes of ONNX, and the manifest that lies in them: the bytes alone are enough to use it again
    (``unmixing.inference.stored``). seconds: per stage of its training, empty for one that was not trained just now.
    """

    onnx: bytes
    manifest: ModelManifest
    seconds: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True, eq=False)
class Unmixing:
    """The result of unmixing a scene.

    endmembers: (n_endmembers, bands) float32 over all bands of the input, NaN where a band was dropped.
    abundances: (rows, columns, n_endmembers) float32, non-negative, summing to one; NaN where masked.
    brightness: (rows, columns) float32, the factor between a pixel and its mixture; NaN where masked.
    metrics: JSON-able; see ``docs/results.md``.
    model: the network that made it (None for methods without one).
    abundances_of: what abundances are shares of, ``area`` or ``shape`` (``unmixing.specs.AbundancesOf``). In both,
    brightness x abundances @ endmembers is nearest to the pixel; of ``shape``, endmembers have norm 1.
    endmember_norms: (n_endmembers,) in the units of the image, how bright each material is: shape_k ~ area_k * norm_k.
    uncertainty: (rows, columns, n_endmembers) float32, the standard deviation of each abundance: 1.645 of them on
    either side are meant to hold the truth nine times in ten. None where the method knows none.
    residual: (rows, columns) float32, per pixel the root mean square over the used bands of what brightness x
    abundances @ endmembers leaves of it, in the units of the image; NaN where masked.
    quality: (rows, columns) uint8, bits of ``unmixing.inference.quality.QualityFlag``.
    provenance: JSON-able; method, the whole spec, seed, versions, times and peak memory (``docs/results.md``).
    warnings: why the answer may be wrong, from reading, fitting and unmixing; empty when nothing was noticed.
    n_given: how many of the endmembers, the first ones, were given and have been kept as they were.
    """

    endmembers: Float32
    abundances: Float32
    brightness: Float32
    endmember_names: tuple[str, ...]
    metrics: Mapping[str, Any]
    model: TrainedModel | None
    abundances_of: AbundancesOf
    endmember_norms: Float64
    uncertainty: Float32 | None = None
    residual: Float32 | None = None
    quality: UInt8 | None = None
    provenance: Mapping[str, Any] = field(default_factory=dict)
    warnings: tuple[ResultWarning, ...] = ()
    n_given: int = 0

    @property
    def spectra(self) -> Float32:
        """The endmembers as bright as the materials are, in the units of the image, whatever was asked for."""
        if self.abundances_of == "area":
            return self.endmembers
        scaled: Float32 = (self.endmembers * self.endmember_norms[:, None]).astype(np.float32)
        return scaled


@dataclass(frozen=True, eq=False)
class SpectralLibrary:
    """Spectra of known materials.

    names: one per spectrum, repeats allowed. wavelengths_nm: (bands,) in nanometres, in any order, or None.
    spectra: (n_spectra, bands), NaN where missing.
    """

    names: tuple[str, ...]
    wavelengths_nm: Float64 | None
    spectra: Float64
