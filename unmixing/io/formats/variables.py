"""Which array of a file with several is the one that is meant."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from unmixing.errors import AmbiguousSceneError, SceneFormatError
from unmixing.io.formats.reader import ArrayHeader
from unmixing.types import SceneFacts

CUBE, WAVELENGTHS, SCALE = "cube", "wavelengths_nm", "scale"
"""The names looked for in files that hold several arrays."""

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


THE_CUBE = WantedArray("rows, columns, bands", (CUBE,), 3)


def choose_array(
    arrays: Mapping[str, ArrayHeader], variable: str | None, file_name: str, wanted: WantedArray
) -> str | None:
    """The name asked for, else one that the array wanted may have, else the only real array with so many axes; None
    when there is none.

    Raises SceneFormatError when ``variable`` is not there, AmbiguousSceneError when several could be meant.
    """
    if variable is not None:
        if variable not in arrays:
            raise SceneFormatError(f"{file_name} has no array {variable!r}; it has {listed(arrays)}")
        return variable
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


def require_cube(header: ArrayHeader, what: str) -> tuple[int, int, int]:
    """The shape (rows, columns, bands), when it is a 3-D array of real numbers with something in it, and no more than
    ``MAX_BANDS`` bands.

    what: the array in words, for errors. Raises SceneFormatError otherwise.
    """
    if len(header.shape) != 3:
        found = "a matrix" if len(header.shape) == 2 else f"an array with {len(header.shape)} axes"
        hint = "; to separate a mixture matrix, say kind=mixtures and n_sources" if len(header.shape) == 2 else ""
        raise SceneFormatError(
            f"{what} is {found} of shape {header.shape}; a cube has 3 axes (rows, columns, bands){hint}"
        )
    if not header.is_real:
        raise SceneFormatError(f"{what} holds {header.dtype} values; a cube holds real numbers")
    rows, columns, bands = header.shape
    if min(header.shape) < 1:
        raise SceneFormatError(f"{what} is empty: shape {header.shape}")
    if bands > MAX_BANDS:
        raise SceneFormatError(
            f"{what} has {bands} bands, and at most {MAX_BANDS} are read; a cube is (rows, columns, bands): transpose "
            "it if its axes are in another order"
        )
    return rows, columns, bands


def no_array(wanted: WantedArray, arrays: Mapping[str, ArrayHeader], file_name: str) -> SceneFormatError:
    """The error for a file without the array that is wanted; it lists those that are there."""
    return SceneFormatError(f"{file_name} has no {wanted}; it has {listed(arrays)}")


def listed(arrays: Mapping[str, ArrayHeader]) -> str:
    """Names with shapes, for an error's text; at most ten.

    >>> listed({"cube": ArrayHeader((5, 4, 6), np.dtype("f4"))})
    'cube (5, 4, 6) float32'
    """
    shown = [f"{name} {header}" for name, header in list(arrays.items())[:10]]
    if len(arrays) > len(shown):
        shown.append(f"and {len(arrays) - len(shown)} more")
    return ", ".join(shown) or "no arrays"


def require_companion(header: ArrayHeader, name: str, size: int) -> None:
    """``wavelengths_nm`` must have one real number per band, ``scale`` one; checked before it is read.

    Raises SceneFormatError.
    """
    if not header.is_real or header.size != size:
        raise SceneFormatError(f"{name} must be {size} real number(s); it is {header}")


def companion_facts(companions: Mapping[str, NDArray[Any]], source: Mapping[str, Any]) -> SceneFacts:
    """Facts from ``wavelengths_nm`` and ``scale`` beside a cube. Raises SceneFormatError on impossible values."""
    wavelengths = np.asarray(companions[WAVELENGTHS], np.float64).ravel() if WAVELENGTHS in companions else None
    if wavelengths is not None and not (np.isfinite(wavelengths).all() and (wavelengths > 0).all()):
        raise SceneFormatError(f"{WAVELENGTHS} must be positive and finite")
    # through its shortest text, so that a float32 of 0.0002 is reported as 0.0002
    scale = float(str(np.asarray(companions[SCALE]).ravel()[0])) if SCALE in companions else 1.0
    if not (np.isfinite(scale) and scale > 0):
        raise SceneFormatError(f"{SCALE} must be a positive number, it is {scale}")
    stated = {
        "wavelength_units": None if wavelengths is None else "nm",
        "scale_stated": SCALE if SCALE in companions else None,
    }
    return SceneFacts(wavelengths_nm=wavelengths, scale=scale, source={**source, **stated})
