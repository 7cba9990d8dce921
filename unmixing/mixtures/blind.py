"""Sparse blind separation: a library of mixing matrices from the mixtures alone."""

import warnings
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from sklearn.decomposition import FastICA
from sklearn.exceptions import ConvergenceWarning

from unmixing.algorithms.endmembers import subspace, unit_norm
from unmixing.algorithms.nmf import nmf_step
from unmixing.errors import SceneContentError
from unmixing.mixtures.matching import matched
from unmixing.mixtures.sources import SourceModel, fit_shape
from unmixing.types import Float64

Real = NDArray[np.floating]

N_RUNS = 24
N_MATRICES = 200
LARGEST_SAMPLE = 10_000
SPARSE_SHAPE = 1.5
"""Sources whose generalised Gaussian has a smaller shape count as sparse; Laplace has 1, Gauss 2."""
SAME_SOURCE_COSINE = 0.95
SMALLEST_NOISE = 1e-6


@dataclass(frozen=True, eq=False)
class BlindLibrary:
    """matrices: (n_matrices, n_sources, n_channels), rows of unit norm; what they could be, given the mixtures.
    sources: what training sources are drawn from. sparse: whether sparsity was used. n_agreeing: how many of the runs
    found the sources of the best one."""

    matrices: Float64
    sources: SourceModel
    sparse: bool
    n_agreeing: int


