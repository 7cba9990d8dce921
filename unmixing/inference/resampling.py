"""An image at the bands of a stored model, where its own are others.

What a network has learned belongs to the bands it was trained on, so the pixels come to these and the network stays as
it is. Only what the image has measured is used: a band of the model beyond its range, or in a wide gap, is refused.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from unmixing.cubes import cube_from_array
from unmixing.errors import BandMismatchError
from unmixing.inference.images import Block, Image
from unmixing.manifest import ModelManifest
from unmixing.types import Bool, Cube, Float32, Float64, ResultWarning, SceneFacts, TrainedModel, WarningCode
from unmixing.warnings.table import warning

MAX_SHIFT = 0.5
"""Wavelengths that differ by more than this share of the distance between bands are those of other bands."""

MAX_DISTANCE_NM = 50.0
"""A band of the model that is further from every band of the image is not known: absorptions are that wide."""

LEAST_AVERAGED = 3
"""With so many bands of the image within the width of a band of the model, their weighted mean is taken."""

REACH = 1.0
"""How far a mean goes to either side, in widths of the band: a Gaussian is a sixteenth of its height there."""

RESAMPLED, WIDTHS = "resampled", "fwhm_nm"
"""Among the facts of an image's source: how it came to the bands of a model, and the widths of its own."""


@dataclass(frozen=True, eq=False)
class Resampling:
    """From bands of an image to those of a model.

    indices, weights: (n_most, n_bands), of each band of the model the bands of the image that make it up and how much;
    where there are fewer than ``n_most``, the first of them again with weight 0. wavelengths_nm: (n_bands,) of the
    model. needed: indices of the image's bands behind the model's used ones. facts: JSON-able.
    """

    indices: NDArray[np.intp]
    weights: Float32
    wavelengths_nm: Float64
    needed: NDArray[np.intp]
    facts: dict[str, Any]

    def apply(self, values: Float32) -> Float32:
        """(..., bands of the image) to (..., bands of the model). Each number depends on its pixel alone, to the last
        bit; NaN where one of the bands behind it is NaN."""
        found: Float32 = values[..., self.indices[0]] * self.weights[0]
        for indices, weights in zip(self.indices[1:], self.weights[1:], strict=True):
            there = np.flatnonzero(weights)
            found[..., there] += values[..., indices[there]] * weights[there]
        return found

    def warning(self) -> ResultWarning:
        """That the image was resampled, and how far its bands lie from those of the model."""
        said = self.facts
        text = (
            f"the image's {said['bands']} bands were resampled to the model's {len(self.wavelengths_nm)}; the bands "
            f"that the model uses lie up to {said['largest_distance_nm']:.1f} nm from the nearest of the image "
            f"({said['median_distance_nm']:.1f} nm in the median), and {said['model_spacing_nm']:.1f} nm apart"
        )
        return warning(WarningCode.OTHER_WAVELENGTHS, text)


class ResampledImage:
    """An image at the bands of a model. image: as it is."""

    def __init__(self, image: Image, resampling: Resampling) -> None:
        self.shape = (*image.shape[:2], len(resampling.wavelengths_nm))
        self.wavelengths_nm: Float64 | None = resampling.wavelengths_nm
        self.bad_bands: Bool | None = None
        self.bands_chosen, self.scale, self.nodata = image.bands_chosen, image.scale, image.nodata
        self.georeference, self.grid, self.windows = image.georeference, image.grid, image.windows
        self.source = {**image.source, WIDTHS: None, RESAMPLED: resampling.facts}
        self.original, self.resampling = image, resampling

    def scaled_blocks(self, first: int = 0, last: int | None = None, margin: int = 0) -> Iterator[Block]:
        for block in self.original.scaled_blocks(first, last, margin):
            yield block._replace(values=self.resampling.apply(block.values))

    def read_pixels(self, start: int, stop: int, chosen: NDArray[np.intp]) -> Float32:
        return self.resampling.apply(self.original.read_pixels(start, stop, chosen))

    def read(self) -> Cube:
        values = np.concatenate([block.values for block in self.scaled_blocks()])
        return cube_from_array(values, SceneFacts(wavelengths_nm=self.wavelengths_nm, source=self.source))


def at_model_bands(image: Image, model: TrainedModel | None) -> Image:
    """The image itself, or, where its wavelengths are others than the model's, resampled to these.

    Raises BandMismatchError where the image does not cover the bands that the model uses.
    """
    found = None if model is None else resampling_for(model.manifest, image)
    return image if found is None else ResampledImage(image, found)


