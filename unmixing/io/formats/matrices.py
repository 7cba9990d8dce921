"""Scenes stored as a matrix: which axis counts the pixels, how large their image is, and in which order they come."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import pairwise
from math import isqrt
from typing import Any

import numpy as np
from numpy.typing import NDArray

from unmixing.errors import AmbiguousSceneError, SceneFormatError
from unmixing.io.formats.array_header import ArrayHeader
from unmixing.io.formats.axes import asked_axes
from unmixing.io.formats.layout import BANDS, PIXELS
from unmixing.io.formats.names import COLUMN_NAMES, ROW_NAMES, SIZE_NAMES, bare_name, names_truth
from unmixing.types import Float64

MOST_SIZES = 6
"""Numbers in an array that may be the size of an image."""

N_BANDS_LOOKED_AT = 10
BY_SHAPE = "the shape of"

CLEARLY_SMOOTHER = 0.7
"""The mean squared step between neighbours in one order of pixels, relative to that in the other."""


@dataclass(frozen=True)
class ImageSize:
    """Rows and columns of an image, and what said so."""

    rows: int
    columns: int
    said_by: str

    @property
    def pixels(self) -> int:
        """How many there are."""
        return self.rows * self.columns


@dataclass(frozen=True)
class MatrixOrder:
    """How a matrix holds an image: the axis of its pixels, and whether they are counted down the columns.

    >>> MatrixOrder(ImageSize(2, 3, ""), 1, True).view(np.arange(6).reshape(1, 6))[..., 0]
    array([[0, 2, 4],
           [1, 3, 5]])
    """

    size: ImageSize
    pixel_axis: int
    down_columns: bool

    def of(self, shape: tuple[int, ...]) -> tuple[int, int, int]:
        """The shape of the image, (rows, columns, bands)."""
        return self.size.rows, self.size.columns, shape[1 - self.pixel_axis]

    def view(self, array: NDArray[Any]) -> NDArray[Any]:
        """The matrix as (rows, columns, bands); nothing is copied."""
        matrix = array if self.pixel_axis == 1 else array.T
        rows, columns, bands = self.of(array.shape)
        if self.down_columns:
            return matrix.reshape(bands, columns, rows).transpose(2, 1, 0)
        return matrix.reshape(bands, rows, columns).transpose(1, 2, 0)

    @property
    def decided_by(self) -> str:
        """The source of the size of the image, in words."""
        return self.size.said_by

    def __str__(self) -> str:
        pixels = f"pixels ({'down the columns' if self.down_columns else 'along the rows'})"
        return f"{BANDS}, {pixels}" if self.pixel_axis == 1 else f"{pixels}, {BANDS}"


def is_matrix(header: ArrayHeader) -> bool:
    """Whether it is a matrix of real numbers, neither a vector nor a number."""
    return len(header.shape) == 2 and header.is_real and min(header.shape) > 1


def may_be_size(name: str, header: ArrayHeader) -> bool:
    """Whether an array may hold a size of the image, by its name and its header."""
    named = bare_name(name) in (*ROW_NAMES, *COLUMN_NAMES, *SIZE_NAMES)
    return named and header.is_real and 1 <= header.size <= MOST_SIZES


def stated_sizes(small: Mapping[str, NDArray[Any]], arrays: Mapping[str, ArrayHeader]) -> list[ImageSize]:
    """Every size of an image that the arrays of a file may mean.

    small: those that may hold a size, by name. arrays: all of them; the shapes of abundances and of other cubes come
    last, because they say it by the way.
    """
    numbers = {name: values for name, array in small.items() if (values := _whole_numbers(array))}
    named = [
        size
        for rows, columns in _pairs(numbers)
        for size in [ImageSize(rows[1], columns[1], f"{rows[0]} and {columns[0]}")]
    ]
    listed = [
        ImageSize(first, second, name)
        for name, values in numbers.items()
        if bare_name(name) in SIZE_NAMES
        for first, second in pairwise(values)
    ]
    shapes = [
        ImageSize(header.shape[0], header.shape[1], f"{BY_SHAPE} {name}")
        for name, header in arrays.items()
        if (len(header.shape) == 3 or (is_matrix(header) and names_truth(name))) and min(header.shape) > 0
    ]
    return [*named, *listed, *shapes]


def _pairs(numbers: Mapping[str, list[int]]) -> Iterator[tuple[tuple[str, int], tuple[str, int]]]:
    single = {name: values[0] for name, values in numbers.items() if len(values) == 1}
    for rows, n_rows in single.items():
        for columns, n_columns in single.items():
            if bare_name(rows) in ROW_NAMES and bare_name(columns) in COLUMN_NAMES:
                yield (rows, n_rows), (columns, n_columns)


def _whole_numbers(array: NDArray[Any]) -> list[int]:
    values = np.asarray(array, np.float64).ravel()
    whole = np.isfinite(values).all() and (values >= 1).all() and (values % 1 == 0).all()
    return [int(value) for value in values] if whole else []


def fitting_sizes(shape: tuple[int, ...], sizes: Iterable[ImageSize]) -> list[ImageSize]:
    """Those sizes that have as many pixels as one axis of a matrix; of equal ones the first. A size that is only said
    by the shape of another array counts where no name says one."""
    fitting = [size for size in sizes if size.pixels in shape]
    named = [size for size in fitting if not size.said_by.startswith(BY_SHAPE)] or fitting
    return list({(size.rows, size.columns): size for size in reversed(named)}.values())[::-1]


def the_size(shape: tuple[int, ...], sizes: Iterable[ImageSize], what: str) -> ImageSize | None:
    """The one size that fits a matrix, None where the file names none.

    Raises SceneFormatError where none of those named fits, AmbiguousSceneError where several do.
    """
    known = list(sizes)
    fitting = fitting_sizes(shape, known)
    if len(fitting) == 1:
        return fitting[0]
    if fitting:
        both = " or ".join(f"{size.rows} x {size.columns} ({size.said_by})" for size in fitting)
        raise AmbiguousSceneError(f"{what}: the size of the image is {both}; say which with rows= and columns=")
    named = [size for size in known if not size.said_by.startswith(BY_SHAPE)]
    if not named:
        return None
    bands, pixels = shape
    size = named[0]
    raise SceneFormatError(
        f"{what} is a matrix of {bands} bands x {pixels} pixels, but {size.rows} rows x {size.columns} columns are "
        f"{size.pixels} pixels ({size.said_by}); say the size of the image with rows= and columns="
    )


def pixel_axis(shape: tuple[int, ...], size: ImageSize, asked: tuple[str, ...] | None) -> int:
    """Which axis of a matrix counts the pixels: the one asked for, else the one that fits, the second where both do.

    Raises SceneFormatError where the axis asked for has another length.
    """
    if asked is None:
        return 1 if shape[1] == size.pixels else 0
    axis = asked_axes(asked, (BANDS, PIXELS)).index(PIXELS)
    if shape[axis] != size.pixels:
        raise SceneFormatError(f"axes says {shape[axis]} pixels, but {size.rows} x {size.columns} are {size.pixels}")
    return axis


def counted_down_columns(matrix: NDArray[Any], size: ImageSize, axis: int, usual: bool) -> bool:
    """Whether pixels are counted down the columns: as the program that wrote the file does, unless neighbours are
    clearly more alike the other way.

    usual: what that program does.
    """
    if 1 in (size.rows, size.columns) or size.rows == size.columns:
        return usual
    bands = _some_bands(matrix, axis)
    down, along = mean_step(bands, size.rows), mean_step(bands, size.columns)
    if down < CLEARLY_SMOOTHER * along:
        return True
    return usual if along >= CLEARLY_SMOOTHER * down else False


def square_size(matrix: NDArray[Any], axis: int) -> ImageSize | None:
    """A square image, when the numbers show that it is one: pixels a side apart are more alike than those at any other
    distance around it."""
    n_pixels = matrix.shape[axis]
    side = isqrt(n_pixels)
    if side * side != n_pixels or side < 8:
        return None
    bands = _some_bands(matrix, axis)
    around = [mean_step(bands, lag) for lag in range(side // 2, 2 * side - side // 2) if abs(lag - side) > side // 8]
    near = [mean_step(bands, lag) for lag in (side - 1, side + 1)]
    at_side = mean_step(bands, side)
    if at_side >= CLEARLY_SMOOTHER * float(np.min(around)) or at_side > min(near):
        return None
    return ImageSize(side, side, "its numbers, which show a square image")


def _some_bands(matrix: NDArray[Any], axis: int) -> Float64:
    """(n_some, pixels), not finite values as zero."""
    by_bands = matrix if axis == 1 else matrix.T
    chosen = np.linspace(0, len(by_bands) - 1, min(N_BANDS_LOOKED_AT, len(by_bands))).astype(int)
    return np.nan_to_num(np.asarray(by_bands[chosen], np.float64), nan=0, posinf=0, neginf=0)


def mean_step(bands: Float64, lag: int) -> float:
    """Mean squared difference of pixels that lie so far apart in the order of the matrix."""
    return float(np.mean((bands[:, lag:] - bands[:, :-lag]) ** 2)) if lag < bands.shape[1] else np.inf
