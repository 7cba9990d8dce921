"""PALM: proximal alternating linearized minimization (Bolte et al. 2014), the classical baseline of LPALM."""

import numpy as np
from numpy.typing import NDArray

from unmixing.algorithms.endmembers import unit_norm
from unmixing.algorithms.factorization import Factors, Solution, counted, iterate, keeping, vca_start
from unmixing.algorithms.ista import ista_step
from unmixing.progress import Progress
from unmixing.specs import PalmSpec
from unmixing.types import Float64

Real = NDArray[np.floating]


def palm_step(pixels: Real, contributions: Real, endmembers: Real, threshold: float = 0.0) -> tuple[Float64, Float64]:
    """One iteration on 1/2 ||pixels - contributions endmembers||^2 + threshold ||contributions||_1.

    Contributions are abundances times brightness, non-negative; endmembers are non-negative with unit norm. The
    abundance step is 1 / ||E E^T||; each endmember has its own step, one over its row sum of S^T S, which
    majorises the Hessian and lets dark materials move as fast as bright ones.
    pixels: (n_pixels, n_bands), contributions: (n_pixels, n_endmembers), endmembers: (n_endmembers, n_bands).
    Returns the new contributions and endmembers.
    """
    # Y: pixels, S: contributions, E: endmembers
    Y, S, E = (np.asarray(array, dtype=np.float64) for array in (pixels, contributions, endmembers))
    S = ista_step(Y, S, E, threshold)
    row_sums = np.maximum((S.T @ S).sum(axis=1, keepdims=True), 1e-30)
    E = unit_norm(np.maximum(E - S.T @ (S @ E - Y) / row_sums, 0.0))
    return S, E


def palm(
    pixels: Real,
    n_endmembers: int,
    rng: np.random.Generator,
    progress: Progress,
    given: Float64 | None = None,
    spec: PalmSpec | None = None,
) -> Solution:
    """``palm_step`` repeated from VCA and NNLS until nothing changes.

    pixels: (n_pixels, n_bands), median norm near 1. given: (n_given, n_bands), the first endmembers, which stay.
    """
    spec = spec or PalmSpec()
    progress(0.0, "picking a start by VCA")
    start = vca_start(pixels, n_endmembers, rng, given)
    norms = np.linalg.norm(start.endmembers, axis=1)
    pixels64 = pixels.astype(np.float64)
    return iterate(
        keeping(lambda shares, endmembers: palm_step(pixels64, shares, endmembers, spec.threshold), given),
        Factors(start.contributions * norms, unit_norm(start.endmembers)),
        max_iterations=spec.max_iterations,
        tolerance=spec.tolerance,
        progress=counted(progress, "PALM", spec.max_iterations),
    ).solution(spec.threshold)
