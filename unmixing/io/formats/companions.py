"""Wavelengths, bad bands and scale that lie beside a cube in a file of arrays."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from unmixing.errors import SceneFormatError
from unmixing.io.formats.array_header import ArrayHeader
from unmixing.io.formats.names import GOOD_BANDS, bare_name, wavelength_unit, width_unit
from unmixing.io.formats.wavelengths import (
    NANOMETRES_PER_UNIT,
    are_band_numbers,
    stated_widths_in_nm,
    wavelengths_in_nm,
)
from unmixing.types import Bool, Float64, SceneFacts

WAVELENGTHS, SCALE = "wavelengths_nm", "scale"
"""Names that have to be right where they are used: anything else under them is refused."""

BANDS = ("band", "bands", "channel", "channels")
OF_LIGHT = {unit for unit, nanometres in NANOMETRES_PER_UNIT.items() if nanometres <= 1e3}
"""Names of a list that numbers bands, or holds their wavelengths, and units by which it is the second."""

Load = Callable[[str], NDArray[Any]]


def wavelength_lists(arrays: Mapping[str, ArrayHeader]) -> dict[str, ArrayHeader]:
    """The lists of wavelengths in a file, by their names."""
    return {
        name: header
        for name, header in arrays.items()
        if _is_wavelengths(name, header) and header.is_real and 1 < header.size == max(header.shape)
    }


def _is_wavelengths(name: str, header: ArrayHeader) -> bool:
    """Whether a list is called as wavelengths are, or as bands are and has a unit of them."""
    return wavelength_unit(name)[0] or (bare_name(name) in BANDS and (header.notes.unit or "").lower() in OF_LIGHT)


def facts_beside(arrays: Mapping[str, ArrayHeader], name: str, n_bands: int, load: Load) -> SceneFacts:
    """Facts from the arrays beside the cube ``name``, and from the notes on itself.

    Raises SceneFormatError on impossible values of ``wavelengths_nm`` and ``scale``; what has other names and does not
    fit is no companion.
    """
    wavelengths, unit = _wavelengths(arrays, n_bands, load)
    widths = None if wavelengths is None else _widths(arrays, wavelengths, load)
    scale, scale_stated = _scale(arrays, load)
    notes = arrays[name].notes
    if scale_stated is None and notes.scale is not None:
        scale, scale_stated = notes.scale, "scale_factor"
    good = next(_lists(arrays, n_bands, lambda other: bare_name(other) in GOOD_BANDS), None)
    bad: Bool | None = None if good is None else np.asarray(load(good)).ravel() == 0
    return SceneFacts(
        wavelengths_nm=wavelengths,
        bad_bands=bad,
        scale=scale,
        nodata=notes.nodata if notes.nodata is None or np.isfinite(notes.nodata) else None,
        source={"wavelength_units": unit, "fwhm_nm": widths, "scale_stated": scale_stated},
    )


def _lists(arrays: Mapping[str, ArrayHeader], size: int, meant: Callable[[str], bool]) -> Iterator[str]:
    for name, header in arrays.items():
        if header.is_real and header.size == size == max(header.shape, default=0) and meant(name):
            yield name


def _wavelengths(arrays: Mapping[str, ArrayHeader], n_bands: int, load: Load) -> tuple[Float64 | None, str | None]:
    if WAVELENGTHS in arrays:
        _require(arrays[WAVELENGTHS], WAVELENGTHS, n_bands)
        values = np.asarray(load(WAVELENGTHS), np.float64).ravel()
        if not (np.isfinite(values).all() and (values > 0).all()) or are_band_numbers(values):
            raise SceneFormatError(f"{WAVELENGTHS} must be positive and finite, and no band numbers")
        return values, "nm"
    said = None
    for name in _lists(arrays, n_bands, lambda other: _is_wavelengths(other, arrays[other])):
        values = np.asarray(load(name), np.float64).ravel()
        if not (np.isfinite(values).all() and (values > 0).all()):
            continue
        wavelengths, unit = wavelengths_in_nm(list(values), arrays[name].notes.unit or wavelength_unit(name)[1])
        said = f"{unit} ({name})"
        if wavelengths is not None:
            return wavelengths, said
    return None, said


def _widths(arrays: Mapping[str, ArrayHeader], wavelengths_nm: Float64, load: Load) -> list[float] | None:
    """The widths of the bands in nanometres, None where no list is one."""
    for name in _lists(arrays, wavelengths_nm.size, lambda other: width_unit(other)[0]):
        unit = arrays[name].notes.unit or width_unit(name)[1]
        widths = stated_widths_in_nm(np.asarray(load(name), np.float64).ravel(), unit, wavelengths_nm)
        if widths is not None:
            return widths
    return None


def _scale(arrays: Mapping[str, ArrayHeader], load: Load) -> tuple[float, str | None]:
    if SCALE not in arrays:
        return 1.0, None
    _require(arrays[SCALE], SCALE, 1)
    # through its shortest text, so that a float32 of 0.0002 is reported as 0.0002
    scale = float(str(np.asarray(load(SCALE)).ravel()[0]))
    if not (np.isfinite(scale) and scale > 0):
        raise SceneFormatError(f"{SCALE} must be a positive number, it is {scale}")
    return scale, SCALE


def _require(header: ArrayHeader, name: str, size: int) -> None:
    if not header.is_real or header.size != size:
        raise SceneFormatError(f"{name} must be {size} real number(s); it is {header}")
