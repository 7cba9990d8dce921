"""Endmembers from the image: VCA, archetypal analysis, and bundles of them over random runs."""

import numpy as np
from numpy.typing import NDArray

from unmixing.algorithms.abundances import nnls, split_brightness
from unmixing.types import Float64

Real = NDArray[np.floating]

SUBSPACE_DIMENSIONS = 30

SMALLEST_PART_BEYOND = 1e-10
"""Of the spectra's norm, from which on what lies outside of a basis counts as more than rounding."""


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


def rows_of(given: Float64 | None, n_dimensions: int) -> Float64:
    """Given endmembers as rows, none at all where nothing was given, (n_given, n_dimensions)."""
    return np.zeros((0, n_dimensions)) if given is None else given


def spanning(basis: Float64, spectra: Float64) -> Float64:
    """``basis`` (n_dimensions, n_bands), orthonormal, with the rows that it lacks to hold ``spectra`` (n, n_bands).

    >>> np.abs(spanning(np.eye(1, 3), np.array([[3.0, 4.0, 0.0]])).round(6)).tolist()
    [[1.0, 0.0, 0.0], [0.0, 1.0, 0.0]]
    """
    _, sizes, rows = np.linalg.svd(spectra - spectra @ basis.T @ basis, full_matrices=False)
    rows = rows[sizes > SMALLEST_PART_BEYOND * np.linalg.norm(spectra)]
    return np.vstack([basis, rows * np.where(rows.sum(axis=1, keepdims=True) < 0, -1.0, 1.0)])


def vca(pixels: Real, n_endmembers: int, rng: np.random.Generator, given: Float64 | None = None) -> NDArray[np.intp]:
    """Vertex component analysis (Nascimento and Bioucas-Dias 2005): indices of the pixels it picks.

    Pixels are projected on their leading ``n_endmembers`` dimensions and on the hyperplane where their mean
    has product one; then the extreme pixel along random directions orthogonal to those found is taken.
    pixels: (n_pixels, n_bands). given: (n_given, n_bands), endmembers that count as found already. Returns
    (n_endmembers - n_given,).
    """
    basis = subspace(pixels, n_endmembers)
    coordinates = pixels @ basis.T
    mean = coordinates.mean(axis=0)
    heights = coordinates @ mean
    floor = 1e-3 * float(np.abs(heights).mean()) + 1e-300
    projected = coordinates / np.maximum(heights, floor)[:, None]
    known = rows_of(given, pixels.shape[1]) @ basis.T
    found = known = known / np.maximum(known @ mean, floor)[:, None]
    indices: list[int] = []
    for _ in range(n_endmembers - len(known)):
        direction = rng.standard_normal(projected.shape[1])
        if len(found):
            direction -= np.linalg.pinv(found) @ (found @ direction)
        index = int(np.argmax(np.abs(projected @ direction)))
        indices.append(index)
        found = np.vstack([known, projected[indices]])
    return np.asarray(indices, dtype=np.intp)


def purest(pixels: Real, endmembers: Float64, *, n_given: int = 0, n_pixels: int = 20, floor: float = 0.9) -> Float64:
    """In the place of each endmember the mean of its purest pixels, unit norm, (n_endmembers, n_dimensions).

    Purest are the ``n_pixels`` with the largest NNLS share, without those below ``floor`` of the largest share. Single
    pixels, as VCA picks them, carry noise and what is special of them. pixels: (n, n_dimensions) of unit norm.
    n_given: of the first endmembers, which stay.
    """
    shares, _ = split_brightness(nnls(pixels, endmembers))
    means = [*endmembers[:n_given]]
    for share in shares.T[n_given:]:
        most = np.argsort(-share, kind="stable")[:n_pixels]
        means.append(pixels[most[share[most] >= floor * share[most[0]]]].mean(axis=0))
    return unit_norm(np.stack(means))


def archetypes(
    pixels: Real,
    start: NDArray[np.intp],
    given: Float64 | None = None,
    *,
    n_rounds: int = 60,
    steps_per_round: int = 5,
) -> Float64:
    """Archetypal analysis (Cutler and Breiman 1994) by entropic descent (after Zouaoui et al. 2023).

    min ||pixels - S^T C pixels||^2 with the columns of S (abundances) and the rows of C (which pixels make an
    endmember) on the simplex, by multiplicative steps, started at the pixels ``start`` (n_start,).
    pixels: (n_pixels, n_dimensions). given: (n_given, n_dimensions), endmembers beside C pixels that stay as they are.
    Returns the endmembers, those given and C pixels, (n_given + n_start, n_dimensions).
    """
    # Pixels lie along the columns of all but X: sums over few rows are several times as fast as over few columns.
    X, known = pixels.astype(np.float32), rows_of(given, pixels.shape[1])
    n_pixels, n_given = len(X), len(known)
    columns = np.ascontiguousarray(X.T)
    if not len(start):
        return known
    C = np.full((len(start), n_pixels), 0.5 / n_pixels, dtype=np.float32)
    C[np.arange(len(start)), start] += 0.5
    S = np.full((n_given + len(start), n_pixels), 1 / (n_given + len(start)), dtype=np.float32)
    E = np.vstack([known.astype(np.float32), C @ X])
    for round_ in range(n_rounds):
        gram, correlation = E @ E.T, E @ columns
        step = 4 / max(float(np.linalg.norm(gram, 2)), 1e-30)
        for _ in range(steps_per_round):
            S *= np.exp(np.clip(step * (correlation - gram @ S), -30, 30))
            S /= S.sum(axis=0)
            np.maximum(S, 1e-12, out=S)
        powers, products = S @ S.T, S @ X
        for _ in range(steps_per_round):
            gradient = (powers @ E - products)[n_given:] @ columns
            step = 5 / (1 + 0.1 * round_) / max(float(np.abs(gradient).max()), 1e-30)
            C *= np.exp(-step * gradient)
            C /= C.sum(axis=1, keepdims=True)
            E[n_given:] = C @ X
    return np.vstack([known, E[n_given:]])
