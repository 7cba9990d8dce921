"""Archetypal analysis and FCLS: endmembers are convex combinations of pixels."""

import numpy as np
from numpy.typing import NDArray

from unmixing.algorithms.abundances import fcls
from unmixing.algorithms.endmembers import SUBSPACE_DIMENSIONS, archetypes, subspace, vca
from unmixing.algorithms.factorization import Solution
from unmixing.progress import Progress

SUBSET_PIXELS = 10_000
"""Archetypes of a larger image are sought among this many random pixels: time and memory grow with them."""


def archetypal(
    pixels: NDArray[np.floating], n_endmembers: int, rng: np.random.Generator, progress: Progress
) -> Solution:
    """Archetypal analysis (Cutler and Breiman 1994; by entropic descent, Zouaoui et al. 2023), then FCLS.

    min over S and C of ||pixels - S C pixels||^2 with the rows of S and C on the simplex, once, from the pixels VCA
    picks, in the leading dimensions of the raw pixels; endmembers are C pixels. FCLS then fits every pixel with
    them. pixels: (n_pixels, n_bands).
    """
    progress(0.0, "picking a start by VCA")
    chosen = rng.choice(len(pixels), size=min(len(pixels), SUBSET_PIXELS), replace=False)
    basis = subspace(pixels, max(SUBSPACE_DIMENSIONS, n_endmembers))
    coordinates = pixels[chosen] @ basis.T
    start = vca(coordinates, n_endmembers, rng)
    progress(0.1, "refining by archetypal analysis")
    endmembers = np.maximum(archetypes(coordinates, start) @ basis, 0.0)
    progress(0.9, "solving FCLS")
    return Solution(endmembers, fcls(pixels, endmembers), lambda others: fcls(others, endmembers), "area")
