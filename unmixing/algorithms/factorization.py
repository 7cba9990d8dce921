"""Common parts of the methods without a network: the form of an answer, the start, and the loop around a step."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from unmixing.algorithms.abundances import nnls, shares_by_nnls, split_brightness
from unmixing.algorithms.endmembers import rows_of, unit_norm, vca
from unmixing.progress import Progress
from unmixing.specs import AbundancesOf
from unmixing.types import Float64

Real = NDArray[np.floating]

Step = Callable[[Float64, Float64], tuple[Float64, Float64]]
"""From contributions (n_pixels, n_endmembers) and endmembers (n_endmembers, n_bands) to better ones."""


ToAbundances = Callable[[Real], Float64]
"""From pixels (n_pixels, n_bands) to abundances that sum to one, (n_pixels, n_endmembers)."""


@dataclass(frozen=True, eq=False)
class Solution:
    """The factors that a classical method found in its pixels.

    endmembers: (n_endmembers, n_bands). abundances: (n_pixels, n_endmembers), summing to one. to_abundances: the
    method's own way to the abundances of other pixels, with these endmembers. abundances_of: what they are shares of;
    with ``shape`` endmembers have norm 1. metrics: what the method says about its way there, JSON-able.
    """

    endmembers: Float64
    abundances: Float64
    to_abundances: ToAbundances
    abundances_of: AbundancesOf
    metrics: Mapping[str, bool | int | float] = field(default_factory=dict)


@dataclass(frozen=True, eq=False)
class Factors:
    """Pixels as contributions (n_pixels, n_endmembers) times endmembers (n_endmembers, n_bands), both non-negative."""

    contributions: Float64
    endmembers: Float64
    iterations: int = 0
    converged: bool = False

    def solution(self, l1: float = 0.0) -> Solution:
        """Abundances of ``shape``, contributions of unit-norm endmembers divided by their sum: a product of factors has
        no scale of its own.

        l1: weight of the contributions in the method's objective, with which other pixels are mapped.
        """
        norms = np.linalg.norm(self.endmembers, axis=1)
        abundances, _ = split_brightness(self.contributions * norms)
        metrics = {"iterations": self.iterations, "converged": self.converged}
        endmembers = self.endmembers
        return Solution(
            unit_norm(endmembers), abundances, lambda pixels: shares_by_nnls(pixels, endmembers, l1), "shape", metrics
        )


def vca_endmembers(pixels: Real, n_endmembers: int, rng: np.random.Generator, given: Float64 | None = None) -> Float64:
    """The given endmembers (n_given, n_bands) and the pixels that VCA picks beside them among all raw ``pixels``
    (n_pixels, n_bands): (n_endmembers, n_bands), not negative."""
    picked = pixels[vca(pixels, n_endmembers, rng, given)]
    return np.vstack([rows_of(given, pixels.shape[1]), np.maximum(picked.astype(np.float64), 0.0)])


def vca_start(pixels: Real, n_endmembers: int, rng: np.random.Generator, given: Float64 | None = None) -> Factors:
    """``vca_endmembers``, and NNLS with them."""
    endmembers = vca_endmembers(pixels, n_endmembers, rng, given)
    return Factors(nnls(pixels, endmembers), endmembers)


def keeping(step: Step, given: Float64 | None) -> Step:
    """The same step but for the given endmembers, the first ones, which stay as they were."""
    n_given = 0 if given is None else len(given)

    def kept(contributions: Float64, endmembers: Float64) -> tuple[Float64, Float64]:
        contributions, moved = step(contributions, endmembers)
        return contributions, np.vstack([endmembers[:n_given], moved[n_given:]])

    return kept


def iterate(
    step: Step, start: Factors, *, max_iterations: int, tolerance: float, progress: Callable[[int], None]
) -> Factors:
    """Repeat ``step`` until neither factor changes by more than ``tolerance``, relative to its norm.

    Running out of ``max_iterations`` is no error: ``converged`` says it. progress: called before each step with
    the steps done.
    """
    contributions, endmembers = start.contributions, start.endmembers
    for iteration in range(max_iterations):
        progress(iteration)
        next_contributions, next_endmembers = step(contributions, endmembers)
        change = max(_change(contributions, next_contributions), _change(endmembers, next_endmembers))
        contributions, endmembers = next_contributions, next_endmembers
        if change <= tolerance:
            return Factors(contributions, endmembers, iteration + 1, converged=True)
    return Factors(contributions, endmembers, max_iterations, converged=False)


def _change(before: Float64, after: Float64) -> float:
    return float(np.linalg.norm(after - before) / max(float(np.linalg.norm(before)), 1e-300))


def counted(progress: Progress, name: str, max_iterations: int) -> Callable[[int], None]:
    """Progress of a loop in the words of a user."""
    return lambda done: progress(done / max_iterations, name, f"iteration {done + 1} of at most {max_iterations}")
