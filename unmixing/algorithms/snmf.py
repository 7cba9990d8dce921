"""Sparse NMF: scikit-learn's coordinate descent with an L1 term."""

import numpy as np
from numpy.typing import NDArray

from unmixing.algorithms.endmembers import unit_norm
from unmixing.algorithms.factorization import Factors, Solution, counted, iterate, vca_start
from unmixing.errors import needing
from unmixing.progress import Progress
from unmixing.specs import SnmfSpec
from unmixing.types import Float64

Real = NDArray[np.floating]

SWEEPS = 5
"""Coordinate descent sweeps per call of scikit-learn: between calls the work can be stopped."""


def snmf(
    pixels: Real,
    n_endmembers: int,
    rng: np.random.Generator,
    progress: Progress,
    given: Float64 | None = None,
    spec: SnmfSpec | None = None,
) -> Solution:
    """Sparse non-negative matrix factorization of an image: ``snmf_factors``, contributions as shares."""
    spec = spec or SnmfSpec()
    factors = snmf_factors(pixels, n_endmembers, rng, progress, given, spec)
    return factors.solution(spec.l1 * pixels.shape[1])


def snmf_factors(
    pixels: Real,
    n_endmembers: int,
    rng: np.random.Generator,
    progress: Progress,
    given: Float64 | None = None,
    spec: SnmfSpec | None = None,
) -> Factors:
    """Sparse non-negative matrix factorization (Hoyer 2002) from VCA and NNLS, over S, E >= 0:

    min 1/2 ||pixels - S E||^2 + l1 (n_bands ||S||_1 + n_pixels ||E||_1), one coordinate at a time (Cichocki and Phan
    2009, in scikit-learn's ``non_negative_factorization``). Without the second term S could shrink at no cost.
    Numbers below zero, which only noise makes, count as zero. pixels: (n_pixels, n_bands), median norm near 1.
    given: (n_given, n_bands), the first endmembers, which keep their shape, and get norm 1: the L1 term would hold the
    contributions of a dark one down.
    """
    spec = spec or SnmfSpec()
    progress(0.0, "picking a start by VCA")
    positive = np.maximum(pixels.astype(np.float64), 0.0)
    given = None if given is None else unit_norm(given)

    def step(contributions: Float64, endmembers: Float64) -> tuple[Float64, Float64]:
        if given is None:
            return _sweeps(positive, contributions, endmembers, spec.l1, SWEEPS)
        for _ in range(SWEEPS):
            contributions, endmembers = _sweep_beside(given, positive, contributions, endmembers, spec.l1)
        return contributions, endmembers

    return iterate(
        step,
        vca_start(positive, n_endmembers, rng, given),
        max_iterations=spec.max_iterations,
        tolerance=spec.tolerance,
        progress=counted(progress, "sparse NMF", spec.max_iterations),
    )


def _sweeps(
    pixels: Float64, contributions: Float64, endmembers: Float64, l1: float, n_sweeps: int
) -> tuple[Float64, Float64]:
    # A second to import, and only this method needs it.
    with needing("train"):
        from sklearn.decomposition import non_negative_factorization

    # Without a tolerance of its own it makes all its sweeps and does not warn that it could have gone on.
    found, spectra, _ = non_negative_factorization(
        pixels, contributions.copy(), endmembers.copy(), n_components=len(endmembers), init="custom", tol=0.0,
        max_iter=n_sweeps, alpha_W=l1, alpha_H="same", l1_ratio=1.0,
    )  # fmt: skip
    return found, spectra


def _sweep_beside(
    given: Float64, pixels: Float64, contributions: Float64, endmembers: Float64, l1: float
) -> tuple[Float64, Float64]:
    """One sweep that leaves the given endmembers, the first ones, as they are."""
    # A sweep changes one endmember after the other: put last and put back, those given do not mislead the others.
    given_last = np.roll(np.arange(len(endmembers)), -len(given))
    found, spectra = _sweeps(pixels, contributions[:, given_last], endmembers[given_last], l1, 1)
    return np.roll(found, len(given), axis=1), np.vstack([given, spectra[: len(endmembers) - len(given)]])
