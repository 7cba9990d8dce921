"""Bundles: spectra of the same materials from many random extractions (Somers et al. 2012)."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from unmixing.algorithms.abundances import nnls, split_brightness
from unmixing.algorithms.endmembers import SUBSPACE_DIMENSIONS, archetypes, purest, subspace, unit_norm, vca
from unmixing.algorithms.metrics import match_endmembers, sad_radians
from unmixing.types import Float64

Real = NDArray[np.floating]

SCORING_PIXELS = 2_000
SUBSET_PIXELS = 1_500
"""Pixels that archetypes are sought among."""

PURITY_PIXELS = 10_000
"""Pixels that the purest ones are sought among."""

N_KEPT = 6
"""Runs in the bundles at most."""

COST_PER_MATERIAL = 0.15
"""Every material more that a pixel is made of has to lower the residual by 14 %: exp(-0.15) is 0.86."""

PRESENT = 0.01
"""The share from which on a material counts as present in a pixel."""

LARGEST_DIFFERENCE_RADIANS = 0.1
LARGEST_DIFFERENCE_OF_SCORES = 0.05


@dataclass(frozen=True, eq=False)
class Bundles:
    """Spectra of the same materials from many random runs (Somers et al. 2012), matched across the runs.

    spectra: (n_runs, n_endmembers, n_bands), unit norm, best run first.
    scores: (n_runs,) of each run, see ``score``; less is better.
    """

    spectra: Float64
    scores: Float64

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
    n_runs: int = 24,
    progress: Callable[[float], None] | None = None,
) -> Bundles:
    """Many random extractions, ranked by how simply they explain the image, matched into bundles.

    Every run gives up to three candidates, on pixels divided by their norm so that shading does not count: archetypal
    analysis of a random subset, started at randomised VCA; the pixels VCA picks among all; and in place of each of
    these the mean of the purest pixels of its kind. Candidates are ranked by ``score``; only runs that found the same
    materials as the best one enter the bundles, because a mean over different materials is no material.
    pixels: (n_pixels, n_bands), all finite, best without the sensor's noise, which extremes are made of.
    """
    basis = subspace(unit_norm(pixels), SUBSPACE_DIMENSIONS)
    coordinates = np.asarray(pixels, np.float64) @ basis.T
    directions = unit_norm(coordinates)
    scoring = coordinates[sample_rows(len(pixels), SCORING_PIXELS, rng)]
    many = directions[sample_rows(len(pixels), PURITY_PIXELS, rng)]
    candidates: list[Float64] = []
    picked: set[tuple[int, ...]] = set()
    for run in range(n_runs):
        subset = directions[sample_rows(len(pixels), SUBSET_PIXELS, rng)]
        candidates.append(unit_norm(archetypes(subset, vca(subset, n_endmembers, rng))))
        extremes = vca(directions, n_endmembers, rng)
        if (key := tuple(sorted(extremes.tolist()))) not in picked:
            picked.add(key)
            candidates += [directions[extremes], purest(many, directions[extremes])]
        if progress is not None:
            progress((run + 1) / n_runs)
    scores = np.array([score(scoring, candidate) for candidate in candidates])
    kept = _agreeing(candidates, scores)
    spectra = np.stack([unit_norm(np.maximum(run @ basis, 0.0)) for run, _ in kept])
    return Bundles(spectra, np.array([value for _, value in kept]))


def sample_rows(n_pixels: int, n_wanted: int, rng: np.random.Generator) -> NDArray[np.intp]:
    """Indices of ``n_wanted`` pixels, without repeats; of all when there are no more."""
    return rng.choice(n_pixels, size=min(n_pixels, n_wanted), replace=False)


def score(pixels: Float64, endmembers: Float64) -> float:
    """How simply endmembers explain pixels, less being better: the logarithm of what they leave, and a cost for every
    material that a pixel is made of.

    (log r0 + log r1) / 2 + COST_PER_MATERIAL * mean number of shares above PRESENT

    r0: root mean square of the NNLS residual of the pixels, r1: that of the pixels divided by their norm, so that
    neither bright nor dark ones decide alone. The residual by itself prefers wrong endmembers where spectra vary over
    the scene: they fit the variation, but need more materials in a pixel than there are (as in Akaike's criterion).
    pixels: (n_pixels, n_dimensions), endmembers: (n_endmembers, n_dimensions).
    """
    contributions = nnls(pixels, endmembers)
    powers = ((pixels - contributions @ endmembers) ** 2).sum(axis=1)
    norms = np.maximum((pixels**2).sum(axis=1), np.finfo(np.float64).tiny)
    tiny = np.finfo(np.float64).tiny
    residual = 0.25 * np.log(powers.mean() / norms.mean() + tiny) + 0.25 * np.log((powers / norms).mean() + tiny)
    n_present = (split_brightness(contributions)[0] > PRESENT).sum(axis=1).mean()
    return float(residual + COST_PER_MATERIAL * n_present)


def _agreeing(candidates: list[Float64], scores: Float64) -> list[tuple[Float64, float]]:
    """The best run, and of the runs nearly as good those whose every endmember lies near one of the best run."""
    order = np.argsort(scores, kind="stable")
    best = candidates[order[0]]
    kept: list[tuple[Float64, float]] = []
    for index in order:
        if scores[index] > scores[order[0]] + LARGEST_DIFFERENCE_OF_SCORES or len(kept) == N_KEPT:
            break
        matched = candidates[index][match_endmembers(candidates[index], best)]
        if float(sad_radians(matched, best).max()) <= LARGEST_DIFFERENCE_RADIANS:
            kept.append((matched, float(scores[index])))
    return kept
