"""Detectors of an imaging spectrometer: which bands are whose, and where two measure the same wavelengths."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from unmixing.types import Bool, Float64

MAX_DETECTORS = 5
"""AVIRIS has four, most imaging spectrometers two."""

LEAST_BANDS = 4
"""Bands of a detector at least; fewer between two turns are bands in the wrong place."""


@dataclass(frozen=True)
class DetectorOverlap:
    """bad: (n_bands,) the bands that the other detector measures better. said: where, in words; None without one."""

    bad: Bool
    said: str | None


def detector_overlap(wavelengths_nm: Float64, detectors: Sequence[str]) -> DetectorOverlap:
    """Bands to leave out where two detectors measure the same wavelengths. detectors: the name of each band's.

    Both are used up to the middle of what they share: detectors are worst at their own ends.

    >>> found = detector_overlap(np.array([400.0, 960, 1000, 940, 980, 2400]), ["VNIR"] * 3 + ["SWIR"] * 3)
    >>> np.flatnonzero(found.bad)
    array([2, 3])
    >>> found.said
    'VNIR and SWIR overlap from 940 to 1000 nm; VNIR is used below 970 nm, SWIR above: bands 2, 3 are left out'
    """
    names = np.array(detectors)
    all_names = list(dict.fromkeys(detectors))
    bad, said = np.zeros(len(names), dtype=bool), []
    for one, other, start, end in _overlaps([wavelengths_nm[names == name] for name in all_names]):
        first, second = all_names[one], all_names[other]
        middle = (start + end) / 2
        out = ((names == first) & (wavelengths_nm > middle)) | ((names == second) & (wavelengths_nm <= middle))
        bad |= out
        said.append(
            f"{first} and {second} overlap from {start:g} to {end:g} nm; {first} is used below {middle:g} nm, {second} "
            f"above: {_listed(out)} left out"
        )
    return DetectorOverlap(bad, "; ".join(said) or None)


def overlap_kept(wavelengths_nm: Float64) -> str | None:
    """Where detectors overlap and all of their bands are kept, in words; None where none do, or the list has no order.

    wavelengths_nm: (n_bands,), of the bands used, detector after detector.

    >>> overlap_kept(np.array([400.0, 500, 600, 700, 680, 780, 880, 980]))
    'detectors overlap from 680 to 700 nm; all their bands are kept'
    """
    found = detectors_by_order(wavelengths_nm)
    shared = [] if found is None else [f"from {start:g} to {end:g} nm" for _, _, start, end in _overlaps(found)]
    return f"detectors overlap {' and '.join(shared)}; all their bands are kept" if shared else None


def detectors_by_order(wavelengths_nm: Float64) -> list[Float64] | None:
    """Wavelengths of each detector, which ends where they turn back; None where the list is no row of detectors that
    each go one way."""
    back = turns(wavelengths_nm)
    found = np.split(wavelengths_nm, back + 1)
    repeated = any((np.diff(one) == 0).any() for one in found)
    short = back.size and min(len(one) for one in found) < LEAST_BANDS
    return None if repeated or short or len(found) > MAX_DETECTORS else found


def turns(wavelengths_nm: Float64) -> NDArray[np.intp]:
    """The bands after which wavelengths turn back, whichever way they mostly go.

    >>> turns(np.array([400.0, 500, 600, 550, 650]))
    array([2])
    """
    steps = np.diff(wavelengths_nm)
    return np.flatnonzero(steps < 0 if np.median(np.sign(steps)) >= 0 else steps > 0)


def _overlaps(found: Sequence[Float64]) -> Iterator[tuple[int, int, float, float]]:
    """Neighbours that measure the same wavelengths: numbers of both, and from where to where. found: of each detector,
    in any order."""
    by_start = sorted(range(len(found)), key=lambda number: float(found[number].min()))
    for one, other in pairwise(by_start):
        start, end = float(found[other].min()), float(min(found[one].max(), found[other].max()))
        if start <= end:
            yield one, other, start, end


def _listed(bands: Bool) -> str:
    numbers = [str(number) for number in np.flatnonzero(bands)]
    return f"band {numbers[0]} is" if len(numbers) == 1 else f"bands {', '.join(numbers)} are"
