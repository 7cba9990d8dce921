"""Abundance maps as a Cloud Optimized GeoTIFF."""

from pathlib import Path

import numpy as np
import rasterio
import rasterio.shutil
from rasterio.transform import Affine

from unmixing.io.formats.gdal import georeference_optional
from unmixing.types import Float32, Georeference

NODATA = -9999.0
OPTIONS = {
    "COMPRESS": "DEFLATE",
    "PREDICTOR": "3",
    "BLOCKSIZE": "512",
    "OVERVIEW_RESAMPLING": "AVERAGE",
    "BIGTIFF": "IF_SAFER",
}


def write_cog(path: Path, maps: Float32, names: tuple[str, ...], georeference: Georeference | None) -> None:
    """Write ``maps`` (rows, columns, n_maps), NaN as nodata, with ``names`` as band descriptions.

    Without a georeference the file has none either: no CRS, no transform.
    """
    rows, columns, n_maps = maps.shape
    place = {}
    if georeference is not None:
        place = {"crs": georeference.crs_wkt, "transform": Affine(*georeference.transform)}
    with (
        rasterio.Env(GDAL_PAM_ENABLED="NO"),
        georeference_optional(),
        rasterio.open(
            "abundances",
            "w+",
            driver="MEM",
            height=rows,
            width=columns,
            count=n_maps,
            dtype="float32",
            nodata=NODATA,
            **place,
        ) as dataset,
    ):
        for index, name in enumerate(names, start=1):
            values = maps[:, :, index - 1]
            dataset.write(np.where(np.isnan(values), np.float32(NODATA), values), index)
            dataset.set_band_description(index, name)
        rasterio.shutil.copy(dataset, path, driver="COG", **OPTIONS)
