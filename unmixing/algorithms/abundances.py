"""Abundances when the endmembers are known: NNLS, FCLS, and brightness as an unknown of each pixel."""

import numpy as np
from numpy.typing import NDArray

from unmixing.errors import BandMismatchError
from unmixing.types import Float64

Real = NDArray[np.floating]

SUM_TO_ONE_WEIGHT = 1e2
"""Weight of FCLS's sum-to-one row against the data, relative to the largest endmember norm."""


def nnls(pixels: Real, endmembers: Real) -> Float64:
    """argmin over S >= 0 of 1/2 ||pixels - S endmembers||^2, exactly, all pixels at once.

    Block principal pivoting (Kim and Park 2011): pixels that share a passive set share one small solve.
    pixels: (n_pixels, n_bands), endmembers: (n_endmembers, n_bands). Returns (n_pixels, n_endmembers).
    """
    if pixels.shape[1] != endmembers.shape[1]:
        raise BandMismatchError(f"pixels have {pixels.shape[1]} bands, endmembers have {endmembers.shape[1]} bands")
    gram = endmembers.astype(np.float64) @ endmembers.T.astype(np.float64)
    correlation = np.asarray(pixels @ endmembers.T, dtype=np.float64)
    return nnls_from_gram(gram, correlation)


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
        _solve_passive(gram, correlation, passive, open_rows, solution, dual)
        wrong = (passive[open_rows] & (solution[open_rows] < 0)) | (
            ~passive[open_rows] & (dual[open_rows] < -tolerance)
        )
        n_wrong = wrong.sum(axis=1)
        keep = n_wrong > 0
        open_rows, wrong, n_wrong = open_rows[keep], wrong[keep], n_wrong[keep]
        if open_rows.size == 0:
            break
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
    """Least squares on each pixel's passive set, in place, one small solve per distinct set."""
    codes, groups = np.unique(np.packbits(passive[rows], axis=1), axis=0, return_inverse=True)
    order = np.argsort(groups.ravel(), kind="stable")
    ends = np.cumsum(np.bincount(groups.ravel(), minlength=len(codes)))
    for members in np.split(rows[order], ends[:-1]):
        support = np.flatnonzero(passive[members[0]])
        solution[members] = 0.0
        if support.size:
            inverse = np.linalg.inv(gram[np.ix_(support, support)])
            solution[np.ix_(members, support)] = correlation[np.ix_(members, support)] @ inverse
        dual[members] = solution[members] @ gram - correlation[members]
        dual[np.ix_(members, support)] = 0.0


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


def best_brightness(pixels: Real, abundances: Real, endmembers: Real) -> Float64:
    """The factor between each pixel and its mixture that leaves the least: argmin over b >= 0 of ||y - b m||^2.

    b = max(0, <y, m> / <m, m>), y a row of pixels (n_pixels, n_bands) and m = abundances @ endmembers; 0 where m is 0.
    abundances: (n_pixels, n_endmembers), endmembers: (n_endmembers, n_bands). Returns (n_pixels,).
    """
    wide = endmembers.astype(np.float64)
    correlation = np.asarray(pixels @ endmembers.T.astype(pixels.dtype), dtype=np.float64)
    along = (abundances * correlation).sum(axis=1)
    power = (abundances * (abundances @ (wide @ wide.T))).sum(axis=1)
    brightness: Float64 = np.maximum(along, 0.0) / np.where(power > 0, power, np.inf)
    return brightness


def split_brightness(contributions: Real) -> tuple[Float64, Float64]:
    """Non-negative contributions (n, p) as abundances (n, p) summing to one, and their sum (n,): brightness.

    A pixel without any contribution gets equal abundances and brightness 0.
    """
    brightness = contributions.sum(axis=1, dtype=np.float64)
    safe = np.where(brightness > 0, brightness, 1.0)
    abundances = np.where(brightness[:, None] > 0, contributions / safe[:, None], 1 / contributions.shape[1])
    return abundances, brightness
