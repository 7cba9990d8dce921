"""Geometry lookup tables: a grid on Earth whose pixels say which of the sensor's they show."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from unmixing.errors import SceneFormatError
from unmixing.types import Bool, Georeference, MapGrid

Range = tuple[int, int]
"""The first, and the one after the last."""


def grid_of_lookup(
    x: NDArray[Any], y: NDArray[Any], shape: tuple[int, int], georeference: Georeference, file_name: str
) -> MapGrid:
    """The grid of a lookup table of columns ``x`` and rows ``y``, counted from 1, zero where there is no pixel.

    shape: rows and columns of the scene. Raises SceneFormatError for pixels that the scene does not have.
    """
    if x.ndim != 2 or x.shape != y.shape or x.dtype.kind not in "iuf" or y.dtype.kind not in "iuf":
        raise SceneFormatError(
            f"{file_name}: glt_x of the lookup table is {x.dtype} {x.shape}, glt_y {y.dtype} {y.shape}; both have to "
            "be numbers (rows, columns), of one size"
        )
    for name, values, most in (("glt_x", x, shape[1]), ("glt_y", y, shape[0])):
        wrong = ~((values >= 0) & (values <= most))  # also what is no number
        if wrong.any():
            raise SceneFormatError(
                f"{file_name}: {name} of the lookup table holds {values[wrong][0]:g}; the scene has 1 to {most}, and "
                "zero means none"
            )
    shown = (x > 0) & (y > 0)
    if not shown.any():
        raise SceneFormatError(f"{file_name}: the lookup table shows no pixel of the scene")
    rows, columns = (np.where(shown, values, 0).astype(np.int32) - 1 for values in (y, x))
    return MapGrid(georeference, rows, columns)


def part_of_grid(grid: MapGrid, rows: Range, columns: Range) -> MapGrid:
    """The grid of some rows and columns of its image."""
    inside = np.ones(grid.shape, dtype=bool)
    for numbers, (first, last) in ((grid.rows, rows), (grid.columns, columns)):
        inside &= (numbers >= first) & (numbers < last)
    first_row, first_column = np.int32(rows[0]), np.int32(columns[0])
    return MapGrid(
        grid.georeference,
        np.where(inside, grid.rows - first_row, np.int32(-1)),
        np.where(inside, grid.columns - first_column, np.int32(-1)),
    )


def shown_in(grid: MapGrid, chosen: Bool, shape: tuple[int, int]) -> Bool:
    """Pixels of an image of ``shape`` that chosen pixels of its grid show."""
    chosen = chosen & (grid.rows >= 0)
    found = np.zeros(shape, dtype=bool)
    found[grid.rows[chosen], grid.columns[chosen]] = True
    return found
