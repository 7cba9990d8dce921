"""Spectra as curves: each detector's bands in order, nothing drawn where bands are left out."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from unmixing.io.products.palette import endmember_colour, line_style
from unmixing.io.products.pictures.figure import INK, plain_plot
from unmixing.types import Float32, ImageInfo

LONG_STEP = 6.0
"""A line is broken where the next wavelength is this many times the usual step away, or lies behind."""

LEFT_OUT = "#f1f1f1"


def draw_spectra(panel: Any, spectra: Float32, info: ImageInfo, names: tuple[str, ...], size: float) -> None:
    """A curve for each of the spectra (n_endmembers, n_bands), NaN in bands that are left out; where these are no other
    detector's too the ground is grey. size: of the letters, in points."""
    positions = np.arange(info.shape[2], dtype=float) if info.wavelengths_nm is None else info.wavelengths_nm
    order, breaks = runs(positions)
    x = np.insert(positions[order], breaks, np.nan)
    for index, (name, spectrum) in enumerate(zip(names, spectra, strict=True)):
        y = np.insert(spectrum[order], breaks, np.nan)
        look: dict[str, Any] = {"color": endmember_colour(index), "linestyle": line_style(index)}
        panel.plot(x, y, linewidth=1.4, label=name, **look)
        single = alone(y)
        panel.plot(x[single], y[single], linestyle="none", marker=".", markersize=3, color=look["color"])
    for start, stop in gaps(positions, info.used_bands):
        panel.axvspan(start, stop, color=LEFT_OUT, linewidth=0, zorder=0)
    panel.set_xlabel("band" if info.wavelengths_nm is None else "wavelength (nm)", fontsize=size, color=INK)
    plain_plot(panel, size - 1)


def runs(positions: NDArray[np.float64]) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """In which order to draw the bands, and before which of them to lift the pen.

    Spectrometers overlap: drawn in the order of the file, each gives its own line instead of a zigzag. Where
    bands have been cut out the line has a gap. Bands in no order at all are sorted.
    """
    order = np.arange(len(positions))
    steps = np.diff(positions)
    backward = steps * np.sign(np.median(steps)) <= 0
    if backward.sum() > len(positions) / 10:
        order = np.argsort(positions, kind="stable")
        steps = np.diff(positions[order])
        backward = np.zeros(len(steps), dtype=bool)
    long = np.abs(steps) > LONG_STEP * np.median(np.abs(steps))
    return order, np.flatnonzero(backward | long) + 1


def alone(values: NDArray[np.floating[Any]]) -> NDArray[np.bool_]:
    """Which values have no neighbour, so that no line leads to them.

    >>> alone(np.array([1.0, np.nan, 2.0, 3.0, np.nan, np.nan, 4.0])).tolist()
    [True, False, False, False, False, False, True]
    """
    known = np.pad(np.isfinite(values), 1)
    single: NDArray[np.bool_] = known[1:-1] & ~known[:-2] & ~known[2:]
    return single


def gaps(positions: NDArray[np.float64], used: NDArray[np.bool_]) -> list[tuple[float, float]]:
    """The ranges of left-out bands between those that are used, from the last used one before to the first after.

    Where detectors overlap and one of them is used there is no gap.

    >>> gaps(np.array([400.0, 410, 420, 430, 440, 425]), np.array([True, False, False, True, False, True]))
    [(400.0, 425.0)]
    """
    order = np.argsort(positions, kind="stable")
    sorted_positions, sorted_used = positions[order], used[order]
    kept = np.flatnonzero(sorted_used)
    first, last = kept[:-1], kept[1:]
    broken = last - first > 1
    return [
        (float(sorted_positions[start]), float(sorted_positions[stop]))
        for start, stop in zip(first[broken], last[broken], strict=True)
    ]
