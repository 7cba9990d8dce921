"""Pixels as a model takes them: one by one, or each with the pixels around it."""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import distance_transform_edt

from unmixing.types import Cube, Float32

Read = Callable[[slice | NDArray[np.intp]], Float32]
"""From which of the valid pixels to their rows."""


def pixel_reader(cube: Cube, side: int) -> Read:
    """Reads valid pixels over all bands of the sensor, everything not finite as 0.

    With ``side`` 1 a row is a pixel, (n, n_bands). With an odd ``side`` beyond, it is the side x side pixels around
    it in row-major order, (n, side * side * n_bands); where there is none, or none that is valid, the valid pixel
    nearest to that place stands in.
    """
    if side == 1:
        valid = np.nan_to_num(cube.values[cube.valid_pixels])
        return lambda chosen: valid[chosen]
    half = side // 2
    padded = np.pad(filled(cube), ((half, half), (half, half), (0, 0)), mode="edge")
    rows, columns = np.nonzero(cube.valid_pixels)
    down, right = (offsets.ravel() for offsets in np.indices((side, side)))

    def read(chosen: slice | NDArray[np.intp]) -> Float32:
        around: Float32 = padded[rows[chosen][:, None] + down, columns[chosen][:, None] + right]
        return around.reshape(len(around), -1)

    return read


def filled(cube: Cube) -> Float32:
    """The values, (rows, columns, bands), with each masked pixel replaced by the valid one nearest to it."""
    rows, columns = distance_transform_edt(~cube.valid_pixels, return_distances=False, return_indices=True)
    values: Float32 = np.nan_to_num(cube.values[rows, columns])
    return values
