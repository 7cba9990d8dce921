"""Places by the CF conventions: a grid mapping, and one coordinate for each of the two axes."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from rasterio.crs import CRS

from unmixing.io.formats.array_header import ArrayHeader
from unmixing.io.formats.gdal import crs_wkt, epsg_wkt
from unmixing.io.formats.layout import AxisOrder
from unmixing.io.formats.swaths import grid_of_swath
from unmixing.types import Georeference, MapGrid

WGS84 = 4326
GRID_MAPPING, WKT = "grid_mapping", ("crs_wkt", "spatial_ref")

EVEN = 1e-3
"""By how much of a step coordinates may lie beside an even grid: float32 is not exact."""

DEGREES = ("degrees_north", "degree_north", "degrees_n", "degrees_east", "degree_east", "degrees_e")
KILOMETRES = ("km", "kilometer", "kilometers", "kilometre", "kilometres")
LATITUDES, LONGITUDES = ("lat", "latitude"), ("lon", "longitude")
NAMES_OF_DEGREES = LATITUDES + LONGITUDES


@dataclass(frozen=True)
class CfFile:
    """The arrays of a file. attributes: of one of them. load: its numbers."""

    headers: Mapping[str, ArrayHeader]
    attributes: Callable[[str], Mapping[str, Any]]
    load: Callable[[str], NDArray[Any]]

    def beside(self, name: str, other: str) -> str | None:
        """The array ``other`` in the group of ``name``, or in one around it."""
        group = name.rpartition("/")[0]
        while group:
            if f"{group}/{other}" in self.headers:
                return f"{group}/{other}"
            group = group.rpartition("/")[0]
        return other if other in self.headers else None


def cf_place(file: CfFile, name: str, order: AxisOrder) -> Georeference | None:
    """Where the array ``name`` lies, None where its file does not say so or its pixels lie on no even grid.

    Raises SceneFormatError for a CRS that there is not.
    """
    axes = file.headers[name].notes.axes
    if axes is None:
        return None
    mapping = _grid_mapping(file, name)
    found = [file.beside(name, axes[axis]) for axis in (order.columns, order.rows)]
    crs = None if mapping is None else _crs(mapping)
    if mapping is None and all(one is not None and _in_degrees(file.headers[one], one) for one in found):
        crs = epsg_wkt(WGS84)
    if mapping is None and crs is None:
        return None
    x, y = (
        _even(file, one, file.headers[name].shape[axis])
        for one, axis in zip(found, (order.columns, order.rows), strict=True)
    )
    if x is None or y is None:
        return _by_gdal(mapping or {}, crs)
    (left, right), (top, down) = (
        (_in_units(crs, file.headers[str(one)]) * np.array(values)).tolist()
        for one, values in zip(found, (x, y), strict=True)
    )
    return Georeference(crs, (right, 0.0, left - right / 2, 0.0, down, top - down / 2))


def cf_grid(file: CfFile, name: str, order: AxisOrder) -> MapGrid | None:
    """A grid that shows the array ``name``, whose file has a latitude and a longitude for each of its pixels; None for
    others."""
    header = file.headers[name]
    shape = tuple(header.shape[axis] for axis in sorted((order.rows, order.columns)))
    found = [_by_pixel(file, names, shape) for names in (LATITUDES, LONGITUDES)]
    if None in found:
        return None
    latitude, longitude = (np.asarray(file.load(str(one)), np.float64) for one in found)
    if order.rows > order.columns:
        latitude, longitude = latitude.T, longitude.T
    return grid_of_swath(latitude, longitude)


def _by_pixel(file: CfFile, names: tuple[str, ...], shape: tuple[int, ...]) -> str | None:
    """The one array of this size with one of the names; None where there is none, or where there are several."""
    found = [
        one
        for one, header in file.headers.items()
        if one.rpartition("/")[2].lower() in names and header.shape == shape and header.is_real
    ]
    return found[0] if len(found) == 1 else None


def _grid_mapping(file: CfFile, name: str) -> Mapping[str, Any] | None:
    """Attributes of the grid mapping that an array names; xarray writes it among its coordinates too."""
    said = file.attributes(name).get(GRID_MAPPING)
    words = str(said).replace(":", " ").split()
    found = file.beside(name, words[0]) if said and words else None
    return None if found is None else file.attributes(found)


def _crs(mapping: Mapping[str, Any]) -> str | None:
    for key in WKT:
        if text := str(mapping.get(key) or "").strip():
            return crs_wkt(text)
    if code := str(mapping.get("epsg_code") or "").strip():
        return crs_wkt(code if code.upper().startswith("EPSG:") else f"EPSG:{code}")
    return epsg_wkt(WGS84) if mapping.get("grid_mapping_name") == "latitude_longitude" else None


def _in_degrees(header: ArrayHeader, name: str) -> bool:
    bare = name.rpartition("/")[2].lower()
    return (header.notes.unit or "").lower() in DEGREES or bare in NAMES_OF_DEGREES


def _in_units(crs: str | None, coordinates: ArrayHeader) -> float:
    """By which coordinates in kilometres are multiplied to be in the unit of their CRS; 1 for all others."""
    if crs is None or (coordinates.notes.unit or "").lower() not in KILOMETRES:
        return 1.0
    known = CRS.from_wkt(crs)
    return 1000.0 / float(known.linear_units_factor[1]) if known.is_projected else 1.0


def _even(file: CfFile, name: str | None, length: int) -> tuple[float, float] | None:
    """The first of evenly spaced coordinates and the step between them; None for all others."""
    header = None if name is None else file.headers[name]
    if name is None or header is None or header.shape != (length,) or length < 2 or not header.is_real:
        return None
    values = np.asarray(file.load(name), np.float64)
    step = (values[-1] - values[0]) / (length - 1)
    if not np.isfinite(values).all() or step == 0:
        return None
    off = np.abs(values - (values[0] + step * np.arange(length))).max()
    return (float(values[0]), float(step)) if off <= EVEN * abs(step) else None


def _by_gdal(mapping: Mapping[str, Any], crs: str | None) -> Georeference | None:
    """From GDAL's GeoTransform, which it and rioxarray write where there are no coordinates."""
    try:
        c, a, b, f, d, e = (float(number) for number in str(mapping.get("GeoTransform", "")).split())
    except ValueError:
        return None
    return Georeference(crs, (a, b, c, d, e, f)) if np.isfinite([a, b, c, d, e, f]).all() and a * e != b * d else None
