"""How bright each material is, and how much brightness varies by itself: both learned from the scene."""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import lsq_linear

from unmixing.algorithms.abundances import best_brightness, nnls, split_brightness
from unmixing.algorithms.conventions import area_of_shape
from unmixing.algorithms.endmembers import rows_of
from unmixing.algorithms.factorization import Solution
from unmixing.types import Bool, Float64

N_ROUNDS = 8
DEVIATION_GRID = np.geomspace(0.005, 1.0, 80)

NEARLY_PURE = 0.9
"""Share, both of area and of shape, from which on a pixel shows how bright a material is."""

ENOUGH_PURE_PIXELS = 10

SMALLEST_PUREST = 0.5
"""Share that the purest pixel of a material is taken to hold at least, when its norm is bounded."""

DEVIATIONS_WITHOUT_PURE = 2.0
"""Deviations of brightness by which the norm of a material without enough nearly pure pixels may be off."""

LARGEST_LOSS_OF_PURITY = 0.001
"""Of the mean largest abundance, when brightness is held near 1."""

NOTHING_GIVEN: Float64 = np.zeros(0)
"""Norms of endmembers that were given, where none was."""

QUARTILES_APART = 1.349
"""Standard deviations between the quartiles of a normal distribution."""


@dataclass(frozen=True, eq=False)
class BrightnessModel:
    """norms: (n_endmembers,) of the endmembers, in the units of the pixels, so that abundances times norms times
    brightness are contributions of unit-norm spectra. deviation: of the brightness around 1 with these norms.
    norm_deviations: (n_endmembers,) of the norms' logarithms, how far each may be off. own_norms, own_deviation: the
    norms that explain brightness best, and what remains of the deviation with them. noise_power: see
    ``effective_noise_power``. informs: whether what is known of brightness says something of a pixel's abundances."""

    norms: Float64
    norm_deviations: Float64
    own_norms: Float64
    deviation: float
    own_deviation: float
    noise_power: float
    informs: bool = True

    @property
    def row_weight(self) -> float:
        """Weight of the prior that brightness is near 1, as one more band of value 1; 0 where the prior misleads."""
        return float(np.sqrt(self.noise_power)) / self.deviation if self.informs else 0.0

    def contributions(self, pixels: NDArray[np.floating], endmembers: NDArray[np.floating]) -> Float64:
        """NNLS with the brightness of each pixel near 1, as near as its deviation allows, (n_pixels, n_endmembers).

        The most probable contributions t of a pixel y: min over t >= 0 of
        ||y - t E||^2 / noise_power + (1 - sum_j t_j / norm_j)^2 / deviation^2. FCLS is its limit for no deviation,
        NNLS for a large one. pixels: (n_pixels, n_bands), endmembers: (n_endmembers, n_bands) of unit norm.
        """
        return nnls_near_one(pixels, endmembers, self.norms, self.row_weight)

    def checked(self, pixels: NDArray[np.floating], endmembers: NDArray[np.floating]) -> "BrightnessModel":
        """The same, holding brightness near 1 only where that does not mix the pixels further.

        Held near 1, a pixel in the shade is explained by a trace of a dark material. Where that is wrong, pixels need
        more materials than with a free brightness: their mean largest abundance falls, of area or of shape.
        """
        free, held = nnls(pixels, endmembers), self.contributions(pixels, endmembers)
        lost = max(_purity(free / counted) - _purity(held / counted) for counted in (self.norms, 1.0))
        return replace(self, informs=lost <= LARGEST_LOSS_OF_PURITY)


def _purity(contributions: Float64) -> float:
    """Mean largest share of the contributions (n_pixels, n_endmembers)."""
    return float(split_brightness(contributions)[0].max(axis=1).mean())


def nnls_near_one(
    pixels: NDArray[np.floating], endmembers: NDArray[np.floating], norms: Float64, row_weight: float
) -> Float64:
    """NNLS with one more band in which every pixel is ``row_weight`` and endmember j is row_weight / norms[j]."""
    ones = np.full((len(pixels), 1), row_weight)
    return nnls(np.hstack([pixels, ones]), np.hstack([endmembers, row_weight / norms[:, None]]))


