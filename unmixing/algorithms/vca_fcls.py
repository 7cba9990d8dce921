"""VCA and FCLS: endmembers are pixels of the image, abundances a least squares fit with them."""

import numpy as np
from numpy.typing import NDArray

from unmixing.algorithms.abundances import fcls
from unmixing.algorithms.endmembers import vca
from unmixing.algorithms.factorization import Solution
from unmixing.progress import Progress


def vca_fcls(pixels: NDArray[np.floating], n_endmembers: int, rng: np.random.Generator, progress: Progress) -> Solution:
    """Vertex component analysis on all raw pixels (Nascimento and Bioucas-Dias 2005), then fully constrained least
    squares (Heinz and Chang 2001).

    min over S of ||pixels - S E||^2 with the rows of S on the simplex; the rows of E are the pixels VCA picked.
    pixels: (n_pixels, n_bands).
    """
    progress(0.0, "picking endmembers by VCA")
    endmembers = np.maximum(pixels[vca(pixels, n_endmembers, rng)].astype(np.float64), 0.0)
    progress(0.5, "solving FCLS")
    return Solution(endmembers, fcls(pixels, endmembers), lambda others: fcls(others, endmembers), "area")
