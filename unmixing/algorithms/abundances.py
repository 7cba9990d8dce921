"""Abundances when the endmembers are known: NNLS, FCLS, and brightness as an unknown of each pixel."""

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from unmixing.errors import BandMismatchError
from unmixing.types import Bool, Float64

Real = NDArray[np.floating]

SUM_TO_ONE_WEIGHT = 1e2
"""Weight of FCLS's sum-to-one row against the data, relative to the largest endmember norm."""

SETS_AT_A_TIME = 256
"""Passive sets whose inverses are held at a time."""


def nnls(pixels: Real, endmembers: Real, l1: float = 0.0) -> Float64:
    """Non-negative least squares: argmin over S >= 0 of 1/2 ||pixels - S endmembers||^2 + l1 ||S||_1, exactly.

    Block principal pivoting (Kim and Park 2011), all pixels at once: those that share a passive set share one small
    solve. pixels: (n_pixels, n_bands), endmembers: (n_endmembers, n_bands). Returns (n_pixels, n_endmembers).

    >>> nnls(np.array([[1.0, 2.0], [-1.0, 1.0]]), np.eye(2)).round(6).tolist()
    [[1.0, 2.0], [0.0, 1.0]]
    """
    if pixels.shape[1] != endmembers.shape[1]:
        raise BandMismatchError(f"pixels have {pixels.shape[1]} bands, endmembers have {endmembers.shape[1]} bands")
    gram = endmembers.astype(np.float64) @ endmembers.T.astype(np.float64)
    correlation = np.asarray(pixels @ endmembers.T, dtype=np.float64)
    return nnls_from_gram(gram, correlation - l1)


def nnls_from_gram(gram: Float64, correlation: Float64, max_rounds: int = 200) -> Float64:
    """NNLS from the normal equations: gram (p, p), correlation (n, p) = pixels @ endmembers.T."""
    n_pixels, n_endmembers = correlation.shape
    # Endmembers that are zero altogether have no scale of their own to take the ridge from.
    ridge = max(1e-14 * float(np.trace(gram)) / n_endmembers, float(np.finfo(np.float64).tiny))
    gram = gram + ridge * np.eye(n_endmembers)
    tolerance = 1e-10 * max(float(np.abs(correlation).max(initial=0.0)), 1e-300)
    passive = np.ones((n_pixels, n_endmembers), dtype=bool)
    solution = np.zeros_like(correlation)
    dual = np.zeros_like(correlation)
    fewest_wrong = np.full(n_pixels, n_endmembers + 1)
    chances = np.full(n_pixels, 3)
    open_rows = np.arange(n_pixels)
    for _ in range(max_rounds):
        if open_rows.size == 0:
            break
        _solve_passive(gram, correlation, passive, open_rows, solution, dual)
        wrong = (passive[open_rows] & (solution[open_rows] < 0)) | (
            ~passive[open_rows] & (dual[open_rows] < -tolerance)
        )
        n_wrong = wrong.sum(axis=1)
        keep = n_wrong > 0
        open_rows, wrong, n_wrong = open_rows[keep], wrong[keep], n_wrong[keep]
        better = n_wrong < fewest_wrong[open_rows]
        fewest_wrong[open_rows] = np.where(better, n_wrong, fewest_wrong[open_rows])
        chances[open_rows] = np.where(better, 3, chances[open_rows] - 1)
        # Without progress the exchange of one, the last wrong variable, is what guarantees an end.
        last = np.zeros_like(wrong)
        last[np.arange(len(wrong)), n_endmembers - 1 - np.argmax(wrong[:, ::-1], axis=1)] = True
        passive[open_rows] ^= np.where((chances[open_rows] >= 0)[:, None], wrong, last)
    return np.maximum(solution, 0.0)