def blind_library(
    mixtures: Real,
    n_sources: int,
    rng: np.random.Generator,
    *,
    nonnegative: bool,
    sparse: bool | None = None,
    n_runs: int = N_RUNS,
    progress: Callable[[float], None] | None = None,
) -> BlindLibrary:
    """Separations of random halves of the mixtures from random starts, matched into bundles.

    Each run is FastICA (Hyvarinen 1999), refined for sparse sources (``sparse_refinement``). The run whose sources are
    most likely on all samples is refined on all of them; runs that found the same sources show how uncertain it is,
    because the estimate of a random half differs from that of the whole as the whole differs from the truth. Mixing
    matrices are drawn around the best one with that spread. mixtures: (n_samples, n_channels), all finite.
    Raises SceneContentError when the mixtures have fewer dimensions than ``n_sources``, or when no run found as many
    columns that differ.
    """
    chosen = rng.choice(len(mixtures), size=min(len(mixtures), LARGEST_SAMPLE), replace=False)
    sample = np.asarray(mixtures, dtype=np.float64)[chosen]
    require_rank(sample, n_sources)
    noise = noise_deviation(sample, n_sources)
    runs: list[Float64] = []
    for run in range(n_runs):
        half = sample[rng.choice(len(sample), size=max(n_sources + 1, len(sample) // 2), replace=False)]
        # Where sources are rare, a half may lack one of them.
        complete = half if independent_channels(half) >= n_sources else sample
        runs += _fast_ica(complete, n_sources, int(rng.integers(2**31)))
        if progress is not None:
            progress((run + 1) / n_runs)
    shape = float(np.median([fit_shape(column) for column in _sources(sample, _best(sample, runs, 1.0)).T]))
    sparse = shape < SPARSE_SHAPE if sparse is None else sparse
    if sparse:
        shape = min(shape, 1.0)
        halves = [sample[rng.permutation(len(sample))[::2]] for _ in runs]
        runs = [
            refined for half, run in zip(halves, runs, strict=True) for refined in _refined(half, run, shape, noise)
        ]
    best = _best(sample, runs, shape)
    best = next(iter(_refined(sample, best, shape, noise)), best) if sparse else best
    comparable = [matched(run, best) for run in runs if _tells_sources_apart(run)]
    agreeing = [run for run in comparable if _same_sources(run, best)] or [best]
    if nonnegative:
        best, *agreeing = (_nonnegative(sample, run) for run in [best, *agreeing])
    return BlindLibrary(
        _drawn_around(best, np.stack(agreeing), rng),
        source_model(sample, best, noise, nonnegative=nonnegative),
        sparse,
        len(agreeing),
    )


def source_model(mixtures: Real, matrix: Real, noise: float, *, nonnegative: bool) -> SourceModel:
    """The distribution of the sources of mixtures (n_samples, n_channels) with this mixing matrix."""
    found = _sources(mixtures, matrix)
    norms = np.maximum(np.linalg.norm(found, axis=0), 1e-300)
    signal, n_values = float(np.square(mixtures).sum()), mixtures.shape[0] * mixtures.shape[1]
    snr_db = 10 * np.log10(max(signal / max(n_values * noise**2, 1e-300) - 1, 1.0))
    return SourceModel(
        tuple(fit_shape(column) for column in found.T),
        float(np.clip(snr_db, 0.0, 60.0)),
        nonnegative,
        tuple(float(norm) for norm in norms / norms.mean()),
    )


def sparse_refinement(mixtures: Real, matrix: Real, shape: float, noise: float, *, max_iterations: int = 60) -> Float64:
    """Quasi maximum likelihood for sources of density exp(-|s|^shape) (Pham and Garat 1997), by the relative Newton
    steps of Zibulevsky (2003), in the span of ``matrix``. Values below the noise count as noise.

    mixtures: (n_samples, n_channels), matrix: (n_sources, n_channels). Returns a matrix with rows of unit norm.
    Raises LinAlgError when the rows of ``matrix`` are not finite and independent, or stop being so on the way.
    """
    # S: sources, W: mixtures to sources, D: relative step, I + D applied to the sources
    basis = np.linalg.qr(np.asarray(matrix, dtype=np.float64).T)[0].T
    coordinates = mixtures @ basis.T
    W = _inverse(matrix @ basis.T)
    n_sources = len(matrix)
    for _ in range(max_iterations):
        S = coordinates @ W
        weights = (S**2 + np.square(2 * noise * np.linalg.norm(W, axis=0))) ** (shape / 2 - 1)
        gradient = (weights * S).T @ S / len(S)
        curvature = weights.T @ S**2 / len(S)
        diagonal = np.diag(gradient)[:, None]
        determinant = curvature * curvature.T - diagonal * diagonal.T
        scale = 1e-9 * np.abs(curvature * curvature.T)
        step = -(gradient * curvature.T - gradient.T * diagonal)
        D = np.where(np.abs(determinant) > scale, step / np.where(determinant == 0, 1.0, determinant), 0.0)
        np.fill_diagonal(D, 0.0)
        D = np.clip(D, -0.3, 0.3)
        W = W @ (np.eye(n_sources) + D.T)
        W = W * np.linalg.norm(_inverse(W), axis=1)
        if np.abs(D).max() < 1e-6:
            break
    return unit_norm(_inverse(W) @ basis)


def noise_deviation(mixtures: Real, n_sources: int) -> float:
    """Standard deviation of white noise: what ``n_sources`` dimensions leave, at least 1e-6 of the whole."""
    n_samples, n_channels = mixtures.shape
    floor = SMALLEST_NOISE * float(np.sqrt(np.mean(np.square(mixtures))))
    if n_channels <= n_sources:
        return floor
    basis = subspace(mixtures, n_sources)
    rest = mixtures - (mixtures @ basis.T) @ basis
    return max(floor, float(np.sqrt(np.square(rest).sum() / (n_samples * (n_channels - n_sources)))))


def independent_channels(mixtures: Real) -> int:
    """Dimensions of the mixtures around their mean."""
    return int(np.linalg.matrix_rank(mixtures - mixtures.mean(axis=0)))


def require_rank(mixtures: Real, n_sources: int) -> None:
    """Raises SceneContentError when the mixtures have fewer dimensions than there are sources."""
    rank = independent_channels(mixtures)
    if rank < n_sources:
        raise SceneContentError(f"the mixtures have only {rank} independent channels, n_sources is {n_sources}")


def _fast_ica(mixtures: Float64, n_sources: int, seed: int) -> list[Float64]:
    """The one mixing matrix found, or none where FastICA broke down."""
    # In the span that FastICA looks in anyway: channels that add nothing would divide by zero there.
    basis = subspace(mixtures - mixtures.mean(axis=0), n_sources)
    ica = FastICA(n_sources, whiten="unit-variance", random_state=seed, max_iter=200)
    with warnings.catch_warnings():
        # One of many runs: what it found is ranked by its likelihood.
        warnings.simplefilter("ignore", ConvergenceWarning)
        try:
            ica.fit(mixtures @ basis.T)
        except np.linalg.LinAlgError:
            return []
    return [unit_norm(ica.mixing_.T @ basis)]


def _refined(mixtures: Float64, matrix: Float64, shape: float, noise: float) -> list[Float64]:
    """The one matrix that ``sparse_refinement`` makes, or none where it broke down: one of many runs may."""
    try:
        return [sparse_refinement(mixtures, matrix, shape, noise)]
    except np.linalg.LinAlgError:
        return []


def _tells_sources_apart(matrix: Float64) -> bool:
    """Whether all is finite and the rows (n_sources, n_channels) are independent."""
    return bool(np.isfinite(matrix).all()) and int(np.linalg.matrix_rank(matrix)) == len(matrix)


def _inverse(square: Float64) -> Float64:
    """Of a matrix that has one: LAPACK inverts what rounding alone keeps from being singular."""
    if not _tells_sources_apart(square):
        raise np.linalg.LinAlgError("the rows are not finite and independent")
    inverse: Float64 = np.asarray(np.linalg.inv(square), dtype=np.float64)
    return inverse


def _sources(mixtures: Real, matrix: Real) -> Float64:
    found: Float64 = mixtures @ np.linalg.pinv(matrix)
    return found


def _best(mixtures: Float64, runs: list[Float64], shape: float) -> Float64:
    """The run whose sources are most likely under generalised Gaussians of this shape, scales profiled out.

    Runs whose rows are not finite and independent do not take part: their volume is zero and their cost -inf.
    Raises SceneContentError when none is left.
    """

    def cost(matrix: Float64) -> float:
        scales = np.log(np.maximum(np.mean(np.abs(_sources(mixtures, matrix)) ** shape, axis=0), 1e-300)) / shape
        return float(scales.sum() + 0.5 * np.linalg.slogdet(matrix @ matrix.T)[1])

    ranked = [(cost(run), run) for run in runs if _tells_sources_apart(run)]
    ranked = [(value, run) for value, run in ranked if np.isfinite(value)]
    if not ranked:
        n_channels = mixtures.shape[1]
        raise SceneContentError(
            f"none of the separations of the mixtures ({len(mixtures)} rows, {n_channels} channels) found as many "
            "different columns as n_sources asks for; ask for fewer"
        )
    return min(ranked, key=lambda pair: pair[0])[1]


def _same_sources(run: Float64, best: Float64) -> bool:
    return bool((np.sum(run * best, axis=1) >= SAME_SOURCE_COSINE).all())


def _nonnegative(mixtures: Float64, matrix: Float64, n_updates: int = 100) -> Float64:
    """The non-negative mixing matrix that multiplicative updates reach from ``matrix``, signs chosen so that columns
    are positive on the whole."""
    rows = matrix * np.where(matrix.sum(axis=1, keepdims=True) < 0, -1.0, 1.0)
    sources = _sources(mixtures, rows)
    sources = np.maximum(sources, 1e-3 * np.abs(sources).mean())
    rows = np.maximum(rows, 1e-3 * np.abs(rows).mean())
    seen = np.maximum(mixtures, 0.0)
    for _ in range(n_updates):
        sources, rows = nmf_step(seen, sources, rows)
    return unit_norm(rows)


def _drawn_around(best: Float64, runs: Float64, rng: np.random.Generator) -> Float64:
    """The best matrix, then Gaussian draws around it whose spread is that of the runs."""
    deviations = runs - best
    n_sources = len(best)
    weights = rng.standard_normal((N_MATRICES - 1, len(runs), n_sources)) / np.sqrt(len(runs))
    drawn = best + np.einsum("mrs,rsc->msc", weights, deviations)
    return unit_norm(np.concatenate([best[None], drawn]))
