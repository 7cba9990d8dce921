"""Rasters as every product describes them: numbers, and what each band is, for the file itself and for catalogues."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

NODATA = -9999.0


@dataclass(frozen=True)
class RasterBand:
    """One band. unit: of its numbers, "1" for shares and factors, None where nobody knows it."""

    name: str
    description: str
    unit: str | None = "1"


class RasterValues(Protocol):
    """Numbers of a map that are read rows by rows, such as an array."""

    @property
    def shape(self) -> tuple[Any, ...]: ...
    @property
    def dtype(self) -> np.dtype[Any]: ...
    def __getitem__(self, wanted: slice, /) -> NDArray[Any]: ...


@dataclass(frozen=True, eq=False)
class Raster:
    """A map with one band or more.

    values: (rows, columns, n_bands) float32 with NaN where there is none, or uint8; in memory or mapped. nodata: what
    stands there in the file. tags: metadata of the file and of every band. colours: of whole numbers, RGBA by number.
    fill: where a map shows no pixel of the image.
    """

    values: RasterValues
    bands: tuple[RasterBand, ...]
    nodata: float | None = NODATA
    tags: Mapping[str, str] = field(default_factory=dict)
    colours: Mapping[int, tuple[int, int, int, int]] = field(default_factory=dict)
    fill: float = np.nan

    @property
    def is_coded(self) -> bool:
        """Whether its numbers are codes, of which no mean is taken."""
        return bool(self.values.dtype.kind == "u")
