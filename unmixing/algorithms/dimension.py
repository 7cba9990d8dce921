"""How many endmembers an image holds."""

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from unmixing.algorithms.abundances import nnls, split_brightness
from unmixing.algorithms.bundles import SCORING_PIXELS, random_runs, residual_powers, sample_rows
from unmixing.algorithms.endmembers import SUBSPACE_DIMENSIONS, rows_of, spanning, subspace, unit_norm
from unmixing.algorithms.metrics import least_angle_radians
from unmixing.types import Float64

FEWEST_COUNTED, MOST_COUNTED = 2, 10
N_RUNS = 8
PURITY_PIXELS = 2_000
ROUGH_PIXELS, N_COMPARED = 400, 3

WEIGHT_OF_SHAPE = 0.75
"""Of the residual of pixels divided by their norm; the rest is that of the pixels as bright as they are."""

COST_OF_MIXING = 2.5
COST_OF_LIKENESS = 0.3
COST_PER_SIGNAL_DIMENSION = 0.014
LEAST_COST, LARGEST_COST = 0.12, 0.3
SMALLEST_ANGLE_RADIANS = 0.01

SMALLEST_RESIDUAL = 1e-4
"""Less than this is nothing: what remains of noiseless mixtures says more of the fit than of them."""

FEWEST_PIXELS_PER_BAND = 2
RIDGE = 1e-10
"""Of the mean power of a band, so that bands which follow from each other exactly can be told apart at all."""


@dataclass(frozen=True)
class Count:
    """The estimate of a number of endmembers, and how sure it is.

    n_endmembers: the estimate. residuals: for 1, 2, 3 ... endmembers the relative error of the best run. costs: what
    the estimate makes least, of as many endmembers. cost_per_endmember: what each one adds to it. fewest: the least
    number that was considered.
    """

    n_endmembers: int
    residuals: tuple[float, ...]
    costs: tuple[float, ...]
    cost_per_endmember: float
    fewest: int = FEWEST_COUNTED

    @property
    def certainty(self) -> float:
        """0 to 1, how much the runner-up is worse, as a share of what one endmember more has to explain."""
        others = [cost for count, cost in self._considered() if count != self.n_endmembers]
        gap = min(others) - self._cost(self.n_endmembers) if others else math.inf
        return float(min(1.0, gap / self.cost_per_endmember))

    @property
    def range(self) -> tuple[int, int]:
        """The numbers to reckon with, least and largest: those that cost at most half an endmember more than the
        estimate, and its neighbours whatever they cost. Of generated scenes, whose number is known, less than half get
        the right one, three to four in five the right one or a neighbour."""
        counts = [count for count, _ in self._considered()]
        beside = [count for count in counts if abs(count - self.n_endmembers) <= 1]
        reckoned = [self.n_endmembers, *self._near(), *beside]
        return min(reckoned), max(reckoned)

    @property
    def reason(self) -> str:
        """The sentence that says why this number, and why this range."""
        count, near = self.n_endmembers, self._near()
        if count > len(self.costs):
            return f"{count} is the least; the image has too few pixels or bands to count more"
        if self.fewest == len(self.costs) > FEWEST_COUNTED:
            return f"{count} are given, and no more are counted than {max(count, MOST_COUNTED)}"
        left, compared = [], []
        if count > self.fewest:
            left.append(f"{count} leave {self._left(count):.2f} of the residual that {count - 1} leave")
            compared.append(f"{self._cost(count - 1) - self._cost(count):.2f} less than {count - 1}")
        if count < len(self.costs):
            left.append(f"{count + 1} leave {self._left(count + 1):.2f} of what {count} leave")
            compared.append(f"{self._cost(count + 1) - self._cost(count):.2f} less than {count + 1}")
        given = f"at least {self.fewest}, which are given; " if self.fewest > FEWEST_COUNTED else ""
        half = self.cost_per_endmember / 2
        come = "no other number comes" if len(near) == 1 else f"{min(near)} to {max(near)} come"
        return (
            f"{given}{', '.join(left)}; with {self.cost_per_endmember:.2f} for each, and more for mixed pixels and for "
            f"alike endmembers, {count} cost {' and '.join(compared)}; {come} within {half:.2f} of it; one more or "
            "less is often right"
        )

    def _near(self) -> list[int]:
        """The numbers that cost at most half an endmember more than the estimate, itself among them."""
        limit = self._cost(self.n_endmembers) + self.cost_per_endmember / 2
        return [count for count, cost in self._considered() if cost <= limit]

    def _considered(self) -> list[tuple[int, float]]:
        return [(count, cost) for count, cost in enumerate(self.costs, start=1) if count >= self.fewest]

    def _cost(self, count: int) -> float:
        return self.costs[count - 1] if count <= len(self.costs) else 0.0

    def _left(self, count: int) -> float:
        return self.residuals[count - 1] / max(self.residuals[count - 2], SMALLEST_RESIDUAL)


