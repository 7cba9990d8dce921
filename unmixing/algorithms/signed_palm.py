"""PALM for sparse signed sources (Bolte et al. 2014), as the LPALM paper compares with (Fahes et al. 2022)."""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from unmixing.algorithms.factorization import Factors, iterate
from unmixing.algorithms.ista import ista_step
from unmixing.types import Float64

Real = NDArray[np.floating]


def project_unit_ball(mixing_matrix: Real) -> Float64:
    """The nearest matrix (n_sources, n_channels) whose rows have norm at most 1."""
    rows = np.asarray(mixing_matrix, dtype=np.float64)
    nearest: Float64 = rows / np.maximum(np.linalg.norm(rows, axis=-1, keepdims=True), 1.0)
    return nearest


def signed_palm_step(
    mixtures: Real, sources: Real, mixing_matrix: Real, threshold: float = 0.0
) -> tuple[Float64, Float64]:
    """One iteration on 1/2 ||mixtures - sources mixing_matrix||^2 + threshold ||sources||_1, rows in the unit ball.

    mixtures: (n_samples, n_channels), sources: (n_samples, n_sources), mixing_matrix: (n_sources, n_channels).
    Returns the new sources and mixing matrix.
    """
    # X: mixtures, S: sources, A: mixing matrix
    X, A = np.asarray(mixtures, dtype=np.float64), np.asarray(mixing_matrix, dtype=np.float64)
    S = ista_step(X, sources, A, threshold, non_negative=False)
    gram = S.T @ S
    lipschitz = max(float(np.linalg.norm(gram, ord=2)), 1e-300)
    return S, project_unit_ball(A - (gram @ A - S.T @ X) / lipschitz)


def signed_palm(
    mixtures: Real, start: Real, threshold: float, *, max_iterations: int = 3_000, tolerance: float = 1e-5
) -> Factors:
    """``signed_palm_step`` repeated from no sources and the mixing matrix ``start`` until nothing changes.

    ``contributions`` of the answer are the sources, ``endmembers`` the mixing matrix.
    """
    return iterate(
        lambda sources, mixing_matrix: signed_palm_step(mixtures, sources, mixing_matrix, threshold),
        Factors(np.zeros((len(mixtures), len(start))), np.asarray(start, dtype=np.float64)),
        max_iterations=max_iterations,
        tolerance=tolerance,
        progress=lambda iteration: None,
    )


def signed_ista(
    mixtures: Real,
    mixing_matrix: Real,
    threshold: float,
    *,
    max_iterations: int = 3_000,
    tolerance: float = 1e-5,
    non_negative: bool = False,
    progress: Callable[[int], None] = lambda iteration: None,
) -> Factors:
    """Sources alone, with the mixing matrix given: ``ista_step`` repeated from zero until nothing changes."""
    # Only what mixtures have in common with the columns counts, so few coordinates give the same iterations.
    basis = np.linalg.qr(np.asarray(mixing_matrix, dtype=np.float64).T)[0].T
    seen, seen_matrix = mixtures @ basis.T, mixing_matrix @ basis.T
    found = iterate(
        lambda sources, _: (ista_step(seen, sources, seen_matrix, threshold, non_negative=non_negative), seen_matrix),
        Factors(np.zeros((len(mixtures), len(mixing_matrix))), seen_matrix),
        max_iterations=max_iterations,
        tolerance=tolerance,
        progress=progress,
    )
    return Factors(found.contributions, np.asarray(mixing_matrix, np.float64), found.iterations, found.converged)
