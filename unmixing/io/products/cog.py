"""Maps as Cloud Optimized GeoTIFF: one writer, whatever the size."""

import uuid
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import rasterio
import rasterio.shutil
from rasterio.transform import Affine
from rasterio.windows import Window

from unmixing.io.formats.gdal import georeference_optional
from unmixing.io.products.result import ImageResult
from unmixing.types import Float32, Georeference

NODATA = -9999.0
OPTIONS = {
    "COMPRESS": "DEFLATE",
    "PREDICTOR": "3",
    "BLOCKSIZE": "512",
    "OVERVIEW_RESAMPLING": "AVERAGE",
    "BIGTIFF": "IF_SAFER",
}
BLOCK_BYTES = 16 * 2**20
"""How much of a map is in memory at a time."""


def write_abundances(path: Path, result: ImageResult) -> None:
    """One band per endmember, by its name."""
    _write_maps(path, result.unmixing.abundances, result)


def write_uncertainty(path: Path, result: ImageResult) -> None:
    """One band per endmember, the standard deviation of its abundance."""
    assert result.unmixing.uncertainty is not None  # the table asks first
    _write_maps(path, result.unmixing.uncertainty, result)


def _write_maps(path: Path, maps: Float32, result: ImageResult) -> None:
    """``write_cog``, with what abundances are shares of, for whoever finds the file alone."""
    tags = {"ABUNDANCES_OF": result.unmixing.abundances_of}
    write_cog(path, maps, result.unmixing.endmember_names, result.info.georeference, tags)


def write_cog(
    path: Path, maps: Float32, names: tuple[str, ...], georeference: Georeference | None, tags: Mapping[str, str]
) -> None:
    """Write ``maps`` (rows, columns, n_maps), in memory or mapped, NaN as nodata, ``names`` as band descriptions; every
    band, and the file, carries ``tags`` as metadata.

    Without a georeference the file has none either: no CRS, no transform.
    """
    plain = hidden_name(path)
    try:
        _write_plain(plain, maps, names, georeference, tags)
        with rasterio.Env(GDAL_PAM_ENABLED="NO", GDAL_CACHEMAX=64 * 2**20), georeference_optional():
            rasterio.shutil.copy(plain, path, driver="COG", **OPTIONS)
    finally:
        plain.unlink(missing_ok=True)


def hidden_name(path: Path) -> Path:
    """A name beside ``path`` that nobody else has, to write to before it is renamed."""
    return path.with_name(f".{uuid.uuid4().hex}-{path.name}")


def _write_plain(
    path: Path, maps: Float32, names: tuple[str, ...], georeference: Georeference | None, tags: Mapping[str, str]
) -> None:
    rows, columns, count = maps.shape
    place: dict[str, Any] = {}
    if georeference is not None:
        place = {"crs": georeference.crs_wkt, "transform": Affine(*georeference.transform)}
    with (
        rasterio.Env(GDAL_PAM_ENABLED="NO"),
        georeference_optional(),
        rasterio.open(
            path, "w", driver="GTiff", height=rows, width=columns, count=count, dtype="float32", nodata=NODATA,
            interleave="pixel", BIGTIFF="IF_SAFER", **place,
        ) as file,
    ):  # fmt: skip
        file.update_tags(**tags)
        for index, name in enumerate(names, start=1):
            file.set_band_description(index, name)
            file.update_tags(index, **tags)
        step = max(1, BLOCK_BYTES // (4 * columns * count))
        for start in range(0, rows, step):
            block = np.nan_to_num(maps[start : start + step], nan=NODATA)
            file.write(block.transpose(2, 0, 1), window=Window(0, start, columns, len(block)))