def count_endmembers(
    pixels: NDArray[np.floating],
    rng: np.random.Generator,
    *,
    signal_dimensions: int | None = None,
    given: Float64 | None = None,
    progress: Callable[[float], None] | None = None,
) -> Count:
    """The number of endmembers of least cost: those that leave little, mix pixels little and are unlike each other.

    min over k and E of  log residual(E) + COST_OF_MIXING * (1 - mean largest share) - COST_OF_LIKENESS * log(least
                         angle between two of E) + c k,   c = COST_PER_SIGNAL_DIMENSION * signal_dimensions

    E: k endmembers of a few random runs as in ``extract_bundles``. residual: power that NNLS leaves, a weighted
    geometric mean of the pixels' (as bright as they are) and of theirs divided by their norm. Where an image has many
    directions of signal (``hysime``; c lies between LEAST_COST and LARGEST_COST) most of them are the variation of
    its materials, and wrong endmembers that follow it lower the residual too: more is demanded of each.
    pixels: (n_pixels, n_bands), all finite, best without the sensor's noise. signal_dimensions: None where unknown.
    given: (n_given, n_bands), endmembers that are there whatever the number. Returns at least 2, and as many as were
    given, else never more than there are pixels or bands.
    """
    X, known = np.asarray(pixels, dtype=np.float64), unit_norm(rows_of(given, pixels.shape[1]))
    basis = spanning(subspace(unit_norm(X), SUBSPACE_DIMENSIONS), known)
    coordinates = X @ basis.T
    scoring = coordinates[sample_rows(len(X), SCORING_PIXELS, rng)]
    directions = unit_norm(coordinates)
    each = LARGEST_COST
    if signal_dimensions is not None:
        each = min(max(COST_PER_SIGNAL_DIMENSION * signal_dimensions, LEAST_COST), LARGEST_COST)
    fewest = max(FEWEST_COUNTED, len(known))
    largest = min(max(MOST_COUNTED, fewest), *X.shape)
    best = []
    for count in range(1, largest + 1):
        kept = (known if count >= fewest else known[:0]) @ basis.T
        best.append(_least_misfit(scoring, _candidates(directions, count, rng, kept)))
        if progress is not None:
            progress(count / largest)
    costs = tuple(misfit + each * count for count, (misfit, _) in enumerate(best, start=1))
    estimate = fewest + int(np.argmin(costs[fewest - 1 :])) if largest > fewest else fewest
    return Count(estimate, tuple(residual for _, residual in best), costs, each, fewest)


def _candidates(directions: Float64, count: int, rng: np.random.Generator, given: Float64) -> list[Float64]:
    """Endmembers of a few random runs, (count, n_dimensions) each. directions: pixels of unit norm. given: the first of
    the endmembers, (n_given, n_dimensions)."""
    if count == len(given):
        return [given]
    if count == 1:
        return [unit_norm(directions.mean(axis=0, keepdims=True))]
    many = directions[sample_rows(len(directions), PURITY_PIXELS, rng)]
    return [candidate for found in random_runs(directions, many, count, N_RUNS, rng, given) for candidate in found]


def _least_misfit(pixels: Float64, candidates: list[Float64]) -> tuple[float, float]:
    """``_misfit`` of the best candidate, among those that look best on a part of the pixels."""
    rough = [_misfit(pixels[:ROUGH_PIXELS], candidate)[0] for candidate in candidates]
    return min(_misfit(pixels, candidates[index]) for index in np.argsort(rough, kind="stable")[:N_COMPARED])


def _misfit(pixels: Float64, endmembers: Float64) -> tuple[float, float]:
    """The cost of endmembers without that of their number, and the relative residual of the pixels."""
    contributions = nnls(pixels, endmembers)
    powers = residual_powers(pixels, contributions, endmembers)
    bright, shape = (max(power, SMALLEST_RESIDUAL**2) for power in powers)
    mixing = 1 - float(split_brightness(contributions)[0].max(axis=1).mean())
    likeness = -math.log(max(least_angle_radians(endmembers), SMALLEST_ANGLE_RADIANS))
    residual = (1 - WEIGHT_OF_SHAPE) * math.log(bright) + WEIGHT_OF_SHAPE * math.log(shape)
    return residual + COST_OF_MIXING * mixing + COST_OF_LIKENESS * likeness, math.sqrt(bright)


def hysime(pixels: NDArray[np.floating]) -> int | None:
    """Dimension of the signal subspace by HySime (Bioucas-Dias and Nascimento 2008), a familiar figure.

    Noise is what a band holds that the other bands do not tell by linear regression, its variance in band b being
    1 / W_bb, with W the inverse of the pixels' second moment R. Of the eigenvectors e of the signal's second moment
    those are counted that lessen the mean squared error of a projection, that is those with

        e^T R e > 2 e^T N e,   N = diag(1 / W_bb)

    Spectral variability and curved mixtures are signal too, so that it counts more than materials.
    pixels: (n_pixels, n_bands), raw, not denoised. None with fewer than two pixels per band: bands then explain each
    other by chance.

    >>> rng = np.random.default_rng(0)
    >>> mixtures = rng.dirichlet(np.ones(4), size=2000) @ rng.random((4, 50))
    >>> hysime(mixtures + 0.001 * rng.normal(size=mixtures.shape))
    4
    """
    n_pixels, n_bands = pixels.shape
    if n_pixels < FEWEST_PIXELS_PER_BAND * n_bands:
        return None
    X = np.asarray(pixels, dtype=np.float64)
    second_moment = X.T @ X / n_pixels
    ridge = RIDGE * float(np.trace(second_moment)) / n_bands
    inverse = np.linalg.inv(second_moment + ridge * np.eye(n_bands))
    noise = 1 / np.diag(inverse)
    # Second moment of X - error with error = X W diag(noise): the products of X and of the error follow from R alone.
    signal = second_moment - 2 * np.diag(noise) + noise[:, None] * inverse * noise
    _, vectors = np.linalg.eigh(signal)
    powers = np.einsum("be,bc,ce->e", vectors, second_moment, vectors)
    return int((powers > 2 * (vectors**2 * noise[:, None]).sum(axis=0)).sum())
