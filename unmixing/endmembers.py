"""Endmembers from the image: VCA, archetypal analysis, and bundles of them over random runs."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from unmixing.abundances import nnls
from unmixing.metrics import match_endmembers, sad_radians
from unmixing.types import Float64

Real = NDArray[np.floating]

SUBSPACE_DIMENSIONS = 30
SCORING_PIXELS = 2_000


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


def unit_norm(spectra: Real) -> Float64:
    """Rows divided by their Euclidean norm; a zero row stays zero."""
    spectra = np.asarray(spectra, dtype=np.float64)
    norms = np.linalg.norm(spectra, axis=-1, keepdims=True)
    return spectra / np.where(norms > 0, norms, 1.0)


def subspace(pixels: Real, n_dimensions: int) -> Float64:
    """Leading right singular vectors of the pixels, not centred, (n_dimensions, n_bands)."""
    second_moment = pixels.T.astype(np.float64) @ pixels.astype(np.float64)
    _, vectors = np.linalg.eigh(second_moment)
    # Signs are the solver's whim; fix them so that equal images give equal subspaces.
    basis = vectors[:, ::-1][:, : min(n_dimensions, *pixels.shape)].T
    return basis * np.where(basis.sum(axis=1, keepdims=True) < 0, -1.0, 1.0)


def vca(pixels: Real, n_endmembers: int, rng: np.random.Generator) -> NDArray[np.intp]:
    """Vertex component analysis (Nascimento and Bioucas-Dias 2005): indices of the pixels it picks.

    Pixels are projected on their leading ``n_endmembers`` dimensions and on the hyperplane where their mean
    has product one; then the extreme pixel along random directions orthogonal to those found is taken.
    pixels: (n_pixels, n_bands). Returns (n_endmembers,).
    """
    coordinates = pixels @ subspace(pixels, n_endmembers).T
    mean = coordinates.mean(axis=0)
    heights = coordinates @ mean
    floor = 1e-3 * float(np.abs(heights).mean()) + 1e-300
    projected = coordinates / np.maximum(heights, floor)[:, None]
    found = np.zeros((0, projected.shape[1]))
    indices: list[int] = []
    for _ in range(n_endmembers):
        direction = rng.standard_normal(projected.shape[1])
        if len(found):
            direction -= np.linalg.pinv(found) @ (found @ direction)
        index = int(np.argmax(np.abs(projected @ direction)))
        indices.append(index)
        found = projected[indices]
    return np.asarray(indices, dtype=np.intp)


def archetypes(pixels: Real, start: NDArray[np.intp], *, n_rounds: int = 60, steps_per_round: int = 5) -> Float64:
    """Archetypal analysis (Cutler and Breiman 1994) by entropic descent (after Zouaoui et al. 2023).

    min ||pixels - S C pixels||^2 with the rows of S (abundances) and of C (which pixels make an endmember) on
    the simplex, by multiplicative steps, started at the pixels ``start`` (n_endmembers,).
    pixels: (n_pixels, n_dimensions). Returns the endmembers C pixels, (n_endmembers, n_dimensions).
    """
    X = pixels.astype(np.float32)
    n_pixels, n_endmembers = len(X), len(start)
    C = np.full((n_endmembers, n_pixels), 0.5 / n_pixels, dtype=np.float32)
    C[np.arange(n_endmembers), start] += 0.5
    S = np.full((n_pixels, n_endmembers), 1 / n_endmembers, dtype=np.float32)
    E = C @ X
    for round_ in range(n_rounds):
        gram, correlation = E @ E.T, X @ E.T
        step = 4 / max(float(np.linalg.norm(gram, 2)), 1e-30)
        for _ in range(steps_per_round):
            S *= np.exp(np.clip(step * (correlation - S @ gram), -30, 30))
            S /= S.sum(axis=1, keepdims=True)
            np.maximum(S, 1e-12, out=S)
        gram, correlation = S.T @ S, S.T @ X
        for _ in range(steps_per_round):
            gradient = (gram @ E - correlation) @ X.T
            step = 5 / (1 + 0.1 * round_) / max(float(np.abs(gradient).max()), 1e-30)
            C *= np.exp(-step * gradient)
            C /= C.sum(axis=1, keepdims=True)
            E = C @ X
    return E.astype(np.float64)


def extract_bundles(
    pixels: Real,
    n_endmembers: int,
    rng: np.random.Generator,
    *,
    n_runs: int = 36,
    subset_pixels: int = 1_500,
    n_kept: int = 6,
    progress: Callable[[float], None] | None = None,
) -> Bundles:
    """Many random extractions, judged by how well they explain the raw image, matched into bundles.

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
        subset = coordinates[sample_rows(len(pixels), subset_pixels, rng)]
        start = vca(subset, n_endmembers, rng)
        candidates += [archetypes(subset, start), coordinates[vca(coordinates, n_endmembers, rng)]]
        if progress is not None:
            progress((run + 1) / n_runs)
    residuals = np.array([relative_residual(scoring, candidate) for candidate in candidates])
    kept = _agreeing(candidates, residuals, n_kept)
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
    candidates: list[Float64], residuals: Float64, n_kept: int, *, worse: float = 1.05, radians: float = 0.1
) -> list[tuple[Float64, float]]:
    """The best run, and of the runs nearly as good those whose every endmember lies near one of the best run."""
    order = np.argsort(residuals, kind="stable")
    best = candidates[order[0]]
    kept: list[tuple[Float64, float]] = []
    for index in order:
        matched = candidates[index][match_endmembers(candidates[index], best)]
        near = float(sad_radians(matched, best).max()) <= radians
        if near and residuals[index] <= worse * residuals[order[0]] and len(kept) < n_kept:
            kept.append((matched, float(residuals[index])))
    return kept
