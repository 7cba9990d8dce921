"""How far a reconstruction is from the pixels, summed block by block."""

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from unmixing.inference.runtime import ModelOutput
from unmixing.types import Float32, Float64

CACHED_PIXELS = 1_024

PRESENT = 0.1
"""An endmember is present where it makes up more than this share of a pixel."""

N_SUMS = 5


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

    def add(self, pixels: Float32, output: ModelOutput) -> None:
        """pixels: (n_pixels, n_used_bands), those that ``output`` is about. Numbers whose squares are no float32 leave
        the sums infinite, and so unknown."""
        with np.errstate(over="ignore", invalid="ignore"):
            self._add(pixels, output)

    def _add(self, pixels: Float32, output: ModelOutput) -> None:
        contributions = output.abundances * output.brightness[:, None]
        # Angles need only products with the endmembers; the residual itself is formed, a few pixels at a time that stay
        # in the processor's cache: differences of squares of numbers this alike would leave nothing of it.
        along = np.einsum("np,np->n", pixels @ output.endmembers.T, contributions)
        gram = output.endmembers @ output.endmembers.T
        powers = np.einsum("nb,nb->n", pixels, pixels)
        lengths = np.einsum("np,np->n", contributions @ gram, contributions) * powers
        cosines = along / np.sqrt(np.maximum(lengths, 1e-30))
        self.angles += float(np.arccos(np.clip(cosines, -1, 1)).sum(dtype=np.float64))
        self.signal += float(powers.sum(dtype=np.float64))
        self.present = self.present + (output.abundances > PRESENT).sum(axis=0)
        for first in range(0, len(pixels), CACHED_PIXELS):
            residual = contributions[first : first + CACHED_PIXELS] @ output.endmembers
            residual -= pixels[first : first + CACHED_PIXELS]
            self.squares += float(np.vdot(residual, residual))
        self.n_pixels += len(pixels)
        self.n_numbers += pixels.size

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
