"""VCA and FCLS: endmembers are pixels of the image, abundances a least squares fit with them."""

import numpy as np
from numpy.typing import NDArray

from unmixing.algorithms.abundances import fcls
from unmixing.algorithms.factorization import Solution, vca_endmembers
from unmixing.progress import Progress
from unmixing.types import Float64


def vca_fcls(
    pixels: NDArray[np.floating],
    n_endmembers: int,
    rng: np.random.Generator,
    progress: Progress,
    given: Float64 | None = None,
) -> Solution:
    """Vertex component analysis on all raw pixels (Nascimento and Bioucas-Dias 2005), then fully constrained least
    squares (Heinz and Chang 2001).

    min over S of ||pixels - S E||^2 with the rows of S on the simplex; the rows of E are the pixels VCA picked.
    pixels: (n_pixels, n_bands). given: (n_given, n_bands), the first endmembers, which stay as they are.
    """
    progress(0.0, "picking endmembers by VCA")
    endmembers = vca_endmembers(pixels, n_endmembers, rng, given)
    progress(0.5, "solving FCLS")
    return Solution(endmembers, fcls(pixels, endmembers), lambda others: fcls(others, endmembers), "area")
