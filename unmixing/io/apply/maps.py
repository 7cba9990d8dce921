"""The maps of a result in files: written rows by rows in any order, by any number of processes."""

import os
import uuid
from pathlib import Path
from typing import NamedTuple

import numpy as np
import rasterio
import rasterio.shutil
from numpy.lib import format as npy_format
from rasterio.transform import Affine
from rasterio.windows import Window

from unmixing.io.formats.gdal import georeference_optional
from unmixing.io.products.cog import NODATA, OPTIONS
from unmixing.types import Float32, Georeference

BLOCK_BYTES = 16 * 2**20
"""How much of a map is in memory at a time while its GeoTIFF is written."""


class BlockMaps(NamedTuple):
    """What is known of the pixels of a block, NaN where masked: abundances (n_pixels, n_endmembers), brightness
    (n_pixels,) and, where the model says it, the uncertainty of the abundances. The fields name the ``.npy`` files."""

    abundances: Float32
    brightness: Float32
    uncertainty: Float32 | None


class SceneMaps:
    """``abundances.npy``, ``brightness.npy`` and perhaps ``uncertainty.npy`` in ``folder``.

    rows, columns, count: of the scene and of its endmembers. Whoever writes different rows needs no lock.
    """

    def __init__(self, folder: Path, rows: int, columns: int, count: int, *, uncertainty: bool) -> None:
        self.folder = folder
        shapes = {"abundances": (rows, columns, count), "brightness": (rows, columns)}
        self._shapes: dict[str, tuple[int, ...]] = shapes | (
            {"uncertainty": (rows, columns, count)} if uncertainty else {}
        )
        self.pictured = [name for name, shape in self._shapes.items() if len(shape) == 3]
        """Those that become a GeoTIFF too."""

    def create(self) -> None:
        """Files of the full size, which take no room until they are written."""
        for name, shape in self._shapes.items():
            with (self.folder / f"{name}.npy").open("wb") as file:
                header = {"descr": "<f4", "fortran_order": False, "shape": shape}
                npy_format.write_array_header_1_0(file, header)
                file.truncate(file.tell() + 4 * int(np.prod(shape)))

    def write(self, first_row: int, maps: BlockMaps) -> None:
        """What is known of the pixels of some rows from ``first_row``."""
        for name, values in maps._asdict().items():
            if values is None:
                continue
            row_bytes = 4 * int(np.prod(self._shapes[name][1:]))
            with (self.folder / f"{name}.npy").open("r+b") as file:
                npy_format.read_magic(file)
                npy_format.read_array_header_1_0(file)
                file.seek(first_row * row_bytes, os.SEEK_CUR)
                file.write(np.ascontiguousarray(values, dtype="<f4").data)

    def read(self, name: str) -> Float32:
        """A map as it lies in its file."""
        values: Float32 = np.load(self.folder / f"{name}.npy", mmap_mode="r")
        return values

    def write_cog(self, name: str, names: tuple[str, ...], georeference: Georeference | None) -> None:
        """``name``.tif beside ``name``.npy, there whole or not at all."""
        target = self.folder / f"{name}.tif"
        plain, hidden = hidden_name(target), hidden_name(target)
        _write_plain_tiff(plain, self.read(name), names, georeference)
        with rasterio.Env(GDAL_PAM_ENABLED="NO", GDAL_CACHEMAX=64 * 2**20), georeference_optional():
            rasterio.shutil.copy(plain, hidden, driver="COG", **OPTIONS)
        plain.unlink()
        hidden.replace(target)


def hidden_name(path: Path) -> Path:
    """A name beside ``path`` that nobody else has, to write to before it is renamed."""
    return path.with_name(f".{uuid.uuid4().hex}-{path.name}")


def _write_plain_tiff(path: Path, maps: Float32, names: tuple[str, ...], georeference: Georeference | None) -> None:
    rows, columns, count = maps.shape
    place = {}
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
        for index, name in enumerate(names, start=1):
            file.set_band_description(index, name)
        step = max(1, BLOCK_BYTES // (4 * columns * count))
        for start in range(0, rows, step):
            block = np.nan_to_num(maps[start : start + step], nan=NODATA)
            file.write(block.transpose(2, 0, 1), window=Window(0, start, columns, len(block)))
