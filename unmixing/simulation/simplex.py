"""Endmembers beyond the pixels: the most likely simplex of a scene without pure pixels."""

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize

from unmixing.algorithms.abundances import nnls
from unmixing.algorithms.bundles import Bundles, sample_rows
from unmixing.algorithms.denoising import noise_variance
from unmixing.algorithms.endmembers import SUBSPACE_DIMENSIONS, spanning, subspace, unit_norm
from unmixing.algorithms.metrics import match_endmembers, sad_radians
from unmixing.simulation.brightness import NOTHING_GIVEN, effective_noise_power, fit_brightness, nnls_near_one
from unmixing.types import Float64

PIXELS_PER_FIT = 1_500
N_ROUNDS = 2
MAX_ITERATIONS = 40

VOLUME_WEIGHT = 0.5
"""Weight of the logarithm of the simplex' squared volume; a squared residual as large as the noise's weighs 1/2."""

LARGEST_WHITENESS = 1.35
"""Effective noise power over mean squared residual: above this what is left is no noise but variability, which a larger
simplex would only follow."""

LARGEST_RESIDUAL = 0.75
"""Of other pixels, over that of the endmembers before: where less is gained the pixels are pure enough."""

LARGEST_DISAGREEMENT_RADIANS = 0.1
"""Between the fits of two halves of the pixels, for every endmember."""


def beyond_the_pixels(pixels: NDArray[np.floating], bundles: Bundles, rng: np.random.Generator) -> Bundles:
    """Bundles of the most likely simplex where a scene proves that it holds no pure pixels; else those given.

    Two halves of a sample are fitted apart (``most_likely_simplex``). The fits are believed when what they leave of
    the pixels is white noise (LARGEST_WHITENESS), much less of the other half than the bundles leave
    (LARGEST_RESIDUAL), and when they agree (LARGEST_DISAGREEMENT_RADIANS): on scenes with pure pixels, or whose
    spectra vary, at least one fails, and an unguarded fit would be several times worse than the bundles. Pixels less
    pure than 1 / sqrt(n_endmembers - 1) do not determine the simplex (Lin et al. 2015), which nothing here can see.
    pixels: (n_pixels, n_bands), raw.
    """
    n_endmembers, given_norms = bundles.spectra.shape[1], bundles.given_norms
    n_given = len(given_norms)
    kept = bundles.spectra[0, :n_given]
    basis = spanning(subspace(pixels, max(SUBSPACE_DIMENSIONS, n_endmembers + 1)), kept)
    rows = sample_rows(len(pixels), 2 * PIXELS_PER_FIT, rng)
    halves = [np.asarray(pixels[chosen], np.float64) @ basis.T for chosen in np.array_split(rows, 2)]
    start = bundles.reference @ basis.T
    if min(map(len, halves)) < len(basis) or len(basis) <= n_endmembers or n_given == n_endmembers:
        return bundles
    # No fit leaves less than the sensor's noise: where that is near already, there is nothing to be gained.
    if LARGEST_RESIDUAL**2 * _variance(halves[1], start) < noise_variance(pixels[rows], basis):
        return bundles
    first, whiteness = most_likely_simplex(halves[0], start, given_norms)
    if whiteness > LARGEST_WHITENESS or _residual(halves[1], first) > LARGEST_RESIDUAL * _residual(halves[1], start):
        return bundles
    second, whiteness = most_likely_simplex(halves[1], start, given_norms)
    second = second[match_endmembers(second, first, n_given)]
    if whiteness > LARGEST_WHITENESS or sad_radians(first, second).max() > LARGEST_DISAGREEMENT_RADIANS:
        return bundles
    spectra = np.stack([unit_norm(np.maximum(found @ basis, 0.0)) for found in (first, second)])
    spectra[:, :n_given] = kept
    return Bundles(spectra, np.zeros(len(spectra)), given_norms, beyond_pixels=True)


