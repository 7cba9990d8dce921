"""Warnings about the numbers of an image, before anything is computed from them."""

from unmixing.types import Float32, ResultWarning, WarningCode
from unmixing.warnings.screening import noisy_bands, suspected_fill
from unmixing.warnings.table import warning

MIN_BANDS = 10


def reading_warnings(pixels: Float32) -> tuple[ResultWarning, ...]:
    """pixels: (n_pixels, n_used_bands), a sample of the valid ones over the bands that are used."""
    n_bands = pixels.shape[1]
    found: list[ResultWarning] = []
    if n_bands < MIN_BANDS:
        found.append(
            warning(WarningCode.FEW_BANDS, f"only {n_bands} bands are used; unmixing wants {MIN_BANDS} at least")
        )
    found += [doubt for check in (noisy_bands, suspected_fill) if (doubt := check(pixels)) is not None]
    return tuple(found)
