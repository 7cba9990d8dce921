"""Bands whose wavelengths are in no order."""

import numpy as np
from numpy.typing import NDArray

from unmixing.screening.detectors import detectors_by_order, turns
from unmixing.types import Float64, ResultWarning, WarningCode
from unmixing.warnings.table import warning


def band_order_warning(bands: NDArray[np.intp], wavelengths_nm: Float64) -> ResultWarning | None:
    """Wavelengths that turn back more often than detectors explain, or are there twice in one.

    bands: their numbers in the image. wavelengths_nm: theirs. Both (n_used_bands,).
    """
    if detectors_by_order(wavelengths_nm) is not None:
        return None
    said = []
    back = turns(wavelengths_nm)
    if back.size:
        first, second = ((int(bands[k]), float(wavelengths_nm[k])) for k in (back[0], back[0] + 1))
        said.append(
            f"turn back {back.size} times, first from band {first[0]} ({first[1]:g} nm) to band {second[0]} "
            f"({second[1]:g} nm)"
        )
    order = np.argsort(wavelengths_nm, kind="stable")
    twice = np.flatnonzero(np.diff(wavelengths_nm[order]) == 0)
    if twice.size:
        one, other = bands[order[twice[0]]], bands[order[twice[0] + 1]]
        said.append(
            f"repeat {twice.size} times, first {wavelengths_nm[order[twice[0]]]:g} nm in bands {one} and {other}"
        )
    return warning(WarningCode.BANDS_NOT_IN_ORDER, f"the wavelengths of the bands used {' and '.join(said)}")
