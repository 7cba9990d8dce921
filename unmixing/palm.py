"""PALM: proximal alternating linearized minimization (Bolte et al. 2014), the classical baseline of LPALM."""

import numpy as np
from numpy.typing import NDArray

from unmixing.endmembers import unit_norm
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
    lipschitz = np.linalg.norm(E @ E.T, ord=2)
    S = np.maximum(S - ((S @ E - Y) @ E.T + threshold) / lipschitz, 0.0)
    row_sums = np.maximum((S.T @ S).sum(axis=1, keepdims=True), 1e-30)
    E = unit_norm(np.maximum(E - S.T @ (S @ E - Y) / row_sums, 0.0))
    return S, E
