"""Map of the endmember that makes up most of every pixel."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import numpy as np
from numpy.typing import NDArray

from unmixing.io.products.palette import endmember_colour, rgb
from unmixing.io.products.rasters import Raster, RasterBand, Rows
from unmixing.io.products.result import ImageResult

NO_DATA_CODE, NO_DATA_NAME = 0, "no data"
"""Where a pixel has no abundances. Endmembers are counted from 1."""


@dataclass(frozen=True, eq=False)
class DominantRows:
    """The codes of a map of abundances (rows, columns, n_endmembers), (rows, columns, 1), found as they are read."""

    abundances: Rows

    @property
    def shape(self) -> tuple[int, ...]:
        return (*self.abundances.shape[:2], 1)

    @property
    def dtype(self) -> np.dtype[Any]:
        return np.dtype(np.uint8)

    def __getitem__(self, wanted: Any, /) -> NDArray[np.uint8]:
        block = self.abundances[wanted]
        codes: NDArray[np.uint8] = (1 + block.argmax(axis=-1)).astype(np.uint8)
        codes[np.isnan(block).any(axis=-1)] = NO_DATA_CODE
        return np.expand_dims(codes, -1)


def dominant_map(result: ImageResult) -> Raster:
    """Codes from 1 on in the order of the endmembers, 0 without data; the first of two with equal shares. The colours
    are those of the pictures, the file's metadata names each code: ``CATEGORY_0``, ``CATEGORY_1`` and so on."""
    names = result.unmixing.endmember_names
    said = f"endmember with the largest share of {result.unmixing.abundances_of}"
    tags = {f"CATEGORY_{code}": name for code, name in enumerate((NO_DATA_NAME, *names))}
    colours = {index + 1: (*rgb(endmember_colour(index)), 255) for index in range(len(names))}
    values = DominantRows(result.unmixing.abundances)
    tags["ABUNDANCES_OF"] = result.unmixing.abundances_of
    band = RasterBand("dominant endmember", said)
    colours[NO_DATA_CODE] = (0, 0, 0, 0)
    return Raster(values, (band,), nodata=NO_DATA_CODE, tags=tags, colours=colours, fill=NO_DATA_CODE)


def write_categories(path: Path, result: ImageResult) -> None:
    """The names of the codes where GDAL, QGIS and ArcGIS look for them: a GeoTIFF has no place for them."""
    root = ElementTree.Element("PAMDataset")
    band = ElementTree.SubElement(root, "PAMRasterBand", band="1")
    categories = ElementTree.SubElement(band, "CategoryNames")
    for name in (NO_DATA_NAME, *result.unmixing.endmember_names):
        ElementTree.SubElement(categories, "Category").text = name
    ElementTree.indent(root)
    ElementTree.ElementTree(root).write(path, encoding="utf-8")
