"""A scene in memory written as a file that is read back alike, to be sent elsewhere."""

from pathlib import Path
from typing import Any

import numpy as np
import rasterio
from rasterio.windows import Window

from unmixing.errors import SceneFormatError
from unmixing.io.formats.gdal import georeference_optional
from unmixing.io.formats.labelled import is_labelled, labelled_scene
from unmixing.io.formats.layout import SceneLayout
from unmixing.io.formats.reader import SceneReader
from unmixing.io.products.cog import place_options


def write_scene(image: Any, folder: Path) -> Path:
    """Write an array as ``array.npy``, an ``xarray.DataArray`` as ``array.tif`` with its wavelengths, nodata and place.

    Raises SceneFormatError for anything else.
    """
    if isinstance(image, np.ndarray):
        path = folder / "array.npy"
        np.save(path, image, allow_pickle=False)
        return path
    if is_labelled(image):
        with labelled_scene(image, SceneLayout()) as scene:
            return _write_labelled(scene, folder / "array.tif")
    raise SceneFormatError(f"a {type(image).__name__} holds no image; give an array, a path or an xarray.DataArray")


def _write_labelled(scene: SceneReader, path: Path) -> Path:
    """As GeoTIFF, block by block."""
    rows, columns, bands = scene.shape
    dtype = np.promote_types(scene.dtype, np.float32) if scene.dtype.kind == "f" else scene.dtype.newbyteorder("=")
    nodata: dict[str, Any] = {} if scene.nodata is None else {"nodata": scene.nodata}
    with (
        rasterio.Env(GDAL_PAM_ENABLED="NO"),
        georeference_optional(),
        rasterio.open(
            path, "w", driver="GTiff", height=rows, width=columns, count=bands, dtype=dtype, interleave="pixel",
            BIGTIFF="IF_SAFER", **nodata, **place_options(scene.georeference),
        ) as file,
    ):  # fmt: skip
        if scene.wavelengths_nm is not None:
            for band, wavelength in enumerate(scene.wavelengths_nm.tolist(), start=1):
                file.update_tags(band, wavelength=repr(wavelength), wavelength_units="nm")
        for (start, _), block in zip(scene.windows(), scene.blocks(), strict=True):
            values = np.asarray(block, dtype=dtype).transpose(2, 0, 1)
            file.write(values, window=Window(0, start, columns, len(block)))
    return path
