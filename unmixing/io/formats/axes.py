"""Which axis of a 3-D array holds the bands: as the user, the file or the numbers themselves say."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from unmixing.errors import AmbiguousSceneError, SceneFormatError
from unmixing.io.formats.layout import BANDS, COLUMNS, PIXELS, ROWS, AxisOrder
from unmixing.io.formats.spectral_axis import badness_of_axes
from unmixing.types import Float64

AXIS_NAMES = {
    **dict.fromkeys(("band", "bands", "b", "wavelength", "wavelengths", "wl", "lambda", "spectral", "channel",
                     "channels", "nbands", "spectral_band", "wave", "wavelength_3d"), BANDS),
    **dict.fromkeys(("rows", "row", "y", "lat", "latitude", "line", "lines", "height", "h", "downtrack", "along_track",
                     "northing", "number_of_lines"), ROWS),
    **dict.fromkeys(("columns", "column", "cols", "col", "x", "lon", "longitude", "sample", "samples", "width", "w",
                     "crosstrack", "across_track", "easting", "pixels_per_line"), COLUMNS),
    **dict.fromkeys(("pixels", "pixel"), PIXELS),
}  # fmt: skip
"""Names of the axes of a scene in programs and among users, in lower case."""

CLEAR_RATIO = 1.4
"""How much better an axis has to be as bands than every other for the numbers to say so. Of some 90 real, cropped,
decimated, filled and generated scenes no other axis was ever so much better than the bands, but in a corner of
nothing but water."""

AGAINST_SHAPE = 2.0
"""And how much, where the shape of the array says something else."""

FEWEST_BANDS_AGAINST_SHAPE = 16
LONGER, SHORTER = 1.5, 3.0
"""The shape says that an axis is the bands which is so many times longer, or shorter, than the others."""

MOST_OF_FEW_BANDS = 32

SMALLEST_LOOKED_AT = 8
"""Where two axes are shorter than this, there are too few numbers to tell anything."""

SMALLEST_DOUBTED = 16
"""And where two are shorter than this, numbers have to be clear to be heard at all."""


@dataclass(frozen=True)
class AxisSigns:
    """Signs that may tell which axis holds the bands. asked: names of the axes by the user. named: by the file.
    n_wavelengths: how many the file lists. content: the array, read when nothing else tells; None where reading it
    for that is too much."""

    asked: Sequence[str] | None = None
    named: Sequence[str] | None = None
    n_wavelengths: int | None = None
    content: Callable[[], NDArray[Any]] | None = None


def find_axes(shape: tuple[int, ...], signs: AxisSigns, what: str) -> AxisOrder:
    """The order of axes of an array of this shape.

    what: the array in words, for errors. Raises SceneFormatError for axes asked for that do not fit, and
    AmbiguousSceneError where several orders are likely.
    """
    if signs.asked is not None:
        return AxisOrder.named(asked_axes(signs.asked, (ROWS, COLUMNS, BANDS)), "request")
    if signs.named is not None and (order := _by_names(signs.named)) is not None:
        return order
    fitting = [axis for axis in range(3) if shape[axis] == signs.n_wavelengths]
    if len(fitting) == 1:
        return AxisOrder.with_bands(fitting[0], "number of wavelengths")
    if sorted(shape)[1] < SMALLEST_LOOKED_AT or shape[2] == 1:
        return AxisOrder()
    if signs.content is None:
        return _without_content(shape, what)
    return _by_content(shape, badness_of_axes(signs.content()), what)


def asked_axes(asked: Sequence[str], needed: Sequence[str]) -> tuple[str, ...]:
    """The axes that a user names, in the words of this module. Raises SceneFormatError unless they are those needed.

    >>> asked_axes(["band", "y", "x"], ("rows", "columns", "bands"))
    ('bands', 'rows', 'columns')
    """
    names = tuple(AXIS_NAMES.get(name.strip().lower(), name) for name in asked)
    if sorted(names) != sorted(needed):
        raise SceneFormatError(
            f"axes is {','.join(asked)}; for this array it has to name {', '.join(needed[:-1])} and {needed[-1]}, in "
            "the order of the file, such as axes=" + ",".join((needed[-1], *needed[:-1]))
        )
    return names


def _by_names(names: Sequence[str]) -> AxisOrder | None:
    """By the names that the file gives its axes, when they tell the bands from the two others."""
    known = [AXIS_NAMES.get(name.lower()) for name in names]
    if sorted(name or "" for name in known) == sorted((ROWS, COLUMNS, BANDS)):
        return AxisOrder.named(tuple(name or "" for name in known), "names of the axes")
    if known.count(BANDS) == 1:
        return AxisOrder.with_bands(known.index(BANDS), "names of the axes")
    if {ROWS, COLUMNS} <= set(known) and len(known) == 3:
        return AxisOrder.with_bands(next(i for i in range(3) if known[i] not in (ROWS, COLUMNS)), "names of the axes")
    return None


def shape_axis(shape: tuple[int, ...]) -> int | None:
    """The axis that stands out by its length, as bands often do: much longer than both others, or short and much
    shorter.

    >>> shape_axis((198, 40, 40)), shape_axis((100, 120, 4)), shape_axis((60, 50, 40))
    (0, 2, None)
    """
    for axis, length in enumerate(shape):
        others = [other for place, other in enumerate(shape) if place != axis]
        if length >= LONGER * max(others) or (length <= MOST_OF_FEW_BANDS and length * SHORTER <= min(others)):
            return axis
    return None


def _without_content(shape: tuple[int, ...], what: str) -> AxisOrder:
    outstanding = shape_axis(shape)
    if outstanding not in (None, 2):
        raise _ambiguous(shape, what)
    return AxisOrder()


def _by_content(shape: tuple[int, ...], badness: Float64, what: str) -> AxisOrder:
    """By how the numbers behave along each axis, held against what the shape says; the last axis where neither says
    anything."""
    outstanding = shape_axis(shape)
    if not np.isfinite(badness).any():  # noise, or nothing at all
        return _without_content(shape, what)
    best = int(np.argmin(badness))
    first, second = np.sort(badness)[:2]
    if first * CLEAR_RATIO <= second:
        trusted = first * AGAINST_SHAPE <= second and shape[best] >= FEWEST_BANDS_AGAINST_SHAPE
        if best == 2 or outstanding in (None, best) or trusted:
            return AxisOrder.with_bands(best, "its numbers")
    elif outstanding is not None and badness[outstanding] <= CLEAR_RATIO * first:
        return AxisOrder.with_bands(outstanding, "its shape")
    elif best == 2:
        return AxisOrder()
    if sorted(shape)[1] < SMALLEST_DOUBTED:
        return AxisOrder()
    raise _ambiguous(shape, what)


def _ambiguous(shape: tuple[int, ...], what: str) -> AmbiguousSceneError:
    first, second, third = shape
    return AmbiguousSceneError(
        f"{what} of shape {shape} may be {first} bands of {second} rows x {third} columns, or {first} rows x {second} "
        f"columns of {third} bands, and nothing in the file says which; say axes=bands,rows,columns or "
        "axes=rows,columns,bands (--axes)"
    )