def _solve_passive(
    gram: Float64,
    correlation: Float64,
    passive: NDArray[np.bool_],
    rows: NDArray[np.intp],
    solution: Float64,
    dual: Float64,
) -> None:
    """Least squares on each pixel's passive set, in place, one small inverse per distinct set."""
    held, n_endmembers = passive[rows], len(gram)
    # A number of few bits for each set: such are sorted by their digits, in linear time.
    digits = 1 << np.arange(n_endmembers, dtype=np.min_scalar_type(2**n_endmembers - 1))
    codes = np.where(held, digits, 0).sum(axis=1, dtype=digits.dtype)
    order = np.argsort(codes, kind="stable")
    held, members = held[order], rows[order]
    starts = [0, *(np.flatnonzero(np.diff(codes[order])) + 1).tolist()]
    wanted, found = correlation[members], np.empty((len(rows), n_endmembers))
    inverses = _inverses_within(gram, held[starts])
    for start, end, inverse in zip(starts, [*starts[1:], len(rows)], inverses, strict=True):
        np.matmul(wanted[start:end], inverse, out=found[start:end])
    solution[members] = found
    dual[members] = np.where(held, 0.0, found @ gram - wanted)


def _inverses_within(gram: Float64, sets: Bool) -> Iterator[Float64]:
    """Of each of the ``sets`` (n_sets, n_endmembers) the inverse of its part of ``gram``, zero elsewhere."""
    identity = np.eye(len(gram))
    for some in np.array_split(sets, -(-len(sets) // SETS_AT_A_TIME)):
        both = some[:, :, None] & some[:, None, :]
        # What is not in a set is an identity beside the rest, and leaves its inverse alone.
        yield from np.where(both, np.linalg.inv(np.where(both, gram, identity)), 0.0)


def fcls(pixels: Real, endmembers: Real) -> Float64:
    """Fully constrained least squares (Heinz and Chang 2001): non-negative, summing to one.

    The sum is a heavily weighted extra band; what is left of the gap is removed by a division.
    pixels: (n_pixels, n_bands), endmembers: (n_endmembers, n_bands). Returns (n_pixels, n_endmembers).
    """
    weight = SUM_TO_ONE_WEIGHT * float(np.linalg.norm(endmembers, axis=1).max())
    pixels64, endmembers64 = pixels.astype(np.float64), endmembers.astype(np.float64)
    extended_pixels = np.hstack([pixels64, np.full((len(pixels), 1), weight)])
    extended_endmembers = np.hstack([endmembers64, np.full((len(endmembers), 1), weight)])
    return split_brightness(nnls(extended_pixels, extended_endmembers))[0]


def split_brightness(contributions: Real) -> tuple[Float64, Float64]:
    """Non-negative contributions (n, p) as abundances (n, p) summing to one, and their sum (n,): brightness.

    A pixel without any contribution gets equal abundances and brightness 0.
    """
    brightness = contributions.sum(axis=1, dtype=np.float64)
    safe = np.where(brightness > 0, brightness, 1.0)
    abundances = np.where(brightness[:, None] > 0, contributions / safe[:, None], 1 / contributions.shape[1])
    return abundances, brightness


def shares_by_nnls(pixels: Real, endmembers: Real, l1: float = 0.0) -> Float64:
    """Abundances that sum to one, by NNLS with endmembers counted at unit norm, (n_pixels, n_endmembers).

    endmembers: (n_endmembers, n_bands) of any norm; l1 weighs their contributions as they are given.
    """
    norms = np.linalg.norm(endmembers, axis=1)
    return split_brightness(nnls(pixels, endmembers, l1) * norms)[0]


def best_brightness(pixels: Real, abundances: Real, endmembers: Real) -> Float64:
    """The factor that brings each mixture nearest to its pixel: max(0, <y, m> / <m, m>) with m = abundances endmembers.

    No other single factor per pixel leaves less of it. pixels: (n_pixels, n_bands), abundances: (n_pixels,
    n_endmembers), endmembers: (n_endmembers, n_bands). Returns (n_pixels,); 0 where a mixture is zero.

    >>> best_brightness(np.array([[2.0, 2.0]]), np.array([[0.5, 0.5]]), np.eye(2)).tolist()
    [4.0]
    """
    # With endmembers near norm 1 no unit of the numbers is so odd that products are no float32.
    wide = np.asarray(endmembers, dtype=np.float64)
    scale = float(np.linalg.norm(wide, axis=1).max()) or 1.0
    wide = wide / scale
    along = np.einsum("np,np->n", pixels @ wide.T.astype(pixels.dtype), abundances, dtype=np.float64)
    power = np.einsum("np,np->n", abundances @ (wide @ wide.T), abundances, dtype=np.float64)
    brightness: Float64 = np.maximum(along, 0.0) / scale / np.where(power > 0, power, np.inf)
    return brightness
