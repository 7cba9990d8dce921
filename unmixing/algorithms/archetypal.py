"""Archetypal analysis and FCLS: endmembers are convex combinations of pixels."""

import numpy as np
from numpy.typing import NDArray

from unmixing.algorithms.abundances import fcls
from unmixing.algorithms.endmembers import SUBSPACE_DIMENSIONS, archetypes, rows_of, spanning, subspace, vca
from unmixing.algorithms.factorization import Solution
from unmixing.progress import Progress
from unmixing.types import Float64

SUBSET_PIXELS = 10_000
"""Archetypes of a larger image are sought among this many random pixels: time and memory grow with them."""


def archetypal(
    pixels: NDArray[np.floating],
    n_endmembers: int,
    rng: np.random.Generator,
    progress: Progress,
    given: Float64 | None = None,
) -> Solution:
    """Archetypal analysis (Cutler and Breiman 1994; by entropic descent, Zouaoui et al. 2023), then FCLS.

    min over S and C of ||pixels - S C pixels||^2 with the rows of S and C on the simplex, once, from the pixels VCA
    picks, in the leading dimensions of the raw pixels; endmembers are C pixels. FCLS then fits every pixel with
    them. pixels: (n_pixels, n_bands). given: (n_given, n_bands), the first endmembers, which stay as they are.
    """
    progress(0.0, "picking a start by VCA")
    chosen = rng.choice(len(pixels), size=min(len(pixels), SUBSET_PIXELS), replace=False)
    known = rows_of(given, pixels.shape[1])
    basis = spanning(subspace(pixels, max(SUBSPACE_DIMENSIONS, n_endmembers)), known)
    coordinates, kept = pixels[chosen] @ basis.T, known @ basis.T
    start = vca(coordinates, n_endmembers, rng, kept)
    progress(0.1, "refining by archetypal analysis")
    found = archetypes(coordinates, start, kept)[len(known) :]
    endmembers = np.vstack([known, np.maximum(found @ basis, 0.0)])
    progress(0.9, "solving FCLS")
    return Solution(endmembers, fcls(pixels, endmembers), lambda others: fcls(others, endmembers), "area")
