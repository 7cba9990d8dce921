"""EMIT, L2A reflectance (and L1B radiance): netCDF in the geometry of the sensor, its place in a lookup table."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from unmixing.errors import SceneFormatError
from unmixing.io.formats.array_header import ArrayHeader
from unmixing.io.formats.gdal import crs_wkt
from unmixing.io.formats.hdf5 import HDF5, datasets, opened_hdf5
from unmixing.io.formats.lookup import grid_of_lookup
from unmixing.io.formats.reader import SceneReader, require_plausible_size
from unmixing.io.formats.units import RADIANCE, REFLECTANCE
from unmixing.specs import InputSpec
from unmixing.types import Georeference, MapGrid

CUBES = {"reflectance": REFLECTANCE, "radiance": RADIANCE}
"""Names of the cube, and the unit of its numbers."""

WAVELENGTHS, LOOKUP = "sensor_band_parameters/wavelengths", ("location/glt_x", "location/glt_y")

PLACE, CRS = "geotransform", "spatial_ref"
"""Attributes of the root that say where the grid of the lookup table lies, the first as GDAL has it."""

NODATA = -9999.0


def is_product(path: Path) -> bool:
    """Whether an HDF5 file is laid out as EMIT's are."""
    try:
        with opened_hdf5(path) as file:
            found = datasets(file)
    except SceneFormatError:
        return False
    return {WAVELENGTHS, *LOOKUP} <= set(found) and any(len(found[name].shape) == 3 for name in CUBES if name in found)


def open_scene(files: Sequence[Path], asked: InputSpec, scratch: Path | None) -> SceneReader:
    """The scene as the sensor saw it: rows downtrack, columns crosstrack. Raises SceneFormatError."""
    path = files[0]
    with opened_hdf5(path) as file:
        cube = next((name for name in CUBES if name in datasets(file)), None)
    variable = asked.variable or cube
    opened = HDF5.open_scene(files, asked.model_copy(update={"variable": variable}), scratch)
    if opened.source["variable"] not in CUBES:
        return opened
    source = {"format": "EMIT netCDF", "unit": CUBES[opened.source["variable"]]}
    nodata = NODATA if opened.nodata is None else opened.nodata
    grid = _grid(path, opened.shape[:2])
    return opened.retold(nodata=nodata, grid=grid, source={**opened.source, **source})


def _grid(path: Path, shape: tuple[int, int]) -> MapGrid | None:
    """The grid of the lookup table, None where the file does not say where it lies. Raises SceneFormatError."""
    with opened_hdf5(path) as file:
        if PLACE not in file.attrs:
            return None
        corner, text = np.asarray(file.attrs[PLACE]).ravel(), file.attrs.get(CRS)
        tables = [datasets(file)[name] for name in LOOKUP]
        for table in tables:
            require_plausible_size(path, ArrayHeader(table.shape, table.dtype))
        x, y = (_without_fill(np.asarray(table), table.attrs.get("_FillValue")) for table in tables)
    if corner.dtype.kind not in "iuf" or corner.size != 6 or not np.isfinite(corner).all():
        raise SceneFormatError(f"{path.name}: the attribute {PLACE} must be 6 finite numbers")
    c, a, b, f, d, e = (float(number) for number in corner)
    if a * e == b * d:
        raise SceneFormatError(f"{path.name}: the pixels of the attribute {PLACE} have no size")
    wkt = crs_wkt(text.decode("utf-8", "replace") if isinstance(text, bytes) else text) if text else None
    return grid_of_lookup(x, y, shape, Georeference(wkt, (a, b, c, d, e, f)), path.name)


def _without_fill(table: NDArray[Any], fill: Any) -> NDArray[Any]:
    """A lookup table in which zero stands for none, whatever number the file has for it."""
    return table if fill is None else np.where(table == np.asarray(fill).ravel()[0], 0, table)
