"""How far a reconstruction is from the pixels, summed block by block."""

from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from unmixing.inference.quality import negative_fits
from unmixing.inference.runtime import ModelOutput
from unmixing.types import Bool, Float32, Float64

CACHED_PIXELS = 1_024

PRESENT = 0.1
"""An endmember is present where it makes up more than this share of a pixel."""

N_SUMS = 5

SMALLEST_POWER = 1e-30
"""Sums of squares below this are no longer exact in float32."""


Real = NDArray[np.floating]


class PixelFit(NamedTuple):
    """How well single pixels are fitted. residual: (n_pixels,) root mean square over the bands of what is left of each;
    negative: (n_pixels,), see ``negative_fits``."""

    residual: Float32
    negative: Bool


@dataclass
class ReconstructionMetrics:
    """Sums of how far brightness x abundances x endmembers is from the pixels.

    squares, signal: of the residual and of the pixels. present: (n_endmembers,), in how many pixels each is present.
    """

    squares: float = 0.0
    signal: float = 0.0
    angles: float = 0.0
    n_pixels: int = 0
    n_numbers: int = 0
    present: Float64 = field(default_factory=lambda: np.zeros(1))

    def add(self, pixels: Float32, output: ModelOutput) -> PixelFit:
        """pixels: (n_pixels, n_used_bands), those that ``output`` is about. Numbers whose squares are no float32 leave
        the sums infinite, and so unknown; what is said of single pixels is right for them too."""
        with np.errstate(over="ignore", invalid="ignore"):
            fit = self._add(pixels, output.endmembers, output.abundances, output.brightness)
        if fit is not None:
            return fit
        endmembers, abundances, brightness = (
            values.astype(np.float64) for values in (output.endmembers, output.abundances, output.brightness)
        )
        fit = ReconstructionMetrics()._add(pixels.astype(np.float64), endmembers, abundances, brightness)
        assert fit is not None  # squares of float32 are numbers in double precision
        return fit

    def _add(self, pixels: Real, endmembers: Real, abundances: Real, brightness: Real) -> PixelFit | None:
        """How well the pixels are fitted; None where float32 cannot tell."""
        contributions = abundances * brightness[:, None]
        # Angles need only products with the endmembers; the residual itself is formed, a few pixels at a time that stay
        # in the processor's cache: differences of squares of numbers this alike would leave nothing of it.
        products = pixels @ endmembers.T
        along = np.einsum("np,np->n", products, contributions)
        gram = endmembers @ endmembers.T
        powers = np.einsum("nb,nb->n", pixels, pixels)
        lengths = np.einsum("np,np->n", contributions @ gram, contributions) * powers
        cosines = along / np.sqrt(np.maximum(lengths, 1e-30))
        self.angles += float(np.arccos(np.clip(cosines, -1, 1)).sum(dtype=np.float64))
        self.signal += float(powers.sum(dtype=np.float64))
        self.present = self.present + (abundances > PRESENT).sum(axis=0)
        squares = np.empty(len(pixels), pixels.dtype)
        for first in range(0, len(pixels), CACHED_PIXELS):
            residual = contributions[first : first + CACHED_PIXELS] @ endmembers
            residual -= pixels[first : first + CACHED_PIXELS]
            self.squares += float(np.vdot(residual, residual))
            np.einsum("nb,nb->n", residual, residual, out=squares[first : first + CACHED_PIXELS])
        self.n_pixels += len(pixels)
        self.n_numbers += pixels.size
        sound = powers.min() > SMALLEST_POWER and all(np.isfinite(sums).all() for sums in (powers, squares, gram))
        if pixels.dtype == np.float32 and not sound:
            return None
        left = np.sqrt(squares / pixels.shape[1]).astype(np.float32)
        return PixelFit(left, negative_fits(products, gram, powers))

    def sums(self) -> Float64:
        """All sums, to be kept and added again elsewhere, (N_SUMS + n_endmembers,)."""
        return np.array([self.squares, self.signal, self.angles, self.n_pixels, self.n_numbers, *self.present])

    def add_sums(self, sums: Float64) -> None:
        """Take in the ``sums`` of other pixels."""
        squares, signal, angles, n_pixels, n_numbers = sums[:N_SUMS].tolist()
        self.squares, self.signal, self.angles = self.squares + squares, self.signal + signal, self.angles + angles
        self.n_pixels, self.n_numbers = self.n_pixels + int(n_pixels), self.n_numbers + int(n_numbers)
        self.present = self.present + sums[N_SUMS:]

    @property
    def relative(self) -> float:
        """||X - M|| / ||X||; NaN where there is no signal, or none whose squares are numbers."""
        return float(np.sqrt(self.squares / self.signal)) if 0 < self.signal < np.inf else float("nan")

    def metrics(self) -> dict[str, Any]:
        """RMSE in the units of the pixels, the same relative to the signal, the mean angle, and in which share of the
        pixels each endmember is present."""
        return {
            "reconstruction_rmse": float(np.sqrt(self.squares / max(1, self.n_numbers))),
            "reconstruction_relative": self.relative,
            "reconstruction_sam_radians": self.angles / max(1, self.n_pixels),
            "endmember_presence": (self.present / max(1, self.n_pixels)).tolist(),
        }
