"""EMIT, L2A reflectance (and L1B radiance): netCDF in the geometry of the sensor, its place in a lookup table."""

from collections.abc import Sequence
from pathlib import Path

from unmixing.errors import SceneFormatError
from unmixing.io.formats.hdf5 import HDF5, datasets, opened_hdf5
from unmixing.io.formats.reader import SceneReader
from unmixing.io.formats.units import RADIANCE, REFLECTANCE
from unmixing.specs import InputSpec

CUBES = {"reflectance": REFLECTANCE, "radiance": RADIANCE}
"""Names of the cube, and the unit of its numbers."""

WAVELENGTHS, LOOKUP = "sensor_band_parameters/wavelengths", ("location/glt_x", "location/glt_y")

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
    return opened.retold(nodata=nodata, source={**opened.source, **source})
