"""How far a reconstruction is from the pixels, summed block by block."""

from dataclasses import dataclass

import numpy as np

from unmixing.inference.runtime import ModelOutput
from unmixing.types import Float32, Float64

CACHED_PIXELS = 1_024


@dataclass
class ReconstructionMetrics:
    """Sums of how far brightness x abundances x endmembers is from the pixels."""

    squares: float = 0.0
    angles: float = 0.0
    n_pixels: int = 0
    n_numbers: int = 0

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
        lengths = np.einsum("np,np->n", contributions @ gram, contributions) * np.einsum("nb,nb->n", pixels, pixels)
        cosines = along / np.sqrt(np.maximum(lengths, 1e-30))
        self.angles += float(np.arccos(np.clip(cosines, -1, 1)).sum(dtype=np.float64))
        for first in range(0, len(pixels), CACHED_PIXELS):
            residual = contributions[first : first + CACHED_PIXELS] @ output.endmembers
            residual -= pixels[first : first + CACHED_PIXELS]
            self.squares += float(np.vdot(residual, residual))
        self.n_pixels += len(pixels)
        self.n_numbers += pixels.size

    def sums(self) -> Float64:
        """All sums, to be kept and added again elsewhere."""
        return np.array([self.squares, self.angles, self.n_pixels, self.n_numbers], dtype=np.float64)

    def add_sums(self, sums: Float64) -> None:
        """Take in the ``sums`` of other pixels."""
        squares, angles, n_pixels, n_numbers = sums.tolist()
        self.squares, self.angles = self.squares + squares, self.angles + angles
        self.n_pixels, self.n_numbers = self.n_pixels + int(n_pixels), self.n_numbers + int(n_numbers)

    def metrics(self) -> dict[str, float]:
        """RMSE in the units of the pixels, and the mean angle."""
        return {
            "reconstruction_rmse": float(np.sqrt(self.squares / max(1, self.n_numbers))),
            "reconstruction_sam_radians": self.angles / max(1, self.n_pixels),
        }
