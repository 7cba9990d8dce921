"""Where an image lies: the projection of its pixels, and its footprint in longitude and latitude."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import rasterio
from rasterio._err import CPLE_BaseError
from rasterio.crs import CRS
from rasterio.errors import RasterioError
from rasterio.warp import transform

from unmixing.io.formats.gdal import georeference_of, georeference_optional, safe_gdal

PROJECTION = "https://stac-extensions.github.io/projection/v2.0.0/schema.json"

EDGE_POINTS = 8
"""Into so many pieces every side is divided: straight lines of a projection are none in longitude and latitude."""

DECIMALS = 7
"""Of a degree: a centimetre."""

Position = tuple[float, float]
Geometry = dict[str, Any]


@dataclass(frozen=True)
class Place:
    """projection: the properties ``proj:*``. geometry, bbox: as GeoJSON has them, None where nobody knows them."""

    projection: dict[str, Any]
    geometry: Geometry | None
    bbox: list[float] | None


def place_of_raster(path: Path) -> Place:
    """The place of a GeoTIFF."""
    with safe_gdal(path.name), georeference_optional(), rasterio.open(path, driver="GTiff") as file:
        found = georeference_of(file)
        return place_of(file.shape, *((None, None) if found is None else (found.crs_wkt, found.transform)))


def place_of(shape: tuple[int, int], crs_wkt: str | None, affine: Sequence[float] | None) -> Place:
    """The place of an image. shape: rows and columns. affine: as ``Georeference.transform``, None where unknown.

    Without a CRS there is neither geometry nor bbox, and a CRS of no place on Earth has none either.
    """
    projection: dict[str, Any] = {"proj:shape": list(shape)}
    if affine is not None:
        projection["proj:transform"] = list(affine)
    if crs_wkt is None or affine is None:
        return Place(projection, None, None)
    crs = CRS.from_wkt(crs_wkt)
    geometry, bbox = _footprint(crs, list(_outline(shape, affine))) or (None, None)
    return Place({**_named(crs), **projection}, geometry, bbox)


def _named(crs: CRS) -> dict[str, str]:
    """Its code where an authority's CRS is the very same, else its definition."""
    authority = crs.to_authority()
    if authority is not None and CRS.from_authority(*authority) == crs:
        return {"proj:code": ":".join(authority)}
    return {"proj:wkt2": crs.to_wkt(version="WKT2_2019")}


def _outline(shape: tuple[int, int], affine: Sequence[float]) -> Iterator[Position]:
    """Points around the image, back to the first, in its CRS."""
    rows, columns = shape
    corners = [(0, 0), (columns, 0), (columns, rows), (0, rows), (0, 0)]
    a, b, c, d, e, f = affine
    for (column, row), (next_column, next_row) in pairwise(corners):
        for step in range(EDGE_POINTS):
            x = column + (next_column - column) * step / EDGE_POINTS
            y = row + (next_row - row) * step / EDGE_POINTS
            yield a * x + b * y + c, d * x + e * y + f
    yield c, f


def _footprint(crs: CRS, outline: Sequence[Position]) -> tuple[Geometry, list[float]] | None:
    """The outline on WGS 84 and its bbox, cut in two where it crosses 180 degrees."""
    try:
        longitudes, latitudes = transform(crs, "OGC:CRS84", *zip(*outline, strict=True))
    except (RasterioError, CPLE_BaseError, ValueError):
        return None
    if not all(map(math.isfinite, [*longitudes, *latitudes])) or max(map(abs, latitudes)) > 90:
        return None
    ring = list(zip(_unwrapped(longitudes), latitudes, strict=True))
    if abs(ring[-1][0] - ring[0][0]) > 180:
        return _around_pole(latitudes)
    west, east = min(x for x, _ in ring), max(x for x, _ in ring)
    turns = 360 * math.floor((west + 180) / 360)
    ring, west, east = [(x - turns, y) for x, y in ring], west - turns, east - turns
    south, north = min(latitudes), max(latitudes)
    if east <= 180:
        return {"type": "Polygon", "coordinates": [_tidy(ring)]}, _rounded([west, south, east, north])
    parts = [_clipped(ring, 1), [(x - 360, y) for x, y in _clipped(ring, -1)]]
    geometry = {"type": "MultiPolygon", "coordinates": [[_tidy(part)] for part in parts]}
    return geometry, _rounded([west, south, east - 360, north])


def _unwrapped(longitudes: Sequence[float]) -> list[float]:
    """Without jumps: neighbours differ by less than half a turn."""
    found = [longitudes[0]]
    for longitude in longitudes[1:]:
        found.append(longitude - 360 * round((longitude - found[-1]) / 360))
    return found


def _around_pole(latitudes: Sequence[float]) -> tuple[Geometry, list[float]]:
    """Of an image with a pole in it: everything from there to its outermost corner."""
    south, north = (min(latitudes), 90.0) if sum(latitudes) > 0 else (-90.0, max(latitudes))
    corners = [(-180.0, south), (180.0, south), (180.0, north), (-180.0, north), (-180.0, south)]
    return {"type": "Polygon", "coordinates": [_tidy(corners)]}, _rounded([-180.0, south, 180.0, north])


def _clipped(ring: Sequence[Position], side: int) -> list[Position]:
    """The part of a ring west (side 1) or east (-1) of 180 degrees."""
    found: list[Position] = []
    for (x, y), (next_x, next_y) in pairwise(ring):
        if side * (180 - x) >= 0:
            found.append((x, y))
        if (180 - x) * (180 - next_x) < 0:
            found.append((180.0, y + (next_y - y) * (180 - x) / (next_x - x)))
    return [*found, found[0]]


def _tidy(ring: Sequence[Position]) -> list[list[float]]:
    """Rounded, and counterclockwise as GeoJSON has it."""
    doubled_area = sum(x * next_y - next_x * y for (x, y), (next_x, next_y) in pairwise(ring))
    return [_rounded(position) for position in (ring if doubled_area >= 0 else reversed(ring))]


def _rounded(numbers: Sequence[float]) -> list[float]:
    return [round(number, DECIMALS) for number in numbers]
