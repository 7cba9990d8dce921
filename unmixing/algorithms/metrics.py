"""Metrics of an unmixing: spectral angle, RMSE, NMSE, and the matching that comes before them."""

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import linear_sum_assignment

from unmixing.types import Float64

Real = NDArray[np.floating]


DUPLICATE_RADIANS = 0.05
"""Two endmembers nearer than this are the same material."""

NORMAL_QUANTILE = 1.6448536
"""Standard deviations on either side of the mean that hold 90 % of a normal distribution."""


def pairwise_sad_radians(estimated: Real, reference: Real) -> Float64:
    """Spectral angles between all pairs, (n_estimated, n_reference), in radians."""
    left = np.asarray(estimated, dtype=np.float64)
    right = np.asarray(reference, dtype=np.float64)
    norms = np.linalg.norm(left, axis=1)[:, None] * np.linalg.norm(right, axis=1)[None, :]
    cosines = np.clip(left @ right.T / np.maximum(norms, 1e-300), -1.0, 1.0)
    angles: Float64 = np.arccos(cosines)
    return angles


def least_angle_radians(endmembers: Real) -> float:
    """The smallest spectral angle between two of the endmembers (n_endmembers, n_bands); pi / 2 of a single one.

    >>> round(least_angle_radians(np.array([[1.0, 0.0], [1.0, 1.0], [0.0, 1.0]])), 3)
    0.785
    """
    angles = pairwise_sad_radians(endmembers, endmembers)[np.triu_indices(len(endmembers), 1)]
    return float(angles.min(initial=np.pi / 2))


def match_endmembers(estimated: Real, reference: Real, n_given: int = 0) -> NDArray[np.intp]:
    """For each reference endmember the row of ``estimated`` it is matched with (Hungarian, by angle).

    Both are (n_endmembers, n_bands). n_given: of the first of both, which are the same and match each other. Raises
    ValueError when there are fewer estimated than reference ones.
    """
    if len(estimated) < len(reference):
        raise ValueError(f"{len(estimated)} estimated endmembers cannot match {len(reference)} references")
    rows, columns = linear_sum_assignment(pairwise_sad_radians(estimated[n_given:], reference[n_given:]))
    return np.concatenate([np.arange(n_given), n_given + rows[np.argsort(columns)]])


def sad_radians(estimated: Real, reference: Real) -> Float64:
    """Spectral angle distance row by row, (n,), in radians: arccos of the cosine."""
    return np.diagonal(pairwise_sad_radians(estimated, reference)).copy()


def rmse(estimated: Real, reference: Real) -> float:
    """Root mean square error over all entries."""
    return float(np.sqrt(np.mean((np.asarray(estimated, np.float64) - reference) ** 2)))


def nmse(estimated: Real, reference: Real) -> float:
    """||estimated - reference||^2 / ||reference||^2."""
    error = np.asarray(estimated, np.float64) - reference
    return float(np.sum(error**2) / max(float(np.sum(np.asarray(reference, np.float64) ** 2)), 1e-300))


def coverage(found: NDArray[np.floating], truth: NDArray[np.floating], deviations: NDArray[np.floating]) -> float:
    """The share of ``truth`` within NORMAL_QUANTILE standard deviations of ``found``; all of one shape."""
    return float(np.mean(np.abs(found - truth) <= NORMAL_QUANTILE * deviations))
