"""Which pixels of a scene are used: a raster of its size, or polygons."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from rasterio.crs import CRS
from rasterio.errors import RasterioError
from rasterio.features import rasterize
from rasterio.transform import Affine
from rasterio.warp import transform_geom

from unmixing.errors import SceneFormatError, SpecError
from unmixing.io.formats.detection import choose_scene
from unmixing.io.formats.envi_pairs import with_partner
from unmixing.io.formats.gdal import safe_gdal
from unmixing.io.formats.lookup import shown_in
from unmixing.io.formats.numpy_files import load_npy, load_npz, npz_headers
from unmixing.io.formats.table import NPZ, format_of
from unmixing.io.formats.variables import WantedArray
from unmixing.specs import InputSpec
from unmixing.types import Bool, Georeference, MapGrid

MAX_GEOJSON_BYTES = 64 * 2**20
MATRIX = WantedArray("rows, columns", ("mask",), 2)
WGS84 = 4326
POLYGONS = ("Polygon", "MultiPolygon")

SAME_PLACE = 0.01
"""How far the corners of a mask may lie from the scene's, in pixels."""


def read_mask(path: Path, shape: tuple[int, int], place: Georeference | None, grid: MapGrid | None = None) -> Bool:
    """Which pixels of a scene of ``shape`` are used, (rows, columns). place: where the scene lies. grid: that shows it
    when it has no place itself; then a mask may have the size of the grid too.

    A raster is used where it is neither zero nor without data; polygons hold the centres of the pixels that are used.
    Raises SpecError for a mask of another size or place, and for one that leaves no pixel; SceneFormatError.
    """
    if not path.is_file():
        raise SpecError(f"mask is {str(path)!r}, which is not a file")
    with path.open("rb") as file:
        is_json = file.read(64).lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"{")
    if grid is not None:
        place = grid.georeference
    used = _inside(path, shape if grid is None else grid.shape, place) if is_json else _raster(path, place)
    if grid is not None and used.shape == grid.shape and (is_json or used.shape != shape):
        used = shown_in(grid, used, shape)
    if used.shape != shape:
        raise SpecError(
            f"the mask {path.name} has {used.shape[0]} x {used.shape[1]} pixels, the scene {shape[0]} x {shape[1]}; "
            "give a mask of the scene's size"
        )
    if not used.any():
        raise SpecError(f"the mask {path.name} leaves no pixel of the scene; it is not zero where pixels are used")
    return used


def _raster(path: Path, place: Georeference | None) -> Bool:
    found = format_of(path)
    if found is NPZ:
        headers = npz_headers(path)
        name = MATRIX.names[0] if MATRIX.names[0] in headers or len(headers) != 1 else next(iter(headers))
        if name not in headers:
            raise SpecError(f"the mask {path.name} has the arrays {', '.join(headers)}; call one of them {name!r}")
        return _not_zero(load_npz(path, name, None), path)
    if found is not None and found.suffixes[0] == ".npy":
        return _not_zero(load_npy(path, "", None), path)
    if found is not None and found.holds_array(2):
        return _not_zero(found.read_array(path, None, MATRIX)[0], path)
    files = choose_scene(with_partner([path]))
    scene = format_of(files[0])
    assert scene is not None  # it was chosen for that
    with scene.open_scene(files, InputSpec(), None) as reader:
        if reader.shape[2] != 1:
            raise SpecError(f"the mask {path.name} has {reader.shape[2]} bands; a mask has one")
        _require_same_place(path, reader.georeference, place)
        values = np.concatenate([block[:, :, 0] for block in reader.blocks()])
        return _not_zero(values, path) & (values != reader.nodata if reader.nodata is not None else True)


def _not_zero(values: NDArray[Any], path: Path) -> Bool:
    values = np.squeeze(values, 2) if values.ndim == 3 and values.shape[2] == 1 else values
    if values.ndim != 2 or values.dtype.kind not in "biuf":
        raise SpecError(f"the mask {path.name} is {values.dtype} {values.shape}; it has to be numbers (rows, columns)")
    used: Bool = (values != 0) & ~np.isnan(values)
    return used


