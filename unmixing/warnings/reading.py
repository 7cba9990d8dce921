"""Warnings about the numbers of an image, before anything is computed from them."""

import numpy as np
from numpy.typing import NDArray

from unmixing.types import Float32, Float64, ResultWarning, WarningCode
from unmixing.warnings.band_order import band_order_warning
from unmixing.warnings.screening import noisy_bands, suspected_fill
from unmixing.warnings.table import warning

MIN_BANDS = 10

MAX_MAPS = 32
"""Abundance maps come in few; more bands that sum to one are spectra that somebody has normalised."""

SUM_TOLERANCE, SUMMING_SHARE = 0.01, 0.9
"""How far from one a sum may be, and in which share of the pixels it has to be that near."""

PICTURE_BANDS, PICTURE_MAXIMUM = 4, 255

NEGATIVE_SHARE = 0.01
"""Noise around zero in dark bands stays below this; an offset does not."""


def reading_warnings(
    pixels: Float32, bands: NDArray[np.intp], wavelengths_nm: Float64 | None
) -> tuple[ResultWarning, ...]:
    """Doubts about an image. pixels: (n_pixels, n_used_bands), a sample of the valid ones over the bands used. bands:
    (n_used_bands,), their numbers in the image. wavelengths_nm: of all bands of the image."""
    maps = _like_abundances(pixels)
    # Of abundances 1 is the largest there is, and in many pixels: no fill.
    fill = suspected_fill(pixels) if maps is None else None
    found = (
        _few_bands(pixels), maps, _like_a_picture(pixels), _negative(pixels), fill, noisy_bands(pixels, bands),
        None if wavelengths_nm is None else band_order_warning(bands, wavelengths_nm[bands]),
    )  # fmt: skip
    return tuple(doubt for doubt in found if doubt is not None)


def _few_bands(pixels: Float32) -> ResultWarning | None:
    n_bands = pixels.shape[1]
    if n_bands >= MIN_BANDS:
        return None
    return warning(WarningCode.FEW_BANDS, f"only {n_bands} bands are used; unmixing wants {MIN_BANDS} at least")


def _like_abundances(pixels: Float32) -> ResultWarning | None:
    if pixels.shape[1] > MAX_MAPS:
        return None
    in_range = ((pixels >= -SUM_TOLERANCE) & (pixels <= 1 + SUM_TOLERANCE)).all(axis=1)
    sums = pixels.sum(axis=1, dtype=np.float64)
    share = float((in_range & (np.abs(sums - 1) <= SUM_TOLERANCE)).mean())
    if share < SUMMING_SHARE:
        return None
    return warning(
        WarningCode.LOOKS_LIKE_ABUNDANCES,
        f"the {pixels.shape[1]} bands lie in 0 to 1 and sum to one in {share:.0%} of the pixels, as abundances do",
    )


def _like_a_picture(pixels: Float32) -> ResultWarning | None:
    if pixels.shape[1] > PICTURE_BANDS or pixels.max() <= 1:
        return None
    if pixels.min() < 0 or pixels.max() > PICTURE_MAXIMUM or (pixels != np.floor(pixels)).any():
        return None
    return warning(
        WarningCode.LOOKS_LIKE_PICTURE,
        f"the {pixels.shape[1]} bands hold whole numbers from {pixels.min():g} to {pixels.max():g}, as a picture does",
    )


def _negative(pixels: Float32) -> ResultWarning | None:
    share = float((pixels < 0).mean())
    if share < NEGATIVE_SHARE:
        return None
    return warning(
        WarningCode.NEGATIVE_VALUES, f"{share:.1%} of the numbers are negative, down to {float(pixels.min()):.4g}"
    )
