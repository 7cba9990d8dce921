"""A mixture of Dirichlet distributions for abundances, with a log-normal brightness in each component."""

from dataclasses import dataclass

import numpy as np
from scipy.special import digamma, gammaln, polygamma

from unmixing.types import Float64

SMALLEST_ABUNDANCE = 1e-4
"""The simplex's border has no Dirichlet density: abundances are drawn this far inside before the fit."""

CONCENTRATION_LIMITS = (1e-2, 1e3)
SMALLEST_BRIGHTNESS_DEVIATION = 1e-2


@dataclass(frozen=True, eq=False)
class DirichletMixture:
    """weights (n_components,), concentrations (n_components, n_endmembers), and of the logarithm of the
    brightness the means and standard deviations (n_components,)."""

    weights: Float64
    concentrations: Float64
    log_brightness_mean: Float64
    log_brightness_deviation: Float64
    mean_log_likelihood: float

    def sample(self, n_pixels: int, rng: np.random.Generator) -> tuple[Float64, Float64]:
        """Draw abundances (n_pixels, n_endmembers), summing to one, and brightness (n_pixels,)."""
        components = rng.choice(len(self.weights), size=n_pixels, p=self.weights)
        gammas = np.maximum(rng.standard_gamma(self.concentrations[components]), 1e-300)
        logs = rng.normal(self.log_brightness_mean[components], self.log_brightness_deviation[components])
        return gammas / gammas.sum(axis=1, keepdims=True), np.exp(logs)


def fit_dirichlet_mixture(
    abundances: Float64,
    brightness: Float64,
    rng: np.random.Generator,
    *,
    max_components: int = 4,
    n_rounds: int = 60,
) -> DirichletMixture:
    """Maximum likelihood by expectation maximisation; the number of components by the BIC.

    abundances: (n_pixels, n_endmembers), rows on the simplex. brightness: (n_pixels,), positive.
    """
    n_pixels, n_endmembers = abundances.shape
    inside = (1 - n_endmembers * SMALLEST_ABUNDANCE) * abundances + SMALLEST_ABUNDANCE
    logs, log_brightness = np.log(inside), np.log(np.maximum(brightness, 1e-300))
    best, best_bic = None, np.inf
    for n_components in range(1, max_components + 1):
        if n_components > 1 and n_pixels < 20 * n_components * n_endmembers:
            break
        mixture = _expectation_maximisation(logs, log_brightness, n_components, rng, n_rounds)
        n_parameters = n_components * (n_endmembers + 3) - 1
        bic = n_parameters * np.log(n_pixels) - 2 * n_pixels * mixture.mean_log_likelihood
        if best is None or bic < best_bic:
            best, best_bic = mixture, bic
    assert best is not None
    return best


def _expectation_maximisation(
    logs: Float64, log_brightness: Float64, n_components: int, rng: np.random.Generator, n_rounds: int
) -> DirichletMixture:
    responsibilities = _start(logs, n_components, rng)
    concentrations = np.ones((n_components, logs.shape[1]))
    previous = -np.inf
    for _ in range(n_rounds):
        weights, concentrations, mean, deviation = _maximise(logs, log_brightness, responsibilities, concentrations)
        joint = np.log(weights) + _log_density(logs, log_brightness, concentrations, mean, deviation)
        top = joint.max(axis=1, keepdims=True)
        evidence = top + np.log(np.exp(joint - top).sum(axis=1, keepdims=True))
        responsibilities = np.exp(joint - evidence)
        likelihood = float(evidence.mean())
        if likelihood - previous < 1e-5:
            break
        previous = likelihood
    return DirichletMixture(weights, concentrations, mean, deviation, likelihood)


def _start(logs: Float64, n_components: int, rng: np.random.Generator) -> Float64:
    """Soft assignments to spread-out pixels (k-means++ seeding on the abundances)."""
    abundances = np.exp(logs)
    centres = abundances[[rng.integers(len(abundances))]]
    while len(centres) < n_components:
        distances = ((abundances[:, None] - centres) ** 2).sum(axis=2).min(axis=1) + 1e-12
        chosen = rng.choice(len(abundances), p=distances / distances.sum())
        centres = np.vstack([centres, abundances[chosen]])
    closeness = np.exp(-10 * ((abundances[:, None] - centres) ** 2).sum(axis=2))
    soft: Float64 = closeness / closeness.sum(axis=1, keepdims=True)
    return soft


def _maximise(
    logs: Float64, log_brightness: Float64, responsibilities: Float64, concentrations: Float64
) -> tuple[Float64, Float64, Float64, Float64]:
    totals = responsibilities.sum(axis=0) + 1e-12
    mean_logs = responsibilities.T @ logs / totals[:, None]
    fitted = np.stack([_fit_dirichlet(target, a) for target, a in zip(mean_logs, concentrations, strict=True)])
    mean = responsibilities.T @ log_brightness / totals
    variance = (responsibilities * (log_brightness[:, None] - mean) ** 2).sum(axis=0) / totals
    deviation = np.maximum(np.sqrt(variance), SMALLEST_BRIGHTNESS_DEVIATION)
    return totals / totals.sum(), fitted, mean, deviation


def _fit_dirichlet(mean_logs: Float64, concentration: Float64, n_steps: int = 20) -> Float64:
    """Maximum likelihood of one Dirichlet by Newton steps on log-concentrations (after Minka 2000)."""
    for _ in range(n_steps):
        gradient = digamma(concentration.sum()) - digamma(concentration) + mean_logs
        curvature = polygamma(1, concentration)
        shared = polygamma(1, concentration.sum())
        # The Hessian is diagonal plus a constant, so Newton's step costs one division per endmember.
        correction = (gradient / curvature).sum() / ((1 / curvature).sum() - 1 / shared)
        step = (gradient - correction) / curvature
        updated = concentration + step
        updated = np.where(updated > 0, updated, concentration / 2)
        updated = np.clip(updated, *CONCENTRATION_LIMITS)
        if np.abs(updated - concentration).max() < 1e-6 * concentration.max():
            return updated
        concentration = updated
    return concentration


def _log_density(
    logs: Float64, log_brightness: Float64, concentrations: Float64, mean: Float64, deviation: Float64
) -> Float64:
    dirichlet = (
        gammaln(concentrations.sum(axis=1)) - gammaln(concentrations).sum(axis=1) + logs @ (concentrations - 1).T
    )
    standardised = (log_brightness[:, None] - mean) / deviation
    density: Float64 = dirichlet - 0.5 * standardised**2 - np.log(deviation)
    return density