def _require_same_place(path: Path, mask: Georeference | None, scene: Georeference | None) -> None:
    if mask is None or scene is None:
        return
    steps = np.abs(np.array(mask.transform) - scene.transform)
    pixel = np.hypot(scene.transform[0], scene.transform[3])
    if steps[[2, 5]].max() > SAME_PLACE * pixel or steps[[0, 1, 3, 4]].max() > 1e-6 * pixel:
        raise SpecError(
            f"the mask {path.name} lies elsewhere: its transform is {mask.transform}, the scene's {scene.transform}; "
            "resample it to the scene's grid"
        )
    both = [wkt for wkt in (mask.crs_wkt, scene.crs_wkt) if wkt is not None]
    if len(both) == 2 and CRS.from_wkt(both[0]) != CRS.from_wkt(both[1]):
        raise SpecError(f"the mask {path.name} has another CRS than the scene; resample it to the scene's grid")


def _inside(path: Path, shape: tuple[int, int], place: Georeference | None) -> Bool:
    """The pixels whose centres lie in the polygons of a GeoJSON file. Without a ``crs`` member its coordinates are
    longitude and latitude, as the standard has it, or else, where they cannot be, the scene's."""
    if place is None:
        raise SpecError(f"the mask {path.name} is GeoJSON, but the scene names no place; give a raster of its size")
    if path.stat().st_size > MAX_GEOJSON_BYTES:
        raise SpecError(f"the mask {path.name} has more than {MAX_GEOJSON_BYTES} bytes; simplify its polygons")
    try:
        document = json.loads(path.read_bytes())
        shapes = [shape for shape in _geometries(document) if shape.get("type") in POLYGONS]
        if not shapes:
            raise SpecError(f"the mask {path.name} has no polygon; only polygons hold pixels")
        with safe_gdal(path.name):
            shapes = _in_scene_crs(document, shapes, place)
            burnt = rasterize(shapes, out_shape=shape, transform=Affine(*place.transform), dtype=np.uint8)
    except (ValueError, TypeError, KeyError, AttributeError, IndexError, RecursionError, RasterioError) as error:
        raise SceneFormatError(f"the mask {path.name} is no GeoJSON that can be read: {error}") from error
    if not burnt.any():
        raise SpecError(
            f"the mask {path.name} has {len(shapes)} polygon(s), none of which holds a pixel of the scene; are its "
            "coordinates longitude and latitude, or those of the scene's CRS?"
        )
    used: Bool = burnt != 0
    return used


def _geometries(document: dict[str, Any]) -> Iterator[dict[str, Any]]:
    kind = document["type"]
    if kind == "FeatureCollection":
        for feature in document["features"]:
            yield from _geometries(feature)
    elif kind == "Feature":
        yield from _geometries(document["geometry"]) if document.get("geometry") else ()
    elif kind == "GeometryCollection":
        for geometry in document["geometries"]:
            yield from _geometries(geometry)
    else:
        yield document


def _in_scene_crs(document: dict[str, Any], shapes: list[dict[str, Any]], place: Georeference) -> list[dict[str, Any]]:
    named = document.get("crs", {}).get("properties", {}).get("name")
    if place.crs_wkt is None or (named is None and not _are_degrees(shapes)):
        return shapes
    target, source = CRS.from_wkt(place.crs_wkt), _named_crs(named)
    return shapes if source == target else [transform_geom(source, target, shape) for shape in shapes]


def _named_crs(name: str | None) -> CRS:
    """A CRS by its number. GDAL itself would take names of files and addresses too."""
    if name is None or name.endswith("CRS84"):
        return CRS.from_epsg(WGS84)
    if (number := re.search(r"EPSG:[\d.:]*?(\d+)$", name, re.IGNORECASE)) is None:
        raise SpecError(f"the mask's crs is {name[:80]!r}; name it as EPSG:32633, or leave it out for WGS84")
    return CRS.from_epsg(int(number[1]))


def _are_degrees(shapes: list[dict[str, Any]]) -> bool:
    points = np.array([point[:2] for shape in shapes for point in _points(shape["coordinates"])], dtype=np.float64)
    return bool((np.abs(points) <= (180.0, 90.0)).all())


def _points(coordinates: list[Any]) -> Iterator[list[float]]:
    if isinstance(coordinates[0], int | float):
        yield coordinates
    else:
        for part in coordinates:
            yield from _points(part)
