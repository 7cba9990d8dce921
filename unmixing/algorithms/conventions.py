"""Conventions of abundances: from lit area to the shape of spectra and back, by the endmembers' norms."""

import numpy as np
from numpy.typing import NDArray

from unmixing.algorithms.abundances import split_brightness
from unmixing.types import Float64

Real = NDArray[np.floating]

SMALLEST_SHARE = 1e-6


def shape_of_area(abundances: Real, norms: Real) -> tuple[Float64, Float64]:
    """shape_k = area_k norm_k / sum_j area_j norm_j, (n, n_endmembers), and that sum, (n,): the factor by which
    brightness grows when endmembers shrink to norm 1.

    abundances: (n, n_endmembers) of ``area``, summing to one; norms: (n_endmembers,).

    >>> shape, factor = shape_of_area(np.array([[0.5, 0.5]]), np.array([3.0, 1.0]))
    >>> shape.tolist(), factor.tolist()
    ([[0.75, 0.25]], [2.0])
    """
    return split_brightness(abundances * norms)


def area_of_shape(abundances: Real, norms: Real) -> Float64:
    """area_k = (shape_k / norm_k) / sum_j (shape_j / norm_j), the inverse of ``shape_of_area``."""
    return split_brightness(abundances / norms)[0]


def shape_deviations(abundances: Real, deviations: Real, norms: Real) -> Float64:
    """Standard deviations of ``shape`` that follow from those of ``area``, all (n, n_endmembers).

    What endmember k wins the others lose in proportion: with m_k, the mean norm of the others in the pixel, shape_k =
    area_k norm_k / (area_k norm_k + (1 - area_k) m_k), whose slope is norm_k m_k / (sum_j area_j norm_j)^2.
    """
    wide = np.asarray(abundances, dtype=np.float64)
    own = wide * norms
    total = own.sum(axis=1, keepdims=True)
    # Where a pixel holds nothing else, the others are all of the other endmembers alike.
    others = (np.sum(norms) - norms) / max(1, len(norms) - 1)
    mean_norms = (total - own + SMALLEST_SHARE * others) / (1 - wide + SMALLEST_SHARE)
    slopes = norms * np.maximum(mean_norms, 0) / np.maximum(total, np.finfo(np.float64).tiny) ** 2
    carried: Float64 = deviations * slopes
    return carried
