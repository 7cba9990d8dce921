"""Bands whose wavelengths do not go one way: detectors that overlap, or a list in no order."""

from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from unmixing.types import Float64, ResultWarning, WarningCode
from unmixing.warnings.table import warning

MAX_DETECTORS = 5
"""AVIRIS has four, most imaging spectrometers two."""

LEAST_BANDS = 4
"""Bands of a detector at least; fewer between two turns are bands in the wrong place."""


def overlap_kept(wavelengths_nm: Float64) -> str | None:
    """Where detectors overlap and all of their bands are kept, in words; None where none do, or the list has no order.

    wavelengths_nm: (n_bands,), of the bands used, detector after detector.

    >>> overlap_kept(np.array([400.0, 500, 600, 700, 680, 780, 880, 980]))
    'detectors overlap from 680 to 700 nm; all their bands are kept'
    """
    found = _detectors(wavelengths_nm)
    if found is None or len(found) == 1:
        return None
    shared = [(max(one.min(), other.min()), min(one.max(), other.max())) for one, other in pairwise(found)]
    where = " and ".join(f"from {start:g} to {end:g} nm" for start, end in shared)
    return f"detectors overlap {where}; all their bands are kept"


def band_order_warning(bands: NDArray[np.intp], wavelengths_nm: Float64) -> ResultWarning | None:
    """Wavelengths that turn back more often than detectors explain, or are there twice in one.

    bands: their numbers in the image. wavelengths_nm: theirs. Both (n_used_bands,).
    """
    if _detectors(wavelengths_nm) is not None:
        return None
    said = []
    turns = _turns(wavelengths_nm)
    if turns.size:
        first, second = ((int(bands[k]), float(wavelengths_nm[k])) for k in (turns[0], turns[0] + 1))
        said.append(
            f"turn back {turns.size} times, first from band {first[0]} ({first[1]:g} nm) to band {second[0]} "
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


def _turns(wavelengths_nm: Float64) -> NDArray[np.intp]:
    """The bands after which wavelengths turn back, whichever way they mostly go."""
    steps = np.diff(wavelengths_nm)
    return np.flatnonzero(steps < 0 if np.median(np.sign(steps)) >= 0 else steps > 0)


def _detectors(wavelengths_nm: Float64) -> list[Float64] | None:
    """Wavelengths of each detector; None where the list is no row of detectors that each go one way."""
    turns = _turns(wavelengths_nm)
    found = np.split(wavelengths_nm, turns + 1)
    repeated = any((np.diff(one) == 0).any() for one in found)
    short = turns.size and min(len(one) for one in found) < LEAST_BANDS
    return None if repeated or short or len(found) > MAX_DETECTORS else found
