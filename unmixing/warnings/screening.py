"""Warnings about numbers and bands that screening has left in: too little speaks against them to leave them out."""

import numpy as np
from numpy.typing import NDArray

from unmixing.screening.fill import REPEATS
from unmixing.screening.noise import noise_shares
from unmixing.types import Float32, ResultWarning, WarningCode
from unmixing.warnings.table import warning

NOISE_SHARE = 0.65
"""A band of more noise than this is told; of much more it is dropped."""

REPEATED_SHARE = 0.01
"""Of all numbers that are one and the same, the largest or a negative smallest, for that to be told. Zeros are dark."""

LISTED = 20
"""Bands that are named, at most."""


def noisy_bands(pixels: Float32, bands: NDArray[np.intp]) -> ResultWarning | None:
    """pixels: (n_pixels, n_used_bands), a sample of the valid ones over the bands that are used. bands:
    (n_used_bands,), their numbers in the image, by which ``bad_bands`` names them."""
    shares = noise_shares(pixels)
    noisy = bands[shares > NOISE_SHARE]
    if not len(noisy):
        return None
    named = ",".join(map(str, noisy[:LISTED].tolist())) + (", ..." if len(noisy) > LISTED else "")
    return warning(
        WarningCode.NOISY_BANDS,
        f"{len(noisy)} of the {len(shares)} bands used are mostly noise: more than {NOISE_SHARE:.0%} of each is in no "
        f"other ({named}, counted from 0)",
    )


def suspected_fill(pixels: Float32) -> ResultWarning | None:
    """pixels: (n_pixels, n_used_bands), a sample of the valid ones over the bands that are used."""
    for number, extreme in ((float(pixels.max()), "largest"), (float(pixels.min()), "smallest")):
        count = int((pixels == np.float32(number)).sum())
        share = count / pixels.size
        if share >= REPEATED_SHARE and count >= REPEATS and not (extreme == "smallest" and number >= 0):
            return warning(
                WarningCode.SUSPECTED_FILL,
                f"{share:.1%} of the numbers are exactly {number:g}, the {extreme} there is: fill, or saturation",
            )
    return None
