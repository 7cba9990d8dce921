"""Which array of a file with several is the one that is meant."""

import re
from collections.abc import Mapping
from dataclasses import dataclass

from unmixing.errors import AmbiguousSceneError, SceneFormatError
from unmixing.io.formats.array_header import ArrayHeader

CUBE = "cube"
"""The name that tells the cube among several arrays, whatever else is there."""

MAX_BANDS = 8192
"""Imaging spectrometers have hundreds of bands, integral field units and Raman cubes up to four thousand. GDAL looks up
each of interleaved bands by itself, in a time that grows with the square of their number."""


@dataclass(frozen=True)
class WantedArray:
    """An array that is looked for: what its axes are in words, the names it may have, the likeliest first."""

    title: str
    names: tuple[str, ...]
    n_axes: int

    def __str__(self) -> str:
        return f"{self.n_axes}-D array of real numbers ({self.title})"


SAY_THE_SIZE = (
    "; to read a matrix of pixels, say the size of its image with rows= and columns=; to separate a mixture matrix, "
    "say kind=mixtures and n_sources"
)

SAY_THE_AXES = "; if its axes are in another order, say axes=bands,rows,columns or as they are"

THE_CUBE = WantedArray("rows, columns, bands", (CUBE,), 3)


def choose_array(
    arrays: Mapping[str, ArrayHeader], variable: str | None, file_name: str, wanted: WantedArray
) -> str | None:
    """The name asked for, else one that the array wanted may have, else the only real array with so many axes; None
    when there is none.

    Raises SceneFormatError when ``variable`` is not there, AmbiguousSceneError when several could be meant.
    """
    if variable is not None:
        return require_variable(arrays, variable, file_name)
    named = next((name for name in wanted.names if name in arrays), None)
    if named is not None:
        return named
    found = {name: header for name, header in arrays.items() if len(header.shape) == wanted.n_axes and header.is_real}
    if wanted.n_axes == 2:  # MATLAB's scalars and vectors are matrices too
        found = {name: header for name, header in found.items() if min(header.shape) > 1} or found
    if len(found) > 1:
        raise AmbiguousSceneError(
            f"{file_name} has several arrays that could be the {wanted.names[0]}: {listed(found)}; say which with "
            "`variable`"
        )
    return next(iter(found), None)


def require_variable(arrays: Mapping[str, ArrayHeader], variable: str, file_name: str) -> str:
    """The array that is asked for, by its whole name or, inside groups and structs, by the last part of it.

    Raises SceneFormatError when it is not there, AmbiguousSceneError when several are called so.
    """
    if variable in arrays:
        return variable
    inner = [name for name in arrays if re.split(r"[/.]", name)[-1] == variable]
    if len(inner) > 1:
        raise AmbiguousSceneError(
            f"{file_name} has several arrays {variable!r}: {', '.join(inner)}; say the whole name"
        )
    if not inner:
        raise SceneFormatError(f"{file_name} has no array {variable!r}; it has {listed(arrays)}")
    return inner[0]


def require_cube(header: ArrayHeader, what: str) -> tuple[int, int, int]:
    """The shape (rows, columns, bands), when it is a 3-D array of real numbers in this order with something in it, and
    no more than ``MAX_BANDS`` bands.

    what: the array in words, for errors. Raises SceneFormatError otherwise.
    """
    require_three_axes(header, what)
    rows, columns, bands = header.shape
    require_few_bands(bands, what, "")
    return rows, columns, bands


def require_three_axes(header: ArrayHeader, what: str) -> None:
    """Raises SceneFormatError unless it is a 3-D array of real numbers with something in it."""
    if len(header.shape) != 3:
        found = "a matrix" if len(header.shape) == 2 else f"an array with {len(header.shape)} axes"
        hint = SAY_THE_SIZE if len(header.shape) == 2 else ""
        raise SceneFormatError(
            f"{what} is {found} of shape {header.shape}; a cube has 3 axes (rows, columns, bands){hint}"
        )
    if not header.is_real:
        raise SceneFormatError(f"{what} holds {header.dtype} values; a cube holds real numbers")
    if min(header.shape) < 1:
        raise SceneFormatError(f"{what} is empty: shape {header.shape}")


def require_few_bands(n_bands: int, what: str, hint: str = SAY_THE_AXES) -> None:
    """Raises SceneFormatError for more than ``MAX_BANDS``. hint: what to do; nothing where the axes are known."""
    if n_bands > MAX_BANDS:
        raise SceneFormatError(f"{what} has {n_bands} bands, and at most {MAX_BANDS} are read{hint}")


def no_array(wanted: WantedArray, arrays: Mapping[str, ArrayHeader], file_name: str) -> SceneFormatError:
    """The error for a file without the array that is wanted; it lists those that are there."""
    return SceneFormatError(f"{file_name} has no {wanted}; it has {listed(arrays)}")


def listed(arrays: Mapping[str, ArrayHeader]) -> str:
    """Names with shapes, for an error's text; at most ten.

    >>> import numpy as np
    >>> listed({"cube": ArrayHeader((5, 4, 6), np.dtype("f4"))})
    'cube (5, 4, 6) float32'
    """
    shown = [f"{name} {header}" for name, header in list(arrays.items())[:10]]
    if len(arrays) > len(shown):
        shown.append(f"and {len(arrays) - len(shown)} more")
    return ", ".join(shown) or "no arrays"
