"""Images as unmixing reads them: block by block, wherever their numbers lie."""

import sys
from collections.abc import Iterator
from typing import Any, NamedTuple, Protocol

import numpy as np
from numpy.typing import ArrayLike, NDArray

from unmixing.cubes import cube_from_array, per_band, scaled_values
from unmixing.errors import SceneFormatError
from unmixing.screening.fill import blank
from unmixing.types import Bool, Cube, FillValue, Float32, Float64, Georeference, ImageInfo, MapGrid, SceneFacts

BLOCK_BYTES = 16 * 2**20
"""How much of an array in memory is worked on at a time."""


class Block(NamedTuple):
    """Rows of an image from ``start`` to ``stop``, with ``above`` rows more before them and perhaps some after.

    values: (above + stop - start + below, columns, bands) scaled, NaN where there is no data.
    """

    start: int
    stop: int
    above: int
    values: Float32


class Image(Protocol):
    """An image that can be read more than once. ``SceneReader`` reads files, ``ArrayImage`` an array.

    shape: rows, columns, bands. wavelengths_nm, bad_bands: (bands,) or None, bad_bands true where the provider marks
    a band bad. bands_chosen: see ``SceneFacts``. scale: the factor applied to the numbers as they lie in the file.
    """

    @property
    def shape(self) -> tuple[int, int, int]: ...
    @property
    def wavelengths_nm(self) -> Float64 | None: ...
    @property
    def bad_bands(self) -> Bool | None: ...
    @property
    def bands_chosen(self) -> bool: ...
    @property
    def scale(self) -> float: ...
    @property
    def nodata(self) -> float | None: ...
    @property
    def georeference(self) -> Georeference | None: ...
    @property
    def grid(self) -> MapGrid | None: ...
    @property
    def source(self) -> dict[str, Any]: ...

    def windows(self) -> list[tuple[int, int]]:
        """First row and the one after the last of each block."""
        ...

    def scaled_blocks(self, first: int = 0, last: int | None = None, margin: int = 0) -> Iterator[Block]:
        """The rows from ``first`` to ``last``, block by block, each with ``margin`` rows more on either side."""
        ...

    def read_pixels(self, start: int, stop: int, chosen: NDArray[np.intp]) -> Float32:
        """Those of the rows from ``start`` to ``stop`` whose number there is in ``chosen``, (n_chosen, bands)."""
        ...

    def read(self) -> Cube:
        """The whole image. Raises as ``cube_from_array`` does."""
        ...


def blocks_of(windows: list[tuple[int, int]], first: int, last: int | None) -> list[tuple[int, int]]:
    """The parts of the windows in the rows from ``first`` to ``last``.

    >>> blocks_of([(0, 4), (4, 8), (8, 10)], 3, 8)
    [(3, 4), (4, 8)]
    """
    end = sys.maxsize if last is None else last
    return [(max(start, first), min(stop, end)) for start, stop in windows if start < end and stop > first]


class ArrayImage:
    """An array (rows, columns, bands) of any real dtype; NaN and infinity mean no data.

    Raises SceneFormatError for anything else, BandMismatchError for wavelengths of another number of bands.
    """

    def __init__(self, values: NDArray[Any], wavelengths_nm: ArrayLike | None = None) -> None:
        if values.ndim != 3 or values.dtype.kind not in "iuf":
            raise SceneFormatError(
                "a cube is a 3-D array of real numbers (rows, columns, bands); "
                f"got shape {values.shape} of {values.dtype}"
            )
        self.shape: tuple[int, int, int] = values.shape
        self.wavelengths_nm = per_band(wavelengths_nm, values.shape[2], "wavelengths_nm", np.float64)
        self.bad_bands: Bool | None = None
        self.bands_chosen = False
        self.scale = 1.0
        self.nodata: float | None = None
        self.georeference: Georeference | None = None
        self.grid: MapGrid | None = None
        self.source: dict[str, Any] = {}
        self._values = values

    def windows(self) -> list[tuple[int, int]]:
        rows, columns, bands = self.shape
        step = max(1, BLOCK_BYTES // max(1, columns * bands * 4))
        return [(start, min(start + step, rows)) for start in range(0, rows, step)]

    def scaled_blocks(self, first: int = 0, last: int | None = None, margin: int = 0) -> Iterator[Block]:
        for start, stop in blocks_of(self.windows(), first, last):
            top = max(0, start - margin)
            values = scaled_values(self._values[top : stop + margin], 1.0, None)
            yield Block(start, stop, start - top, np.ascontiguousarray(values))

    def read_pixels(self, start: int, stop: int, chosen: NDArray[np.intp]) -> Float32:
        rows, columns = np.divmod(chosen, self.shape[1])
        return scaled_values(self._values[start + rows, columns], 1.0, None)

    def read(self) -> Cube:
        return cube_from_array(self._values, SceneFacts(wavelengths_nm=self.wavelengths_nm))


class CubeImage(ArrayImage):
    """A cube in memory, whose bands and pixels were decided when it was made."""

    def __init__(self, cube: Cube) -> None:
        super().__init__(cube.values, cube.wavelengths_nm)
        self.cube = cube
        self.scale, self.nodata = cube.scale, cube.nodata
        self.georeference, self.grid, self.source = cube.georeference, cube.grid, dict(cube.source)

    def read(self) -> Cube:
        return self.cube


class BlankedImage:
    """An image whose fill values are no data. image: as it is."""

    def __init__(self, image: Image, fills: tuple[FillValue, ...]) -> None:
        self.shape, self.wavelengths_nm, self.bad_bands = image.shape, image.wavelengths_nm, image.bad_bands
        self.scale, self.nodata, self.bands_chosen = image.scale, image.nodata, image.bands_chosen
        self.georeference, self.grid, self.source = image.georeference, image.grid, image.source
        self.windows, self.read = image.windows, image.read
        self._image, self._fills = image, fills

    def scaled_blocks(self, first: int = 0, last: int | None = None, margin: int = 0) -> Iterator[Block]:
        for block in self._image.scaled_blocks(first, last, margin):
            blank(block.values, self._fills)
            yield block

    def read_pixels(self, start: int, stop: int, chosen: NDArray[np.intp]) -> Float32:
        pixels = self._image.read_pixels(start, stop, chosen)
        blank(pixels, self._fills)
        return pixels


def blanked(image: Image, fills: tuple[FillValue, ...]) -> Image:
    """The image with its fill values as no data; itself where there are none."""
    return BlankedImage(image, fills) if fills else image


def as_image(image: "Image | Cube | NDArray[Any]") -> Image:
    """An image to read from, whatever it was."""
    if isinstance(image, Cube):
        return CubeImage(image)
    return ArrayImage(image) if isinstance(image, np.ndarray) else image


def described(image: Image, used_bands: Bool) -> ImageInfo:
    """Description of an image beside its numbers, with its mask of used bands."""
    return ImageInfo(
        shape=image.shape, used_bands=used_bands, wavelengths_nm=image.wavelengths_nm, scale=image.scale,
        nodata=image.nodata, georeference=image.georeference, grid=image.grid, source=dict(image.source),
    )  # fmt: skip
