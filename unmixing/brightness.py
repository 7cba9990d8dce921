"""How bright each material is, and how much brightness varies by itself: both learned from the scene."""

from dataclasses import dataclass

import numpy as np
from scipy.optimize import lsq_linear

from unmixing.types import Bool, Float64

N_ROUNDS = 8
DEVIATION_GRID = np.geomspace(0.005, 1.0, 80)
SHAPE_ONLY_DEVIATION = 0.2
"""Where brightness varies by this much of itself, the prior of equal norms weighs as much as all the pixels."""


@dataclass(frozen=True, eq=False)
class BrightnessModel:
    """norms: (n_endmembers,) of the endmembers, in units of a typical pixel's norm, so that abundances times norms
    times brightness are contributions of unit-norm spectra. deviation: of the brightness around 1, by itself."""

    norms: Float64
    deviation: float


def fit_brightness(contributions: Float64, endmembers: Float64, residuals: Float64) -> BrightnessModel:
    """Norms under which the brightness of all pixels is as near to 1 as their noise allows.

    Contributions t_j of unit-norm endmembers add up to the brightness sum_j t_j / norm_j. It scatters around 1 by a
    deviation of its own and by an error that follows from the residuals; the deviation is fitted by likelihood, the
    norms by least squares weighted with both, in turns. A scene whose brightness varies by itself (relief, shadow)
    says little of a material's own brightness: a prior pulls its norms together with a weight of
    (deviation / SHAPE_ONLY_DEVIATION)^4, until only the shape of the spectra counts.

    contributions: (n_pixels, n_endmembers) by NNLS, endmembers: (n_endmembers, n_bands) of unit norm,
    residuals: (n_pixels, n_bands) of that fit.
    """
    lit = contributions.sum(axis=1) > 0
    contributions, noise_power = contributions[lit], effective_noise_power(residuals)
    typical = float(contributions.sum(axis=1).mean())
    shares = contributions / typical
    supports = shares > 0
    weights = _inverse_norms(shares, np.ones(len(shares)), 0.0)
    for _ in range(N_ROUNDS):
        errors = _brightness_variance(supports, endmembers / (weights / typical)[:, None], noise_power)
        deviation = _most_likely_deviation(shares @ weights, errors)
        precision = 1 / np.sqrt(deviation**2 + errors)
        weights = _inverse_norms(shares, precision, 0.0)
    # The prior comes last: pulled norms widen the scatter, which would pull them further, to the end.
    weights = _inverse_norms(shares, precision, (deviation / SHAPE_ONLY_DEVIATION) ** 4)
    return BrightnessModel(typical / weights, deviation)


def effective_noise_power(residuals: Float64) -> float:
    """Mean squared residual along the directions it really has: trace(C^2) / trace(C) of its covariance C.

    For white noise this is the variance of a band; a smooth misfit has the power of few directions, and counting
    it as white would make every estimate look surer than it is. residuals: (n_pixels, n_bands).
    """
    covariance = residuals.T @ residuals / max(len(residuals), 1)
    return float((covariance**2).sum() / max(float(np.trace(covariance)), 1e-300))


def _inverse_norms(shares: Float64, weights: Float64, prior_weight: float) -> Float64:
    """Least squares of shares @ w = 1 over w > 0, with a prior w = 1."""
    n_endmembers = shares.shape[1]
    scale = weights / np.linalg.norm(weights)
    prior = np.sqrt(prior_weight + 1e-6)
    rows = np.vstack([shares * scale[:, None], prior * np.eye(n_endmembers)])
    target = np.concatenate([scale, np.full(n_endmembers, prior)])
    solution: Float64 = lsq_linear(rows, target, bounds=(1e-3, np.inf)).x
    return solution


def _brightness_variance(supports: Bool, endmembers: Float64, noise_power: float) -> Float64:
    """Variance of each pixel's sum of contributions, given which endmembers it holds, (n_pixels,)."""
    gram = endmembers @ endmembers.T
    sets, members = np.unique(supports, axis=0, return_inverse=True)
    variances = [noise_power * np.linalg.pinv(gram[np.ix_(held, held)]).sum() for held in sets]
    result: Float64 = np.asarray(variances)[members.ravel()]
    return result


def _most_likely_deviation(brightness: Float64, errors: Float64) -> float:
    """Of a normal distribution around 1 seen through normal errors of these variances."""
    variances = DEVIATION_GRID[:, None] ** 2 + errors
    costs = (np.log(variances) + (brightness - 1) ** 2 / variances).mean(axis=1)
    return float(DEVIATION_GRID[np.argmin(costs)])