def most_likely_simplex(pixels: Float64, start: Float64, given_norms: Float64 = NOTHING_GIVEN) -> tuple[Float64, float]:
    """Endmembers with their norms, (n_endmembers, n_dimensions), and the whiteness of what they leave of the pixels.

    min over E of  ||[Y, w] - T [E, w]||^2 / (2 s^2 n) + VOLUME_WEIGHT * log det(E E^T)

    by L-BFGS, T >= 0 being the least squares contributions of E, w = s / d the weight of brightness near 1, which
    deviates by d, and s^2 the mean squared residual, both estimated again in every round. Whiteness is the effective
    noise power over s^2: near 1 for white noise, larger for errors that have few directions.
    pixels Y: (n, n_dimensions), coordinates in an orthonormal basis. start: (n_endmembers, n_dimensions), of unit norm.
    given_norms: (n_given,) of the first endmembers, which are given and stay.
    """
    n_dimensions, n_given = start.shape[1], len(given_norms)
    contributions = nnls(pixels, start)
    model = fit_brightness(contributions, start, pixels - contributions @ start, given_norms)
    endmembers, deviation = start * model.norms[:, None], model.deviation
    for _ in range(N_ROUNDS):
        variance = _variance(pixels, endmembers)
        found = minimize(
            _cost, endmembers[n_given:].ravel(),
            args=(pixels, endmembers[:n_given], variance, np.sqrt(variance) / deviation),
            jac=True, method="L-BFGS-B", options={"maxiter": MAX_ITERATIONS},
        )  # fmt: skip
        endmembers = np.vstack([endmembers[:n_given], found.x.reshape(-1, n_dimensions)])
        norms = np.linalg.norm(endmembers, axis=1)
        contributions = nnls_near_one(pixels, endmembers / norms[:, None], norms, float(np.sqrt(variance)) / deviation)
        residuals = pixels - contributions @ (endmembers / norms[:, None])
        deviation = fit_brightness(contributions, endmembers / norms[:, None], residuals, given_norms).deviation
    return endmembers, effective_noise_power(residuals) / max(_variance(pixels, endmembers), 1e-300)


def _cost(
    values: Float64, pixels: Float64, given: Float64, variance: float, row_weight: float
) -> tuple[float, Float64]:
    """The cost of endmembers, flat, beside those given, (n_given, n_dimensions), and its gradient."""
    endmembers = np.vstack([given, values.reshape(-1, pixels.shape[1])])
    ones, heights = np.full((len(pixels), 1), row_weight), np.full((len(endmembers), 1), row_weight)
    contributions = nnls(np.hstack([pixels, ones]), np.hstack([endmembers, heights]))
    residuals = pixels - contributions @ endmembers
    misses = row_weight * (1 - contributions.sum(axis=1))
    gram = endmembers @ endmembers.T
    gram += 1e-12 * float(np.trace(gram)) * np.eye(len(endmembers))
    _, log_volume = np.linalg.slogdet(gram)
    cost = ((residuals**2).sum() + (misses**2).sum()) / (2 * variance * len(pixels)) + VOLUME_WEIGHT * log_volume
    # At the optimum of the contributions only the endmembers' own part of the gradient is left.
    volume = 2 * VOLUME_WEIGHT * np.linalg.solve(gram, endmembers)
    gradient: Float64 = volume - contributions.T @ residuals / (variance * len(pixels))
    return float(cost), gradient[len(given) :].reshape(-1)


def _variance(pixels: Float64, endmembers: Float64) -> float:
    """Mean squared residual of NNLS, for each dimension that the endmembers leave free."""
    n_pixels, n_dimensions = pixels.shape
    power = _residual(pixels, endmembers) ** 2
    return max(float(power / (n_pixels * (n_dimensions - len(endmembers)))), 1e-300)


def _residual(pixels: Float64, endmembers: Float64) -> float:
    """Norm of what NNLS leaves of the pixels."""
    return float(np.linalg.norm(pixels - nnls(pixels, endmembers) @ endmembers))
