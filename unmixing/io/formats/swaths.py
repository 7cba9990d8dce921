"""Swaths: scenes with a latitude and a longitude for every pixel, shown on an even grid of degrees."""

from itertools import product

import numpy as np
from numpy.typing import NDArray

from unmixing.io.formats.gdal import epsg_wkt
from unmixing.types import Float64, Georeference, MapGrid

WGS84 = 4326

HIGHEST_LATITUDE = 85.0
"""Nearer to a pole degrees of longitude are no measure of anything."""

REACH = 1.0
"""A place of the grid shows the nearest pixel that is no farther, in steps of the grid."""

MOST_PER_PIXEL = 16
"""Places of the grid for each pixel of the scene, at most: more means that latitudes and longitudes are no swath."""


def grid_of_swath(latitude: NDArray[np.floating], longitude: NDArray[np.floating]) -> MapGrid | None:
    """An even grid in latitude and longitude that shows each pixel where it lies, to within a step of the grid.

    latitude, longitude: (rows, columns) degrees of the centres; NaN, and what is outside of their range, for none. The
    step is the median distance of neighbours. None where no grid can be made: too few places, next to a pole, places
    that do not lie beside each other.
    """
    y, x = np.asarray(latitude, np.float64), _unwrapped(np.asarray(longitude, np.float64))
    there = (np.abs(y) <= HIGHEST_LATITUDE) & np.isfinite(x)
    if min(y.shape) < 2 or there.mean() < 0.5:
        return None
    steps = _step(y, there), _step(x, there)
    if not all(step > 0 for step in steps):
        return None
    down, right = (y[there].max() - y[there]) / steps[0], (x[there] - x[there].min()) / steps[1]
    shape = round(down.max()) + 1, round(right.max()) + 1
    if shape[0] * shape[1] > MOST_PER_PIXEL * y.size:
        return None
    shown = np.full(shape, -1, np.int64)
    shown[np.round(down).astype(np.intp), np.round(right).astype(np.intp)] = np.arange(len(down))
    _fill(shown, down, right)
    if len(np.unique(shown)) < there.sum() / 2:
        return None
    shown = np.append(np.flatnonzero(there), -1)[shown]  # its last stands for none
    place = (steps[1], 0.0, x[there].min() - steps[1] / 2, 0.0, -steps[0], y[there].max() + steps[0] / 2)
    numbers = np.where(shown < 0, -1, np.stack(np.divmod(shown, y.shape[1]))).astype(np.int32)
    return MapGrid(Georeference(epsg_wkt(WGS84), place), numbers[0], numbers[1])


def _unwrapped(longitude: Float64) -> Float64:
    """Longitudes that go on beyond 180 degrees where the scene does; NaN outside of their range."""
    x = np.where(np.abs(longitude) <= 360, longitude, np.nan)
    if not np.isfinite(x).any():
        return x
    middle = np.angle(np.nanmean(np.exp(1j * np.radians(x))), deg=True)
    unwrapped: Float64 = middle + (x - middle + 180) % 360 - 180
    return unwrapped


def _step(values: Float64, there: NDArray[np.bool_]) -> float:
    """The median distance of neighbours, along the axis on which the values change more; 0 where there is none."""
    found = []
    for axis in (0, 1):
        both = np.logical_and(*(np.take(there, range(k, there.shape[axis] - 1 + k), axis) for k in (0, 1)))
        found.append(float(np.median(np.abs(np.diff(values, axis=axis)[both]))) if both.any() else 0.0)
    return max(found)


def _fill(shown: NDArray[np.int64], down: Float64, right: Float64) -> None:
    """Let every empty place of the grid show the nearest of the pixels around it that is in reach.

    shown: the number of the pixel at each place, -1 for none. down, right: where each pixel lies, in steps.
    """
    rows, columns = np.nonzero(shown < 0)
    best, least = np.full(len(rows), -1, np.int64), np.full(len(rows), REACH)
    around = np.pad(shown, 1, constant_values=-1)
    for row, column in product((0, 1, 2), repeat=2):
        pixel = around[rows + row, columns + column]
        distance = np.where(pixel < 0, np.inf, np.hypot(down[pixel] - rows, right[pixel] - columns))
        nearer = distance <= least
        best[nearer], least[nearer] = pixel[nearer], distance[nearer]
    shown[rows, columns] = best
