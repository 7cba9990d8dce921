"""How bright each material is, and how much brightness varies by itself: both learned from the scene."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import lsq_linear, minimize

from unmixing.algorithms.abundances import nnls
from unmixing.types import Bool, Float64

N_ROUNDS = 8
DEVIATION_GRID = np.geomspace(0.005, 1.0, 80)
EQUAL_NORMS_WEIGHT = 25.0
"""Largest weight of the prior of equal norms, for log-norms of variance 1, where the pixels together weigh 1."""

HALF_PULL = 0.005
"""Where brightness's own deviation times the share of its variance that norms leave unexplained is this large, the
prior of equal norms has half its largest weight."""

LARGEST_LOG_NORM = 5.0


@dataclass(frozen=True, eq=False)
class BrightnessModel:
    """norms: (n_endmembers,) of the endmembers, in units of a typical pixel's norm, so that abundances times norms
    times brightness are contributions of unit-norm spectra. deviation: of the brightness around 1 with these norms.
    own_norms, own_deviation: the norms that explain brightness best, and what remains of the deviation with them.
    noise_power: see ``effective_noise_power``."""

    norms: Float64
    own_norms: Float64
    deviation: float
    own_deviation: float
    noise_power: float

    @property
    def row_weight(self) -> float:
        """Weight of the prior that brightness is near 1, as one more band of value 1."""
        return float(np.sqrt(self.noise_power)) / self.deviation

    def contributions(self, pixels: NDArray[np.floating], endmembers: NDArray[np.floating]) -> Float64:
        """NNLS with the brightness of each pixel near 1, as near as its deviation allows, (n_pixels, n_endmembers).

        The most probable contributions t of a pixel y: min over t >= 0 of
        ||y - t E||^2 / noise_power + (1 - sum_j t_j / norm_j)^2 / deviation^2. FCLS is its limit for no deviation,
        NNLS for a large one. pixels: (n_pixels, n_bands), endmembers: (n_endmembers, n_bands) of unit norm.
        """
        return nnls_near_one(pixels, endmembers, self.norms, self.row_weight)


def nnls_near_one(
    pixels: NDArray[np.floating], endmembers: NDArray[np.floating], norms: Float64, row_weight: float
) -> Float64:
    """NNLS with one more band in which every pixel is ``row_weight`` and endmember j is row_weight / norms[j]."""
    ones = np.full((len(pixels), 1), row_weight)
    return nnls(np.hstack([pixels, ones]), np.hstack([endmembers, row_weight / norms[:, None]]))


def fit_brightness(contributions: Float64, endmembers: Float64, residuals: Float64) -> BrightnessModel:
    """Norms under which the brightness of all pixels is as near to 1 as their noise allows.

    Contributions t_j of unit-norm endmembers add up to the brightness sum_j t_j / norm_j. It scatters around 1 by a
    deviation of its own and by an error that follows from the residuals; the deviation is fitted by likelihood, the
    norms by least squares weighted with both, in turns. Where brightness varies by itself (relief, shadow) it says
    little of a material's own brightness: a prior pulls the norms together, the more the larger that deviation is and
    the share of the variance of brightness that norms leave unexplained, until only the shape of the spectra counts.

    contributions: (n_pixels, n_endmembers) by NNLS, endmembers: (n_endmembers, n_bands) of unit norm,
    residuals: (n_pixels, n_bands) of that fit.
    """
    lit = contributions.sum(axis=1) > 0
    contributions, noise_power = contributions[lit], effective_noise_power(residuals)
    typical = float(contributions.sum(axis=1).mean())
    shares = contributions / typical
    supports = shares > 0
    inverse_norms = np.ones(shares.shape[1])

    def deviation_with(inverse_norms: Float64) -> tuple[float, Float64]:
        errors = _brightness_variance(supports, endmembers / (inverse_norms / typical)[:, None], noise_power)
        return _most_likely_deviation(shares @ inverse_norms, errors), errors

    equal_norms_deviation, _ = deviation_with(inverse_norms)
    inverse_norms = _best_inverse_norms(shares, np.ones(len(shares)))
    for _ in range(N_ROUNDS):
        own_deviation, errors = deviation_with(inverse_norms)
        precision = 1 / np.sqrt(own_deviation**2 + errors)
        inverse_norms = _best_inverse_norms(shares, precision)
    # The prior comes last: pulled norms widen the scatter, which would pull them further, to the end.
    unexplained = min(1.0, (own_deviation / equal_norms_deviation) ** 2)
    own_inverse_norms = inverse_norms
    pull = EQUAL_NORMS_WEIGHT / (1 + (HALF_PULL / (unexplained * own_deviation)) ** 2)
    inverse_norms = _pulled_together(shares, precision, inverse_norms, pull * own_deviation**2)
    deviation, _ = deviation_with(inverse_norms)
    return BrightnessModel(typical / inverse_norms, typical / own_inverse_norms, deviation, own_deviation, noise_power)


def effective_noise_power(residuals: Float64) -> float:
    """Mean squared residual along the directions it really has: trace(C^2) / trace(C) of its covariance C.

    For white noise this is the variance of a band; a smooth model error has the power of few directions, and counting
    it as white would make every estimate look surer than it is. residuals: (n_pixels, n_bands).
    """
    covariance = residuals.T @ residuals / max(len(residuals), 1)
    return float((covariance**2).sum() / max(float(np.trace(covariance)), 1e-300))


def _best_inverse_norms(shares: Float64, precision: Float64) -> Float64:
    """Weighted least squares of shares @ w = 1 over w > 0."""
    n_endmembers = shares.shape[1]
    scale = precision / np.linalg.norm(precision)
    ridge = 1e-3
    rows = np.vstack([shares * scale[:, None], ridge * np.eye(n_endmembers)])
    target = np.concatenate([scale, np.full(n_endmembers, ridge)])
    solution: Float64 = lsq_linear(rows, target, bounds=(1e-3, np.inf)).x
    return solution


def _pulled_together(shares: Float64, precision: Float64, start: Float64, weight: float) -> Float64:
    """min over w > 0 of the weighted mean of (shares @ w - 1)^2, plus weight * sum_j log(w_j)^2."""
    share = precision**2 / (precision**2).sum()
    gram, target = shares.T @ (shares * share[:, None]), shares.T @ share

    def cost(logs: Float64) -> tuple[float, Float64]:
        w = np.exp(logs)
        value = w @ gram @ w - 2 * target @ w + 1 + weight * (logs @ logs)
        return float(value), 2 * w * (gram @ w - target) + 2 * weight * logs

    bounds = [(-LARGEST_LOG_NORM, LARGEST_LOG_NORM)] * len(start)
    found = [
        minimize(cost, np.clip(logs, *bounds[0]), jac=True, method="L-BFGS-B", bounds=bounds)
        for logs in (np.zeros(len(start)), np.log(start))
    ]
    best: Float64 = np.exp(min(found, key=lambda result: float(result.fun)).x)
    return best


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
