"""From the arrays of a file to the one that is the scene, and how it lies in it."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from unmixing.errors import AmbiguousSceneError, SceneFormatError
from unmixing.io.formats.array_header import ArrayHeader
from unmixing.io.formats.axes import AxisSigns, find_axes
from unmixing.io.formats.candidates import Choice, choose_scene_array
from unmixing.io.formats.companions import wavelength_lists
from unmixing.io.formats.layout import AxisOrder, SceneLayout
from unmixing.io.formats.matrices import (
    ImageSize,
    MatrixOrder,
    counted_down_columns,
    is_matrix,
    may_be_size,
    pixel_axis,
    square_size,
    stated_sizes,
    the_size,
)
from unmixing.io.formats.names import names_truth
from unmixing.io.formats.variables import (
    SAY_THE_SIZE,
    THE_CUBE,
    listed,
    no_array,
    require_few_bands,
    require_three_axes,
)

UNNAMED = ""
"""The name of the array in a file that holds one without a name."""


@dataclass(frozen=True)
class FileArrays:
    """The arrays of a file by name. load: one of them. content: the same where looking into it is affordable, else
    None. down_columns: whether the program behind the format counts pixels down the columns."""

    file_name: str
    headers: Mapping[str, ArrayHeader]
    load: Callable[[str], NDArray[Any]]
    content: Callable[[str], Callable[[], NDArray[Any]] | None]
    down_columns: bool

    def what(self, name: str) -> str:
        """An array in words, for errors."""
        return self.file_name if name == UNNAMED else f"{self.file_name}: {name}"


@dataclass(frozen=True)
class SceneArray:
    """The array that is the scene, how it becomes (rows, columns, bands), and what was passed over."""

    name: str
    header: ArrayHeader
    order: AxisOrder | MatrixOrder
    passed_over: tuple[Mapping[str, Any], ...] = ()

    @property
    def shape(self) -> tuple[int, int, int]:
        """Of the scene, (rows, columns, bands)."""
        return self.order.of(self.header.shape)

    def source(self) -> dict[str, Any]:
        """How it was found, for the results."""
        found: dict[str, Any] = {} if self.name == UNNAMED else {"variable": self.name}
        found |= {"dtype": str(self.header.dtype), "axes": str(self.order), "axes_by": self.order.decided_by}
        return found | ({"passed_over": [dict(other) for other in self.passed_over]} if self.passed_over else {})


def find_scene(arrays: FileArrays, layout: SceneLayout) -> SceneArray:
    """The array of a file that is the scene. Raises SceneFormatError, AmbiguousSceneError."""
    sizes = _sizes(arrays, layout)
    choice = _choice(arrays, sizes, layout)
    header = arrays.headers[choice.name]
    found = SceneArray(choice.name, header, _order(arrays, choice.name, sizes, layout), choice.passed_over)
    require_few_bands(found.shape[2], arrays.what(choice.name))
    return found


def _order(arrays: FileArrays, name: str, sizes: Sequence[ImageSize], layout: SceneLayout) -> AxisOrder | MatrixOrder:
    header, what = arrays.headers[name], arrays.what(name)
    if is_matrix(header) and (size := the_size(header.shape, sizes, what) or _shown_size(arrays, name)):
        return _matrix_order(arrays, name, size, layout)
    require_three_axes(header, what)
    lists = wavelength_lists(arrays.headers)
    known = sorted({other.size for other in lists.values()} & set(header.shape))
    n_wavelengths = known[0] if len(known) == 1 else None
    return find_axes(header.shape, AxisSigns(layout.axes, header.notes.axes, n_wavelengths, arrays.content(name)), what)


def _sizes(arrays: FileArrays, layout: SceneLayout) -> Sequence[ImageSize]:
    if layout.rows is not None and layout.columns is not None:
        return [ImageSize(layout.rows, layout.columns, "request")]
    small = {name: arrays.load(name) for name, header in arrays.headers.items() if may_be_size(name, header)}
    return stated_sizes(small, arrays.headers)


def _choice(arrays: FileArrays, sizes: Sequence[ImageSize], layout: SceneLayout) -> Choice:
    if UNNAMED in arrays.headers:
        return Choice(UNNAMED)
    n_wavelengths = {header.size for header in wavelength_lists(arrays.headers).values()}
    choice = choose_scene_array(arrays.headers, sizes, n_wavelengths, layout.variable, arrays.file_name)
    if choice is not None:
        return choice
    matrices = {name: header for name, header in arrays.headers.items() if is_matrix(header)}
    scenes = {name: header for name, header in matrices.items() if not names_truth(name)}
    if len(scenes) == 1:
        return Choice(next(iter(scenes)))
    if len(scenes) > 1:
        raise AmbiguousSceneError(
            f"{arrays.file_name} has several matrices: {listed(scenes)}; say which with `variable`, and the size of "
            "its image with rows= and columns="
        )
    error = no_array(THE_CUBE, arrays.headers, arrays.file_name)
    raise SceneFormatError(f"{error}{SAY_THE_SIZE}") if matrices else error


def _shown_size(arrays: FileArrays, name: str) -> ImageSize | None:
    """The size of a square image, where the numbers of a matrix without a size beside it show one."""
    content = arrays.content(name)
    if content is None or name == UNNAMED:
        return None
    return square_size(content(), int(np.argmax(arrays.headers[name].shape)))


def _matrix_order(arrays: FileArrays, name: str, size: ImageSize, layout: SceneLayout) -> MatrixOrder:
    axis = pixel_axis(arrays.headers[name].shape, size, layout.axes)
    content, usual = arrays.content(name), arrays.down_columns
    down = usual if content is None else counted_down_columns(content(), size, axis, usual)
    return MatrixOrder(size, axis, down)
