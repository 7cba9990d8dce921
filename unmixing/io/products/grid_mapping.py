"""Where pixels lie, in the words of the CF conventions."""

import warnings
from dataclasses import dataclass
from typing import Any

import numpy as np
from pyproj import CRS
from pyproj.exceptions import CRSError

from unmixing.types import Float64, Georeference

GRID_MAPPING = "spatial_ref"
"""Name of the variable that holds the place, as rioxarray and GDAL call it."""

AXES = ("X", "Y")


@dataclass(frozen=True, eq=False)
class Axis:
    """Centres of the pixels along an axis of a grid that is not turned."""

    centres: Float64
    attributes: dict[str, str]


def grid_mapping(place: Georeference) -> dict[str, Any]:
    """Attributes of the variable that holds the place: CF's own where it knows the projection, WKT and, as GDAL reads
    it, the transform."""
    a, b, c, d, e, f = place.transform
    said: dict[str, Any] = {"GeoTransform": " ".join(repr(float(number)) for number in (c, a, b, f, d, e))}
    if place.crs_wkt is None:
        return said
    crs = _crs(place.crs_wkt)
    if crs is not None:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)  # of what CF has no words for: the WKT has them
            said |= {key: value for key, value in crs.to_cf().items() if key != "crs_wkt"}
    if said.get("grid_mapping_name") == "unknown":
        del said["grid_mapping_name"]
    return {**said, "crs_wkt": place.crs_wkt, "spatial_ref": place.crs_wkt}


def pixel_axes(place: Georeference, shape: tuple[int, ...]) -> dict[str, Axis]:
    """The axes ``X`` and ``Y`` of an image of so many rows and columns; none where the grid is turned or skewed: then
    no number belongs to a whole row."""
    a, b, c, d, e, f = place.transform
    if not b == d == 0:
        return {}
    rows, columns, *_ = shape
    centres: dict[str, Float64] = {
        "X": c + a * (np.arange(columns, dtype=np.float64) + 0.5),
        "Y": f + e * (np.arange(rows, dtype=np.float64) + 0.5),
    }
    said = _axis_attributes(place)
    return {axis: Axis(centres[axis], said.get(axis, {"long_name": f"{axis} of the pixel's centre"})) for axis in AXES}


def _axis_attributes(place: Georeference) -> dict[str, dict[str, str]]:
    crs = None if place.crs_wkt is None else _crs(place.crs_wkt)
    found = [] if crs is None else crs.cs_to_cf()
    by_axis = {said["axis"]: said for said in found}
    return by_axis if len(found) == len(by_axis) == 2 else {}


def _crs(wkt: str) -> CRS | None:
    try:
        return CRS.from_wkt(wkt)
    except CRSError:
        return None