def fit_brightness(
    contributions: Float64, endmembers: Float64, residuals: Float64, given_norms: Float64 = NOTHING_GIVEN
) -> BrightnessModel:
    """How bright each material is where it lies alone, and how much brightness varies around 1 with these norms.

    Contributions t_j of unit-norm endmembers add up to sum_j t_j. The norm of an endmember is the median of that sum
    over its nearly pure pixels (NEARLY_PURE at least). Without ENOUGH_PURE_PIXELS it is the own norm:
    the one under which the brightness sum_j t_j / norm_j of all pixels is nearest to 1. That scatters by a deviation of
    its own and by an error that follows from the residuals; the deviation is fitted by likelihood, the own norms by
    least squares weighted with both, in turns; at last the deviation again, with the norms that were chosen.

    contributions: (n_pixels, n_endmembers) by NNLS, endmembers: (n_endmembers, n_bands) of unit norm,
    residuals: (n_pixels, n_bands) of that fit. given_norms: (n_given,) of the first endmembers, where they are known.
    """
    lit = contributions.sum(axis=1) > 0
    contributions, noise_power = contributions[lit], effective_noise_power(residuals)
    typical = float(contributions.sum(axis=1).mean())
    shares, known = contributions / typical, typical / given_norms
    supports = shares > 0

    def deviation_with(inverse_norms: Float64) -> tuple[float, Float64]:
        errors = _brightness_variance(supports, endmembers / (inverse_norms / typical)[:, None], noise_power)
        return _most_likely_deviation(shares @ inverse_norms, errors), errors

    inverse_norms = _best_inverse_norms(shares, np.ones(len(shares)), known)
    for _ in range(N_ROUNDS):
        own_deviation, errors = deviation_with(inverse_norms)
        inverse_norms = _best_inverse_norms(shares, 1 / np.sqrt(own_deviation**2 + errors), known)
    own_norms = typical / inverse_norms
    norms, spreads = _norms_of_pure_pixels(contributions, own_norms)
    norms[: len(known)], spreads[: len(known)] = given_norms, 0.0
    deviation, _ = deviation_with(typical / norms)
    norm_deviations = np.where(np.isnan(spreads), DEVIATIONS_WITHOUT_PURE * deviation, spreads)
    return BrightnessModel(norms, norm_deviations, own_norms, deviation, own_deviation, noise_power)


def area_norms(
    pixels: NDArray[np.floating],
    shares: NDArray[np.floating],
    endmembers: Float64,
    given_norms: Float64 = NOTHING_GIVEN,
) -> Float64:
    """The norms of ``fit_brightness`` for a method whose abundances are of ``shape``, (n_endmembers,).

    pixels: (n_pixels, n_bands), shares: (n_pixels, n_endmembers), summing to one, of the unit-norm endmembers
    (n_endmembers, n_bands).
    """
    contributions = best_brightness(pixels, shares, endmembers)[:, None] * shares
    return fit_brightness(contributions, endmembers, pixels - contributions @ endmembers, given_norms).norms


def of_area(solution: Solution, pixels: NDArray[np.floating], given: Float64 | None = None) -> Solution:
    """A classical method's answer with abundances of ``area``, its endmembers as bright as the materials are.

    pixels: (n_pixels, n_bands), those the method was given. given: (n_given, n_bands), the first endmembers as
    bright as they are.
    """
    if solution.abundances_of == "area":
        return solution
    given_norms = np.linalg.norm(rows_of(given, pixels.shape[1]), axis=1)
    norms = area_norms(pixels, solution.abundances, solution.endmembers, given_norms)
    to_shape = solution.to_abundances
    return replace(
        solution,
        endmembers=solution.endmembers * norms[:, None],
        abundances=area_of_shape(solution.abundances, norms),
        to_abundances=lambda others: area_of_shape(to_shape(others), norms),
        abundances_of="area",
    )


def _norms_of_pure_pixels(contributions: Float64, own_norms: Float64) -> tuple[Float64, Float64]:
    """The norms, and the deviation of the logarithm of brightness over each endmember's nearly pure pixels, NaN where
    there are not enough of them."""
    sums = contributions.sum(axis=1)
    norms, spreads = own_norms.copy(), np.full(len(own_norms), np.nan)
    # A bright material hides dark ones among shares of shape, a dark one bright ones among shares of area.
    purities = np.minimum(contributions / sums[:, None], split_brightness(contributions / own_norms)[0])
    for k, shares in enumerate(purities.T):
        pure = sums[shares >= NEARLY_PURE]
        if len(pure) >= ENOUGH_PURE_PIXELS:
            norms[k] = np.median(pure)
            spreads[k] = np.subtract(*np.quantile(np.log(pure), [0.75, 0.25])) / QUARTILES_APART
        else:
            # No material is brighter than the pixels that show it, nor far beyond the brightest of all.
            bound = pure.max() if len(pure) else sums.max() / max(shares.max(), SMALLEST_PUREST)
            norms[k] = min(own_norms[k], bound)
    return norms, spreads


def effective_noise_power(residuals: Float64) -> float:
    """Mean squared residual along the directions it really has: trace(C^2) / trace(C) of its covariance C.

    For white noise this is the variance of a band; a smooth model error has the power of few directions, and counting
    it as white would make every estimate look surer than it is. residuals: (n_pixels, n_bands).
    """
    covariance = residuals.T @ residuals / max(len(residuals), 1)
    return float((covariance**2).sum() / max(float(np.trace(covariance)), 1e-300))


def _best_inverse_norms(shares: Float64, precision: Float64, known: Float64) -> Float64:
    """Weighted least squares of shares @ w = 1 over w > 0, the first of w being ``known``."""
    n_free = shares.shape[1] - len(known)
    if n_free == 0:
        return known
    free, missing = shares[:, len(known) :], 1 - shares[:, : len(known)] @ known
    scale = precision / np.linalg.norm(precision)
    ridge = 1e-3
    rows = np.vstack([free * scale[:, None], ridge * np.eye(n_free)])
    target = np.concatenate([scale * missing, np.full(n_free, ridge)])
    return np.concatenate([known, lsq_linear(rows, target, bounds=(1e-3, np.inf)).x])


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
