"""How the numbers of a file are laid out: what a user may say of it, and which axis of an array is which."""

from dataclasses import dataclass
from typing import Any

from numpy.typing import NDArray

from unmixing.specs import InputSpec

ROWS, COLUMNS, BANDS, PIXELS = "rows", "columns", "bands", "pixels"


@dataclass(frozen=True)
class SceneLayout:
    """The layout of a file as a user says it, where the file does not say it, or says it wrongly.

    variable: which array is the scene. axes: its axes in the file's order, of rows, columns and bands, or of pixels and
    bands for a matrix. rows, columns: size of the image that a matrix holds.
    """

    variable: str | None = None
    axes: tuple[str, ...] | None = None
    rows: int | None = None
    columns: int | None = None


def layout_asked(asked: InputSpec) -> SceneLayout:
    """The layout in the fields of a request. Ranges of rows and columns are parts of a scene, and no size.

    >>> layout_asked(InputSpec(axes="bands,rows,columns", rows="95", columns="0:10"))
    SceneLayout(variable=None, axes=('bands', 'rows', 'columns'), rows=95, columns=None)
    """
    axes = None if asked.axes is None else tuple(name.strip() for name in asked.axes.split(","))
    rows, columns = (int(text) if text and text.isdecimal() else None for text in (asked.rows, asked.columns))
    return SceneLayout(asked.variable, axes, rows, columns)


@dataclass(frozen=True)
class AxisOrder:
    """Which axis of a 3-D array holds the rows, the columns and the bands, and what decided it, in words.

    >>> order = AxisOrder(rows=1, columns=2, bands=0, decided_by="request")
    >>> order.of((198, 40, 30)), str(order)
    ((40, 30, 198), 'bands, rows, columns')
    """

    rows: int = 0
    columns: int = 1
    bands: int = 2
    decided_by: str = "default"

    @classmethod
    def with_bands(cls, axis: int, decided_by: str) -> "AxisOrder":
        """The order in which one axis holds the bands, and the others rows and columns as they come."""
        rows, columns = (other for other in range(3) if other != axis)
        return cls(rows, columns, axis, decided_by)

    @classmethod
    def named(cls, names: tuple[str, ...], decided_by: str) -> "AxisOrder":
        """The order of axes with these names, which are rows, columns and bands in any order."""
        return cls(names.index(ROWS), names.index(COLUMNS), names.index(BANDS), decided_by)

    def of(self, shape: tuple[int, ...]) -> tuple[int, int, int]:
        """The lengths of an array's axes as (rows, columns, bands)."""
        return shape[self.rows], shape[self.columns], shape[self.bands]

    def view(self, array: NDArray[Any]) -> NDArray[Any]:
        """The array as (rows, columns, bands); nothing is copied."""
        return array.transpose(self.rows, self.columns, self.bands)

    def __str__(self) -> str:
        places = {self.rows: ROWS, self.columns: COLUMNS, self.bands: BANDS}
        return ", ".join(places[axis] for axis in range(3))
