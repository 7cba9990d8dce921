"""Quality of single pixels of an answer: bits that are set pixel by pixel, or once the whole image is known."""

from enum import IntFlag

import numpy as np
from numpy.typing import NDArray

from unmixing.types import Bool, Float32, Float64, UInt8

CLEARLY_NEGATIVE = 0.1
"""Length of a negative contribution, relative to the pixel's spectrum, from which on a fit counts as negative."""

LARGE_RESIDUAL_PERCENTILE = 99.0

DARK = 0.1
"""A pixel is dark below this share of the image's median brightness."""

LOOKED_AT = 2**22
"""Pixels from which percentile and median are found, at most: of larger images every so many rows and columns."""

BLOCK_NUMBERS = 2**22

SMALLEST_EIGENVALUE = 1e-5
"""Directions in which endmembers of norm 1 differ less than this cannot be told apart."""


class QualityFlag(IntFlag):
    """Bits of the quality map; a pixel without any is unsuspicious."""

    MASKED = 1
    NEGATIVE_FIT = 2
    LARGE_RESIDUAL = 4
    DARK = 8


MEANING = {
    QualityFlag.MASKED: "masked: no data, or left out by the request; the pixel has no abundances",
    QualityFlag.NEGATIVE_FIT: "negative fit: in the least-squares fit without constraints a material's contribution is "
    f"negative and longer than {CLEARLY_NEGATIVE:.0%} of the pixel's spectrum",
    QualityFlag.LARGE_RESIDUAL: "large residual: above the 99th percentile of the scene",
    QualityFlag.DARK: f"dark: the spectrum's root mean square is below {DARK:.0%} of the scene's median",
}
"""By bit, what it says."""


def negative_fits(products: Float32 | Float64, gram: Float32 | Float64, powers: Float32 | Float64) -> Bool:
    """Which pixels want clearly less than nothing of a material, (n_pixels,).

    The contributions c that minimise ||y - c endmembers||^2 may be negative: a fit that holds them at 0 hides that a
    material is missing, or noise. Counted is c_k ||endmember_k|| < -0.1 ||y||, the same in ``area`` and ``shape``.

    products: (n_pixels, n_endmembers) pixels @ endmembers.T. gram: (n_endmembers, n_endmembers) endmembers @
    endmembers.T. powers: (n_pixels,) <y, y>.

    >>> endmembers, pixels = np.array([[1.0, 0.0], [1.0, 1.0]]), np.array([[3.0, 1.0], [0.0, 1.0]])
    >>> negative_fits(pixels @ endmembers.T, endmembers @ endmembers.T, (pixels**2).sum(axis=1)).tolist()
    [False, True]
    """
    norms = np.sqrt(np.diagonal(gram).astype(np.float64))
    inverse_norms = np.divide(1.0, norms, out=np.zeros_like(norms), where=norms > 0)
    cosines = gram * inverse_norms * inverse_norms[:, None]
    solve = inverse_norms[:, None] * np.linalg.pinv(cosines, rcond=SMALLEST_EIGENVALUE, hermitian=True)
    lengths = products @ solve.astype(products.dtype)
    negative: Bool = lengths.min(axis=1) < -CLEARLY_NEGATIVE * np.sqrt(powers)
    return negative


def flag_scene(
    quality: UInt8, residual: Float32, abundances: Float32, brightness: Float32, endmembers: Float32
) -> None:
    """Set the bits of ``quality`` (rows, columns) that the whole image decides: large residuals, and dark pixels.

    The maps may lie in files: (rows, columns) each, abundances (rows, columns, n_endmembers). endmembers:
    (n_endmembers, n_used_bands).
    """
    rows, columns, count = abundances.shape
    wide = endmembers.astype(np.float64)
    gram, n_bands = wide @ wide.T, endmembers.shape[1]
    step = int(np.ceil(np.sqrt(max(1.0, rows * columns / LOOKED_AT))))
    looked = (slice(None, None, step), slice(None, None, step))
    shown = residual[looked]
    valid = np.isfinite(shown)
    if not valid.any():
        return
    limit = np.percentile(shown[valid], LARGE_RESIDUAL_PERCENTILE)
    levels = _levels(abundances[looked], brightness[looked], shown, gram, n_bands)
    dark = DARK * np.median(levels[valid])
    height = max(1, BLOCK_NUMBERS // (columns * count))
    for start in range(0, rows, height):
        block = slice(start, start + height)
        level = _levels(abundances[block], brightness[block], residual[block], gram, n_bands)
        # Comparisons with NaN, where pixels are masked, are false.
        quality[block] |= np.where(residual[block] > limit, np.uint8(QualityFlag.LARGE_RESIDUAL), np.uint8(0))
        quality[block] |= np.where(level < dark, np.uint8(QualityFlag.DARK), np.uint8(0))


def _levels(
    abundances: Float32, brightness: Float32, residual: Float32, gram: Float64, n_bands: int
) -> NDArray[np.float64]:
    """Root mean square of the pixels' spectra, NaN where masked: with the best brightness the residual is orthogonal to
    the mixture, so that their squares add up to the pixel's."""
    wide = abundances.astype(np.float64)
    mixtures = np.einsum("rcp,rcp->rc", wide @ gram, wide) * np.square(brightness, dtype=np.float64)
    levels: Float64 = np.sqrt(mixtures / n_bands + np.square(residual, dtype=np.float64))
    return levels
