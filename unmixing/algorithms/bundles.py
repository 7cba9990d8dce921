"""Bundles: spectra of the same materials from many random extractions (Somers et al. 2012)."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from unmixing.algorithms.abundances import nnls
from unmixing.algorithms.endmembers import SUBSPACE_DIMENSIONS, archetypes, subspace, unit_norm, vca
from unmixing.algorithms.metrics import match_endmembers, sad_radians
from unmixing.types import Float64

Real = NDArray[np.floating]

SCORING_PIXELS = 2_000
SUBSET_PIXELS = 1_500
"""Pixels that a run extracts from."""
N_KEPT = 6
"""Runs in the bundles at most."""


@dataclass(frozen=True, eq=False)
class Bundles:
    """Spectra of the same materials from many random runs (Somers et al. 2012), matched across the runs.

    spectra: (n_runs, n_endmembers, n_bands), unit norm, best run first.
    residuals: (n_runs,) relative error of NNLS on raw pixels with each run's spectra.
    """

    spectra: Float64
    residuals: Float64

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
    progress: Callable[[float], None] | None = None,
) -> Bundles:
    """Many random extractions, ranked by how well they explain the raw image, matched into bundles.

    Each run takes a random subset of the pixels, divided by their norm so that shading does not count, starts at
    randomised VCA and refines by archetypal analysis. Runs are ranked by the residual of NNLS on raw pixels, where
    noise weighs as it is and every pixel has a brightness of its own; only runs that found the same materials as
    the best one enter the bundles, because a mean over different materials is no material.
    pixels: (n_pixels, n_bands), raw, all finite.
    """
    directions = unit_norm(pixels)
    basis = subspace(directions, SUBSPACE_DIMENSIONS)
    coordinates = directions @ basis.T
    scoring = np.asarray(pixels, np.float64)[sample_rows(len(pixels), SCORING_PIXELS, rng)] @ basis.T
    candidates: list[Float64] = []
    for run in range(n_runs):
        subset = coordinates[sample_rows(len(pixels), SUBSET_PIXELS, rng)]
        start = vca(subset, n_endmembers, rng)
        candidates += [archetypes(subset, start), coordinates[vca(coordinates, n_endmembers, rng)]]
        if progress is not None:
            progress((run + 1) / n_runs)
    residuals = np.array([relative_residual(scoring, candidate) for candidate in candidates])
    kept = _agreeing(candidates, residuals)
    spectra = np.stack([unit_norm(np.maximum(run @ basis, 0.0)) for run, _ in kept])
    return Bundles(spectra, np.array([residual for _, residual in kept]))


def sample_rows(n_pixels: int, n_wanted: int, rng: np.random.Generator) -> NDArray[np.intp]:
    """Indices of ``n_wanted`` pixels, without repeats; of all when there are no more."""
    return rng.choice(n_pixels, size=min(n_pixels, n_wanted), replace=False)


def relative_residual(pixels: Float64, endmembers: Float64) -> float:
    """Norm of what NNLS leaves of the pixels (n_pixels, n_dimensions), over their norm."""
    error = pixels - nnls(pixels, endmembers) @ endmembers
    return float(np.sqrt((error**2).sum() / (pixels**2).sum()))


def _agreeing(
    candidates: list[Float64], residuals: Float64, *, worse: float = 1.05, radians: float = 0.1
) -> list[tuple[Float64, float]]:
    """The best run, and of the runs nearly as good those whose every endmember lies near one of the best run."""
    order = np.argsort(residuals, kind="stable")
    best = candidates[order[0]]
    kept: list[tuple[Float64, float]] = []
    for index in order:
        matched = candidates[index][match_endmembers(candidates[index], best)]
        near = float(sad_radians(matched, best).max()) <= radians
        if near and residuals[index] <= worse * residuals[order[0]] and len(kept) < N_KEPT:
            kept.append((matched, float(residuals[index])))
    return kept
