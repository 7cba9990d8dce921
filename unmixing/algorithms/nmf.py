"""NMF by multiplicative updates (Lee and Seung 1999; for this objective, 2001)."""

import numpy as np
from numpy.typing import NDArray

from unmixing.algorithms.factorization import Factors, Solution, counted, iterate, keeping, vca_start
from unmixing.progress import Progress
from unmixing.specs import NmfSpec
from unmixing.types import Float64

Real = NDArray[np.floating]

FLOOR = 1e-3
"""Share of the mean below which no contribution starts: a factor of zero stays zero for ever."""
TINY = 1e-12


def nmf_step(pixels: Float64, contributions: Float64, endmembers: Float64) -> tuple[Float64, Float64]:
    """One multiplicative update on ||pixels - contributions endmembers||^2, which never rises.

    Y ~ S E: S <- S * (Y E^T) / (S E E^T), then E <- E * (S^T Y) / (S^T S E).
    pixels: (n_pixels, n_bands), contributions: (n_pixels, n_endmembers), endmembers: (n_endmembers, n_bands), all
    non-negative. Returns the new contributions and endmembers.
    """
    Y, S, E = pixels, contributions, endmembers
    S = S * (Y @ E.T) / np.maximum(S @ (E @ E.T), TINY)
    E = E * (S.T @ Y) / np.maximum((S.T @ S) @ E, TINY)
    return S, E


def nmf(
    pixels: Real,
    n_endmembers: int,
    rng: np.random.Generator,
    progress: Progress,
    given: Float64 | None = None,
    spec: NmfSpec | None = None,
) -> Solution:
    """Non-negative matrix factorization of an image: ``nmf_factors``, contributions as shares.

    Other pixels are mapped by NNLS, to which the updates of the contributions alone converge.
    """
    return nmf_factors(pixels, n_endmembers, rng, progress, given, spec).solution()


def nmf_factors(
    pixels: Real,
    n_endmembers: int,
    rng: np.random.Generator,
    progress: Progress,
    given: Float64 | None = None,
    spec: NmfSpec | None = None,
) -> Factors:
    """Non-negative matrix factorization, min ||pixels - S E||^2 over S, E >= 0, from VCA and NNLS.

    Numbers below zero, which only noise makes, count as zero. pixels: (n_pixels, n_bands), median norm near 1.
    given: (n_given, n_bands), the first endmembers, which stay as they are.
    """
    spec = spec or NmfSpec()
    progress(0.0, "picking a start by VCA")
    positive = np.maximum(pixels.astype(np.float64), 0.0)
    start = vca_start(positive, n_endmembers, rng, given)
    floored = np.maximum(start.contributions, FLOOR * start.contributions.mean())
    return iterate(
        keeping(lambda contributions, endmembers: nmf_step(positive, contributions, endmembers), given),
        Factors(floored, start.endmembers),
        max_iterations=spec.max_iterations,
        tolerance=spec.tolerance,
        progress=counted(progress, "NMF", spec.max_iterations),
    )
