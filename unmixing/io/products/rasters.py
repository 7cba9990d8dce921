"""Rasters as every product describes them: numbers, and what each band is, for the file itself and for catalogues."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

NODATA = -9999.0

BLOCK_BYTES = 16 * 2**20
"""How much of a map is in memory at a time."""


class Rows(Protocol):
    """A map of which some rows are looked at at a time: an array in memory or in a file, or one that is computed."""

    @property
    def shape(self) -> tuple[int, ...]: ...

    @property
    def dtype(self) -> np.dtype[Any]: ...

    def __getitem__(self, wanted: Any, /) -> NDArray[Any]: ...


def row_blocks(values: Rows) -> Iterator[tuple[int, NDArray[Any]]]:
    """The first row of each block, and the block: as many rows as fit into ``BLOCK_BYTES``."""
    rows, *others = values.shape
    step = max(1, BLOCK_BYTES // (values.dtype.itemsize * int(np.prod(others))))
    for start in range(0, rows, step):
        yield start, values[start : start + step]


@dataclass(frozen=True)
class RasterBand:
    """One band. unit: of its numbers, "1" for shares and factors, None where nobody knows it."""

    name: str
    description: str
    unit: str | None = "1"


@dataclass(frozen=True, eq=False)
class Raster:
    """A map with one band or more.

    values: (rows, columns, n_bands) float32 with NaN where there is none, or uint8. nodata: what stands there in the
    file. tags: metadata of the file and of every band. colours: of whole numbers, RGBA by number. fill: where a map
    shows no pixel of the image.
    """

    values: Rows
    bands: tuple[RasterBand, ...]
    nodata: float | None = NODATA
    tags: Mapping[str, str] = field(default_factory=dict)
    colours: Mapping[int, tuple[int, int, int, int]] = field(default_factory=dict)
    fill: float = np.nan

    @property
    def is_coded(self) -> bool:
        """Whether its numbers are codes, of which no mean is taken."""
        return bool(self.values.dtype.kind == "u")

    def blocks(self) -> Iterator[tuple[int, NDArray[Any]]]:
        """The first row of each block, and the block as it stands in the file."""
        for start, block in row_blocks(self.values):
            plain = self.nodata is None or self.is_coded
            yield start, block if plain else np.nan_to_num(block, nan=float(self.nodata or 0.0))
