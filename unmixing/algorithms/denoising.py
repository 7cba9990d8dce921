"""The noise of a sensor, and the mean of alike neighbours that takes most of it out of a pixel."""

import numpy as np
from numpy.typing import NDArray

from unmixing.types import Bool, Float64

FEWEST_NOISE_BANDS = 8
"""Directions beside the subspace that the noise is estimated from, at least."""

NEGLIGIBLE_NOISE = 1e-10
"""Noise of less than this share of the pixels' power is rounding, and nothing is alike within it."""

HALF_SIDE = 2
"""Neighbours are those in a square of 5 x 5 pixels."""


def noise_variance(pixels: NDArray[np.floating], basis: Float64) -> float:
    """Variance of a band's white noise: the mean square of what lies outside the pixels' leading subspace.

    pixels: (n_pixels, n_bands). basis: (n_dimensions, n_bands), orthonormal rows that span the subspace. Returns 0
    where too few bands are left beside it, or where nothing but rounding is.

    >>> rng = np.random.default_rng(0)
    >>> basis = np.eye(30, 50)
    >>> round(noise_variance(rng.normal(size=(2000, 30)) @ basis + 0.1 * rng.normal(size=(2000, 50)), basis), 3)
    0.01
    """
    n_directions = pixels.shape[1] - len(basis)
    if n_directions < FEWEST_NOISE_BANDS:
        return 0.0
    power = float(np.einsum("nb,nb->", pixels, pixels, dtype=np.float64))
    inside = np.asarray(pixels @ basis.T, dtype=np.float64)
    outside = (power - float((inside**2).sum())) / (len(pixels) * n_directions)
    return outside if outside > NEGLIGIBLE_NOISE * power / pixels.size else 0.0


def non_local_mean(centres: Float64, neighbours: Float64, has_data: Bool, variance: float) -> Float64:
    """Pixels averaged with those of their neighbours that differ from them by no more than noise (Buades et al. 2005).

    z_i = sum_j w_ij y_j / sum_j w_ij,  w_ij = exp(-max(|y_i - y_j|^2 / (2 d s^2) - 1, 0))

    y (n_dimensions,): pixels in an orthonormal subspace of d = n_dimensions, where two of one true value differ by
    2 d s^2 on average, s^2 being the ``variance`` of the noise. Neighbours that differ by more hardly count, so that a
    model's own errors, which neighbours share and which are larger, stay as they are. centres: (n_pixels,
    n_dimensions). neighbours: (n_neighbours, n_pixels, n_dimensions), has_data: (n_neighbours, n_pixels) where there
    is one. Returns (n_pixels, n_dimensions).

    >>> neighbours = np.array([[[0.0, 2.0]], [[50.0, 9.0]]])
    >>> non_local_mean(np.zeros((1, 2)), neighbours, np.ones((2, 1), bool), 1.0).round(9).tolist()
    [[0.0, 1.0]]
    """
    total, weights = centres.copy(), np.ones((len(centres), 1))
    for beside, known in zip(neighbours, has_data, strict=True):
        distance = ((beside - centres) ** 2).sum(axis=1) / (2 * centres.shape[1] * variance)
        weight = (np.exp(-np.maximum(distance - 1, 0)) * known)[:, None]
        total += weight * beside
        weights += weight
    mean: Float64 = total / weights
    return mean
