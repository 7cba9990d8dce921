"""Maps as Cloud Optimized GeoTIFF: one writer, whatever the size."""

import uuid
from pathlib import Path
from typing import Any

import rasterio
import rasterio.shutil
from rasterio.transform import Affine
from rasterio.windows import Window

from unmixing.io.formats.gdal import georeference_optional
from unmixing.io.products.rasters import Raster
from unmixing.types import Georeference

OPTIONS = {
    "COMPRESS": "DEFLATE",
    "PREDICTOR": "YES",
    "BLOCKSIZE": "512",
    "BIGTIFF": "IF_SAFER",
}


def write_cog(path: Path, raster: Raster, georeference: Georeference | None) -> None:
    """Write a raster with names, units, tags and, where the numbers are no codes, statistics of its bands in the file.

    Without a georeference the file has none either: no CRS, no transform.
    """
    # A mean of codes is another code.
    how = {"STATISTICS": "NO", "OVERVIEW_RESAMPLING": "MODE"} if raster.is_coded else {"STATISTICS": "YES"}
    plain = hidden_name(path)
    try:
        with rasterio.Env(GDAL_PAM_ENABLED="NO", GDAL_CACHEMAX=64 * 2**20), georeference_optional():
            _write_plain(plain, raster, georeference)
            options = OPTIONS | {"OVERVIEW_RESAMPLING": "AVERAGE"} | how
            rasterio.shutil.copy(plain, path, driver="COG", **options)
    finally:
        plain.unlink(missing_ok=True)


def hidden_name(path: Path) -> Path:
    """A name beside ``path`` that nobody else has, to write to before it is renamed."""
    return path.with_name(f".{uuid.uuid4().hex}-{path.name}")


def place_options(georeference: Georeference | None) -> dict[str, Any]:
    """Options of a raster that is written at its place on Earth, none where nobody knows it."""
    if georeference is None:
        return {}
    return {"crs": georeference.crs_wkt, "transform": Affine(*georeference.transform)}


def _write_plain(path: Path, raster: Raster, georeference: Georeference | None) -> None:
    rows, columns, count = raster.values.shape
    with rasterio.open(
        path, "w", driver="GTiff", height=rows, width=columns, count=count, dtype=raster.values.dtype.name,
        nodata=raster.nodata, interleave="pixel", BIGTIFF="IF_SAFER", **place_options(georeference),
    ) as file:  # fmt: skip
        file.update_tags(**raster.tags)
        for index, band in enumerate(raster.bands, start=1):
            file.set_band_description(index, band.name)
            file.update_tags(index, DESCRIPTION=band.description, **raster.tags)
            if band.unit is not None:
                file.set_band_unit(index, band.unit)
        if raster.colours:
            file.write_colormap(1, raster.colours)
        for start, block in raster.blocks():
            file.write(block.transpose(2, 0, 1), window=Window(0, start, columns, len(block)))
