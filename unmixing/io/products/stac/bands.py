"""The bands of a raster as STAC describes them, read from the file that has them."""

from pathlib import Path
from typing import Any

import rasterio

from unmixing.io.formats.gdal import georeference_optional, safe_gdal

DESCRIPTION = "DESCRIPTION"
"""The tag of a band that says what its numbers are."""

STATISTICS = {
    "minimum": "STATISTICS_MINIMUM",
    "maximum": "STATISTICS_MAXIMUM",
    "mean": "STATISTICS_MEAN",
    "stddev": "STATISTICS_STDDEV",
    "valid_percent": "STATISTICS_VALID_PERCENT",
}
"""By their names in STAC, the tags in which GDAL keeps them."""


def bands_of(path: Path) -> list[dict[str, Any]]:
    """Name, description, type, nodata, unit and statistics of each band, those that the file has."""
    with safe_gdal(path.name), georeference_optional(), rasterio.open(path, driver="GTiff") as file:
        return [_band(file, index) for index in file.indexes]


def _band(file: rasterio.DatasetReader, index: int) -> dict[str, Any]:
    tags = file.tags(index)
    statistics = {name: float(tags[key]) for name, key in STATISTICS.items() if key in tags}
    said = {
        "name": file.descriptions[index - 1],
        "description": tags.get(DESCRIPTION),
        "data_type": file.dtypes[index - 1],
        "nodata": file.nodatavals[index - 1],
        "unit": file.units[index - 1],
        "statistics": statistics or None,
    }
    return {name: value for name, value in said.items() if value is not None}