def resampling_for(manifest: ModelManifest, image: Image) -> Resampling | None:
    """How an image comes to the bands of a model; None where they are the same, or where one of the two has no
    wavelengths. Raises BandMismatchError."""
    if manifest.wavelengths_nm is None or image.wavelengths_nm is None:
        return None
    trained, used = np.array(manifest.wavelengths_nm), np.array(manifest.used_bands, dtype=np.intp)
    widths = _spacing(trained[used])
    if trained.size == image.wavelengths_nm.size:
        shifts = np.abs(image.wavelengths_nm[used] - trained[used])
        if not (shifts > MAX_SHIFT * np.median(widths)).any():
            return None
    known = np.flatnonzero(np.isfinite(image.wavelengths_nm) & ~_bad(image))
    known = known[np.argsort(image.wavelengths_nm[known], kind="stable")]
    wavelengths = image.wavelengths_nm[known]
    _require_cover(trained[used], widths, wavelengths)
    every_width = np.full(trained.size, np.median(widths))
    every_width[used] = widths
    chosen = [_band(at, width, wavelengths) for at, width in zip(trained, every_width, strict=True)]
    n_most = max(len(indices) for indices, _ in chosen)
    indices = np.array([np.pad(found, (0, n_most - len(found)), mode="edge") for found, _ in chosen]).T
    weights = np.array([np.pad(shares, (0, n_most - len(shares))) for _, shares in chosen], dtype=np.float32).T
    n_averaged = sum(len(chosen[band][0]) > 2 for band in used)
    behind = indices[:, used][weights[:, used] > 0]
    return Resampling(
        known[indices], weights, trained, np.unique(known[behind]),
        _facts(image, trained[used], widths, wavelengths, n_averaged),
    )  # fmt: skip


def _bad(image: Image) -> Bool:
    return np.zeros(image.shape[2], dtype=bool) if image.bad_bands is None else image.bad_bands


def _spacing(wavelengths: Float64) -> Float64:
    """The distance of each band to its nearest neighbour, which stands for its width: gaps where bands were left out
    widen nothing."""
    if wavelengths.size < 2:
        return np.zeros(wavelengths.size)
    order = np.argsort(wavelengths, kind="stable")
    gaps = np.diff(wavelengths[order])
    nearest = np.minimum(np.append(gaps, np.inf), np.insert(gaps, 0, np.inf))
    found = np.empty(wavelengths.size)
    found[order] = nearest
    return found


def _require_cover(bands: Float64, widths: Float64, wavelengths: Float64) -> None:
    """Raises BandMismatchError unless every band of the model lies in the range of the image, or by no more than its
    width beyond, and near enough to one of its bands. wavelengths: of the image, in order."""
    if wavelengths.size < 2:
        raise BandMismatchError(f"the image has {wavelengths.size} usable bands with wavelengths; a model needs 2")
    beyond = np.maximum(wavelengths[0] - bands, bands - wavelengths[-1])
    missing = (beyond > widths) | (_distances(bands, wavelengths) > MAX_DISTANCE_NM)
    if missing.any():
        raise BandMismatchError(
            f"the model uses {bands.size} bands from {bands.min():.1f} to {bands.max():.1f} nm, the image has "
            f"{wavelengths.size} from {wavelengths[0]:.1f} to {wavelengths[-1]:.1f} nm: {int(missing.sum())} of the "
            f"model's lie beyond these or over {MAX_DISTANCE_NM:g} nm from each of them, the first at "
            f"{bands[missing].min():.1f} nm; train a model on this image"
        )


def _distances(bands: Float64, wavelengths: Float64) -> Float64:
    """From each band of the model to the nearest of the image."""
    found: Float64 = np.abs(bands[:, None] - wavelengths).min(axis=1)
    return found


def _band(at: float, width: float, wavelengths: Float64) -> tuple[NDArray[np.intp], Float64]:
    """Which bands of the image, in the order of ``wavelengths``, make up a band of the model, and their weights: a mean
    over its width where the image is finer, else linear between the two around it."""
    inside = np.flatnonzero(np.abs(wavelengths - at) <= width / 2)
    if len(inside) >= LEAST_AVERAGED and width > 0:
        near = np.flatnonzero(np.abs(wavelengths - at) <= REACH * width)
        offsets = (wavelengths[near] - at) / width
        response = np.exp(-4 * np.log(2) * offsets**2)
        # Bands that lie lopsided would shift the mean: with this factor a straight line stays as it is.
        response *= (response * offsets**2).sum() - (response * offsets).sum() * offsets
        return near, response / response.sum()
    right = int(np.searchsorted(wavelengths, at))
    nearest = int(np.abs(wavelengths - at).argmin())
    if right in (0, wavelengths.size) or wavelengths[nearest] == at:
        return np.array([nearest]), np.ones(1)
    share = (at - wavelengths[right - 1]) / (wavelengths[right] - wavelengths[right - 1])
    return np.array([right - 1, right]), np.array([1 - share, share])


def _facts(
    image: Image, bands: Float64, widths: Float64, wavelengths: Float64, n_averaged: int
) -> dict[str, Any]:  # fmt: skip
    distances = _distances(bands, wavelengths)
    return {
        "bands": image.shape[2],
        "wavelength_range_nm": [round(float(wavelengths[0]), 4), round(float(wavelengths[-1]), 4)],
        "model_spacing_nm": round(float(np.median(widths)), 4),
        "largest_distance_nm": round(float(distances.max()), 4),
        "median_distance_nm": round(float(np.median(distances)), 4),
        "averaged_bands": n_averaged,
    }
