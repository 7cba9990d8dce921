"""Bundles: spectra of the same materials from many random extractions (Somers et al. 2012)."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from unmixing.algorithms.abundances import nnls, split_brightness
from unmixing.algorithms.endmembers import (
    SUBSPACE_DIMENSIONS,
    archetypes,
    purest,
    rows_of,
    spanning,
    subspace,
    unit_norm,
    vca,
)
from unmixing.algorithms.metrics import DUPLICATE_RADIANS, least_angle_radians, match_endmembers, sad_radians
from unmixing.types import Float64

Real = NDArray[np.floating]

TINY = np.finfo(np.float64).tiny

SCORING_PIXELS = 2_000
SUBSET_PIXELS = 1_000
"""Pixels that archetypes are sought among."""

PURITY_PIXELS = 10_000
"""Pixels that the purest ones are sought among."""

N_KEPT = 6
"""Runs in the bundles at most."""

POLISHED = 2
"""Number, among the candidates of a run, of the one that was made from another."""

N_RESTARTED = 2
"""Best runs that archetypal analysis is started again from."""

RAW_WEIGHT = 0.6
"""Weight of the residual of raw pixels; the rest is that of pixels divided by their norm."""

COST_PER_MATERIAL = 0.2
"""Every material more that a pixel is made of has to lower the residual by 18 %: exp(-0.2) is 0.82."""

PRESENT = 0.01
"""The share from which on a material counts as present in a pixel."""

LARGEST_DIFFERENCE_RADIANS = 0.1
LARGEST_DIFFERENCE_OF_REGRETS = 0.05


@dataclass(frozen=True, eq=False)
class Bundles:
    """Spectra of the same materials from many random runs (Somers et al. 2012), matched across the runs.

    spectra: (n_runs, n_endmembers, n_bands), unit norm, best run first.
    regrets: (n_runs,) how much worse than the best run each is, see ``regrets_of``.
    given_norms: (n_given,) of the endmembers that were given, the first ones of every run, where they are the same.
    beyond_pixels: whether they lie beyond the pixels, where these are proven mixtures.
    """

    spectra: Float64
    regrets: Float64
    given_norms: Float64 = field(default_factory=lambda: np.zeros(0))
    beyond_pixels: bool = False

    @property
    def reference(self) -> Float64:
        """Mean of the bundles, unit norm, (n_endmembers, n_bands)."""
        return unit_norm(self.spectra.mean(axis=0))

    def spread_radians(self) -> Float64:
        """Per endmember the root mean square angle of its bundle to the reference, (n_endmembers,)."""
        angles = np.stack([sad_radians(run, self.reference) for run in self.spectra])
        spread: Float64 = np.sqrt((angles**2).mean(axis=0))
        return spread


def extract_bundles(
    pixels: Real,
    n_endmembers: int,
    rng: np.random.Generator,
    *,
    n_runs: int = 36,
    given: Float64 | None = None,
    progress: Callable[[float], None] | None = None,
) -> Bundles:
    """Many random extractions, ranked by how simply they explain the image, matched into bundles.

    Every run gives up to three candidates, on pixels divided by their norm so that shading does not count: archetypal
    analysis of a random subset, started at randomised VCA; the pixels VCA picks among all; and in place of each of
    these the mean of the purest pixels of its kind. Half as many runs follow that start archetypal analysis at the
    best endmembers so far. Candidates are ranked by ``regrets_of``; only runs that found the same materials as the best
    one enter the bundles, because a mean over different materials is no material.
    pixels: (n_pixels, n_bands), all finite, best without the sensor's noise, which extremes are made of. given:
    (n_given, n_bands) in the units of the pixels: these are the first endmembers of every run, and stay as they are.
    """
    known = rows_of(given, pixels.shape[1])
    basis = spanning(subspace(unit_norm(pixels), SUBSPACE_DIMENSIONS), unit_norm(known))
    coordinates = np.asarray(pixels, np.float64) @ basis.T
    directions = unit_norm(coordinates)
    many = directions[sample_rows(len(pixels), PURITY_PIXELS, rng)]
    kept_directions = unit_norm(known) @ basis.T
    pool = Pool(coordinates[sample_rows(len(pixels), SCORING_PIXELS, rng)], kept_directions)
    if len(known) == n_endmembers:
        return Bundles(unit_norm(known)[None], np.zeros(1), np.linalg.norm(known, axis=1))
    report, n_all = progress or (lambda share: None), n_runs + n_runs // 2
    for run, found in enumerate(random_runs(directions, many, n_endmembers, n_runs, rng, kept_directions), start=1):
        for kind, endmembers in enumerate(found):
            pool.add(endmembers, polished=kind == POLISHED)
        report(run / n_all)
    for run in range(n_runs, n_all):
        pool.restart(directions[sample_rows(len(pixels), SUBSET_PIXELS, rng)], run)
        report((run + 1) / n_all)
    kept = _agreeing(pool.candidates, pool.regrets(), len(known))
    spectra = np.stack([unit_norm(np.maximum(run @ basis, 0.0)) for run, _ in kept])
    spectra[:, : len(known)] = unit_norm(known)
    return Bundles(spectra, np.array([value for _, value in kept]), np.linalg.norm(known, axis=1))


def random_runs(
    directions: Float64,
    many: Float64,
    n_endmembers: int,
    n_runs: int,
    rng: np.random.Generator,
    given: Float64 | None = None,
) -> Iterator[tuple[Float64, ...]]:
    """The candidates of each random run: archetypes of a subset, and, when they are new, the pixels that VCA picks
    among all and the mean of the purest pixels in the place of each of these (the candidate number POLISHED).

    directions: pixels (n_pixels, n_dimensions) of unit norm. many: those that the purest are sought among. given:
    (n_given, n_dimensions) of unit norm, the first endmembers of every candidate.
    """
    known = rows_of(given, directions.shape[1])
    picked: set[tuple[int, ...]] = set()
    for _ in range(n_runs):
        subset = directions[sample_rows(len(directions), SUBSET_PIXELS, rng)]
        archetypal = unit_norm(archetypes(subset, vca(subset, n_endmembers, rng, known), known))
        extremes = vca(directions, n_endmembers, rng, known)
        if (key := tuple(sorted(extremes.tolist()))) in picked:
            yield (archetypal,)
        else:
            picked.add(key)
            pure = np.vstack([known, directions[extremes]])
            yield archetypal, pure, purest(many, pure, n_given=len(known))


class Pool:
    """Candidates for the endmembers of an image, and what they leave of its pixels (n_pixels, n_dimensions). given:
    (n_given, n_dimensions), the first endmembers of every candidate."""

    def __init__(self, pixels: Float64, given: Float64) -> None:
        self.candidates: list[Float64] = []
        self._pixels, self._given, self._doubled = pixels, given, False
        self._fits: list[tuple[float, float, float]] = []
        self._polished: list[bool] = []

    def add(self, endmembers: Float64, *, polished: bool = False) -> None:
        """One more candidate (n_endmembers, n_dimensions). polished: whether it was made from another one.

        One that has the same material twice misses another: it takes part only until there is a better one.
        """
        doubled = least_angle_radians(endmembers) < DUPLICATE_RADIANS
        if doubled and self.candidates and not self._doubled:
            return
        if self._doubled and not doubled:
            self.candidates, self._fits, self._polished = [], [], []
        self._doubled = doubled
        self.candidates.append(endmembers)
        self._fits.append(fit_of(self._pixels, endmembers))
        self._polished.append(polished)

    def restart(self, directions: Float64, turn: int) -> None:
        """Archetypal analysis of pixels (n, n_dimensions), started at those nearest to one of the N_RESTARTED best
        candidates, those that were polished aside. turn: which of them."""
        best = np.argsort(self._raw_residuals(), kind="stable")[:N_RESTARTED]
        found = self.candidates[best[turn % len(best)]][len(self._given) :]
        start = np.argmax(directions @ found.T, axis=0)
        if len(set(start.tolist())) == len(start):
            self.add(unit_norm(archetypes(directions, start, self._given)))

    def regrets(self) -> Float64:
        """How much worse than the best one each candidate is, (n_candidates,); see ``regrets_of``."""
        return regrets_of(np.array(self._fits))

    def _raw_residuals(self) -> Float64:
        return np.where(self._polished, np.inf, np.array(self._fits)[:, 0])


def sample_rows(n_pixels: int, n_wanted: int, rng: np.random.Generator) -> NDArray[np.intp]:
    """Indices of ``n_wanted`` pixels, without repeats; of all when there are no more."""
    return rng.choice(n_pixels, size=min(n_pixels, n_wanted), replace=False)


def fit_of(pixels: Float64, endmembers: Float64) -> tuple[float, float, float]:
    """How endmembers fit pixels by NNLS: log r0, log r1 and the mean number of materials in a pixel.

    r0: root mean square of the residual over that of the pixels. r1: the same with every pixel divided by its norm, so
    that dark ones count as much as bright ones. A material is in a pixel when its share is above PRESENT.
    pixels: (n_pixels, n_dimensions), endmembers: (n_endmembers, n_dimensions) of unit norm.
    """
    contributions = nnls(pixels, endmembers)
    raw, normalised = np.log(np.add(residual_powers(pixels, contributions, endmembers), TINY)) / 2
    return float(raw), float(normalised), float((split_brightness(contributions)[0] > PRESENT).sum(axis=1).mean())


def residual_powers(pixels: Float64, contributions: Float64, endmembers: Float64) -> tuple[float, float]:
    """Power that contributions (n_pixels, n_endmembers) leave of pixels (n_pixels, n_dimensions), over their power; and
    the same of the pixels divided by their norm."""
    powers = ((pixels - contributions @ endmembers) ** 2).sum(axis=1)
    norms = np.maximum((pixels**2).sum(axis=1), TINY)
    return float(powers.mean() / norms.mean()), float((powers / norms).mean())


def regrets_of(fits: Float64) -> Float64:
    """How much worse than the best one each candidate explains the pixels, (n_candidates,), 0 or more.

    RAW_WEIGHT log r0 + (1 - RAW_WEIGHT) log r1 + COST_PER_MATERIAL * materials in a pixel, less the least such sum

    Either residual alone is misled: r0 by what varies in bright materials, r1 by dark pixels. And both prefer wrong
    endmembers where spectra vary over the scene: those fit the variation, but need more materials in a pixel than there
    are (compare Akaike's criterion). fits: (n_candidates, 3), of ``fit_of``.
    """
    costs: Float64 = fits @ np.array([RAW_WEIGHT, 1 - RAW_WEIGHT, COST_PER_MATERIAL])
    regrets: Float64 = costs - costs.min()
    return regrets


def _agreeing(candidates: list[Float64], regrets: Float64, n_given: int) -> list[tuple[Float64, float]]:
    """The best run, and of the runs nearly as good those whose every endmember lies near one of the best run. n_given:
    the first endmembers of all, which are the same."""
    order = np.argsort(regrets, kind="stable")
    best = candidates[order[0]]
    kept: list[tuple[Float64, float]] = []
    for index in order:
        if regrets[index] > LARGEST_DIFFERENCE_OF_REGRETS or len(kept) == N_KEPT:
            break
        matched = candidates[index][match_endmembers(candidates[index], best, n_given)]
        if float(sad_radians(matched, best).max()) <= LARGEST_DIFFERENCE_RADIANS:
            kept.append((matched, float(regrets[index])))
    return kept
