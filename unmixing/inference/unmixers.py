"""Unmixers turn pixels of one image into abundances: a model, or a factorization that is mapped onto all of it."""

from dataclasses import dataclass, replace
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from unmixing.algorithms.abundances import best_brightness
from unmixing.algorithms.conventions import shape_deviations, shape_of_area
from unmixing.algorithms.endmembers import unit_norm
from unmixing.algorithms.factorization import ToAbundances
from unmixing.inference.runtime import ModelOutput, PreparedModel
from unmixing.types import Float32, Float64


class Unmixer(Protocol):
    """Unmixes any pixels of the image it was made ready for.

    endmembers: (n_endmembers, n_used_bands), in the units of the pixels. neighbourhood: side of the square of pixels
    that an abundance depends on.
    """

    @property
    def endmembers(self) -> Float32: ...
    @property
    def has_uncertainty(self) -> bool: ...
    @property
    def neighbourhood(self) -> int: ...

    def run(self, pixels: Float32, positions: NDArray[np.int64]) -> ModelOutput:
        """Unmix pixels (n_pixels, neighbourhood ** 2 * n_bands), finite over all bands of the sensor.

        positions: (n_pixels,) row * columns + column of each.
        """
        ...


@dataclass(frozen=True, eq=False)
class ModelUnmixer:
    """A trained model that has seen a sample of the image."""

    prepared: PreparedModel
    neighbourhood: int = 1

    @property
    def endmembers(self) -> Float32:
        return self.prepared.endmembers

    @property
    def has_uncertainty(self) -> bool:
        return self.prepared.has_uncertainty

    def run(self, pixels: Float32, positions: NDArray[np.int64]) -> ModelOutput:
        return self.prepared.run(pixels)


@dataclass(frozen=True, eq=False)
class FactorizationUnmixer:
    """Endmembers that a classical method found, and its own way to abundances.

    scale: what pixels are divided by before ``to_abundances`` sees them. used_bands: indices. known: the abundances
    that the method found itself when it saw the whole image, and the positions they belong to, in order; without
    them every pixel is mapped.
    """

    endmembers: Float32
    scale: float
    used_bands: NDArray[np.intp]
    to_abundances: ToAbundances
    known: tuple[NDArray[np.int64], Float32] | None
    neighbourhood: int = 1
    has_uncertainty: bool = False

    def reordered(self, order: NDArray[np.intp]) -> "FactorizationUnmixer":
        """The same, endmember k being the one that was ``order[k]``."""
        own = self.to_abundances
        known = None if self.known is None else (self.known[0], np.ascontiguousarray(self.known[1][:, order]))
        return replace(
            self, endmembers=self.endmembers[order], to_abundances=lambda pixels: own(pixels)[:, order], known=known
        )

    def run(self, pixels: Float32, positions: NDArray[np.int64]) -> ModelOutput:
        used = pixels if len(self.used_bands) == pixels.shape[1] else pixels[:, self.used_bands]
        if self.known is None:
            scale = np.float32(self.scale)
            abundances = self.to_abundances(used / scale).astype(np.float32)
        else:
            abundances = self.known[1][np.searchsorted(self.known[0], positions)]
        brightness = best_brightness(used, abundances, self.endmembers)
        return ModelOutput(self.endmembers, abundances, brightness.astype(np.float32))


@dataclass(frozen=True, eq=False)
class ShapeUnmixer:
    """An unmixer whose abundances are of ``area``, answering in ``shape``: the same fit, with endmembers of norm 1.

    deviation_factors: (n_endmembers,) by what standard deviations exceed those that follow from ``area``'s.
    """

    area: Unmixer
    deviation_factors: Float64

    @property
    def endmembers(self) -> Float32:
        return unit_norm(self.area.endmembers).astype(np.float32)

    @property
    def has_uncertainty(self) -> bool:
        return self.area.has_uncertainty

    @property
    def neighbourhood(self) -> int:
        return self.area.neighbourhood

    def run(self, pixels: Float32, positions: NDArray[np.int64]) -> ModelOutput:
        found, norms = self.area.run(pixels, positions), endmember_norms(self.area.endmembers)
        abundances, factor = shape_of_area(found.abundances, norms)
        uncertainty = None
        if found.uncertainty is not None:
            carried = shape_deviations(found.abundances, found.uncertainty, norms)
            uncertainty = (carried * self.deviation_factors).astype(np.float32)
        brightness = (found.brightness * factor).astype(np.float32)
        return ModelOutput(self.endmembers, abundances.astype(np.float32), brightness, uncertainty)


def endmember_norms(endmembers: Float32) -> Float64:
    """(n_endmembers,) of endmembers (n_endmembers, n_bands), in double precision: squares may be no float32."""
    norms: Float64 = np.linalg.norm(endmembers.astype(np.float64), axis=1)
    return norms
