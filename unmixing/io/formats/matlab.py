"""MATLAB files: version 5 through SciPy, version 7.3 (HDF5) through h5py.

The benchmark scenes come as a matrix ``Y`` or ``V`` of bands x pixels with the numbers of rows and columns
beside it, and MATLAB counts pixels down the columns. ``cube_view`` is the one place that turns this round.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from unmixing.errors import AmbiguousSceneError, SceneFormatError
from unmixing.io.formats.reader import ArrayHeader
from unmixing.io.formats.variables import THE_CUBE, choose_array, listed, no_array, require_cube

MATRIX_NAMES = ("Y", "V")
SIZE_NAMES = (("nRow", "nCol"), ("H", "W"))
"""Of the numbers of rows and columns that lie beside a matrix."""


@dataclass(frozen=True)
class CubeVariable:
    """The array that holds the cube: its header as in the file, and the cube's shape, (rows, columns, bands)."""

    name: str
    header: ArrayHeader
    shape: tuple[int, int, int]


def find_cube(
    arrays: Mapping[str, ArrayHeader],
    small: Mapping[str, NDArray[Any]],
    variable: str | None,
    file_name: str,
) -> CubeVariable:
    """The cube among ``arrays``, whose shapes are MATLAB's.

    small: the numbers of rows and columns, arrays of one element, that make a matrix of bands x pixels a cube.

    Raises SceneFormatError or AmbiguousSceneError.
    """
    name = choose_array(arrays, variable, file_name, THE_CUBE) or _matrix_name(arrays, file_name)
    header, what = arrays[name], f"{file_name}: {name}"
    sizes = _image_size(small)
    if len(header.shape) != 2 or sizes is None or not header.is_real:
        return CubeVariable(name, header, require_cube(header, what))
    rows, columns = sizes
    n_bands, n_pixels = header.shape
    if n_pixels != rows * columns or min(header.shape) < 1:
        raise SceneFormatError(
            f"{what} is a matrix of {n_bands} bands x {n_pixels} pixels, but {rows} rows x {columns} columns "
            f"are {rows * columns} pixels"
        )
    return CubeVariable(name, header, (rows, columns, n_bands))


def _matrix_name(arrays: Mapping[str, ArrayHeader], file_name: str) -> str:
    names = [name for name in MATRIX_NAMES if name in arrays and len(arrays[name].shape) == 2]
    if not names:
        raise no_array(THE_CUBE, arrays, file_name)
    if len(names) > 1:
        both = listed({name: arrays[name] for name in names})
        raise AmbiguousSceneError(f"{file_name} has several matrices: {both}; say which with `variable`")
    return names[0]


def _image_size(small: Mapping[str, NDArray[Any]]) -> tuple[int, int] | None:
    for pair in SIZE_NAMES:
        if all(name in small and small[name].size == 1 for name in pair):
            rows, columns = (float(small[name].ravel()[0]) for name in pair)
            if rows >= 1 and columns >= 1 and rows.is_integer() and columns.is_integer():
                return int(rows), int(columns)
    return None


def cube_view(array: NDArray[Any], shape: tuple[int, int, int]) -> NDArray[Any]:
    """A MATLAB array as (rows, columns, bands): a cube as it is, a matrix of bands x pixels turned round.

    shape: (rows, columns, bands). Pixels lie column by column: pixel ``column * rows + row`` is at (row, column).
    Nothing is copied where the array is column-major, as MATLAB's are.

    >>> cube_view(np.arange(6).reshape(1, 6), (2, 3, 1))[..., 0]
    array([[0, 2, 4],
           [1, 3, 5]])
    """
    if array.ndim == 3:
        return array
    rows, columns, n_bands = shape
    return np.reshape(array, (n_bands, rows, columns), order="F").transpose(1, 2, 0)
