"""Maps of an image as its grid on Earth shows them."""

from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from unmixing.io.products.rasters import Raster
from unmixing.types import Georeference, ImageInfo, MapGrid


class GriddedValues:
    """Values of a map (rows, columns, n_bands) on the grid of its image, looked up when rows of it are wanted.

    fill: where the grid shows no pixel.
    """

    def __init__(self, values: Any, grid: MapGrid, fill: float) -> None:
        self.shape, self.dtype = (*grid.shape, values.shape[2]), values.dtype
        self._values, self._grid, self._fill = values, grid, fill

    def __getitem__(self, wanted: slice) -> NDArray[Any]:
        rows, columns = self._grid.rows[wanted], self._grid.columns[wanted]
        shown = rows >= 0
        found = np.full((*rows.shape, self.shape[2]), self._fill, dtype=self.dtype)
        found[shown] = self._values[rows[shown], columns[shown]]
        return found


def placed(raster: Raster, info: ImageInfo) -> tuple[Raster, Georeference | None]:
    """A raster of an image as files show it, and where it lies: on the image's grid when it has one."""
    if info.grid is None:
        return raster, info.georeference
    return on_grid(raster, info.grid), info.grid.georeference


def on_grid(raster: Raster, grid: MapGrid) -> Raster:
    """A raster of an image as its grid shows it: nothing is resampled, a pixel may be shown twice or never."""
    return replace(raster, values=GriddedValues(raster.values, grid, raster.fill))
