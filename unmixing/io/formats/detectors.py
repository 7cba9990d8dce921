"""Detectors whose wavelengths overlap: which band of which one is used."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from unmixing.types import Bool, Float64


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
    ordered = sorted(dict.fromkeys(detectors), key=lambda name: float(wavelengths_nm[names == name].min()))
    bad, said = np.zeros(len(names), dtype=bool), []
    for first, second in pairwise(ordered):
        start = float(wavelengths_nm[names == second].min())
        end = float(min(wavelengths_nm[names == name].max() for name in (first, second)))
        if start > end:
            continue
        middle = (start + end) / 2
        out = ((names == first) & (wavelengths_nm > middle)) | ((names == second) & (wavelengths_nm <= middle))
        bad |= out
        said.append(
            f"{first} and {second} overlap from {start:g} to {end:g} nm; {first} is used below {middle:g} nm, {second} "
            f"above: {_listed(out)} left out"
        )
    return DetectorOverlap(bad, "; ".join(said) or None)


def _listed(bands: Bool) -> str:
    numbers = [str(number) for number in np.flatnonzero(bands)]
    return f"band {numbers[0]} is" if len(numbers) == 1 else f"bands {', '.join(numbers)} are"
