"""The maps of a result, written rows by rows from top to bottom."""

from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from types import TracebackType
from typing import IO, Self

import numpy as np
import rasterio
import rasterio.shutil
from numpy.lib import format as npy_format
from rasterio.transform import Affine
from rasterio.windows import Window

from unmixing.io.cog import NODATA, OPTIONS
from unmixing.io.gdal import georeference_optional
from unmixing.io.quicklook import MAX_SIDE, false_colour_bands
from unmixing.types import Bool, Cube, Float32, Unmixing

TILE = 512


def thinning_step(shape: tuple[int, int, int]) -> int:
    """Every so many pixels one is drawn."""
    return -(-max(shape[:2]) // MAX_SIDE)


class BlockProducts:
    """``abundances.npy``, ``brightness.npy`` and a plain GeoTIFF that ``finish`` makes ``abundances.tif`` of; and of
    every so many pixels what the quicklook shows. A context manager, which closes the files."""

    def __init__(self, folder: Path, cube: Cube, names: tuple[str, ...]) -> None:
        self._folder, self._cube, self._names = folder, cube, names
        self._step = thinning_step(cube.shape)
        rows, columns = cube.valid_pixels[:: self._step, :: self._step].shape
        self._bands = false_colour_bands(cube)[0]
        # One plane per band, of which only those that are shown are ever touched.
        planes = np.zeros((cube.shape[2], rows, columns), dtype=np.float32)
        self._values = planes.transpose(1, 2, 0)
        self._abundances = np.full((rows, columns, len(names)), np.nan, dtype=np.float32)

    def __enter__(self) -> Self:
        rows, columns, _ = self._cube.shape
        count = len(self._names)
        with ExitStack() as opened:
            self._maps = opened.enter_context(self._npy("abundances.npy", (rows, columns, count)))
            self._brightness = opened.enter_context(self._npy("brightness.npy", (rows, columns)))
            place = {}
            if (georeference := self._cube.georeference) is not None:
                place = {"crs": georeference.crs_wkt, "transform": Affine(*georeference.transform)}
            with georeference_optional():
                self._tiff = opened.enter_context(
                    rasterio.open(
                        self._folder / "plain.tif", "w", driver="GTiff", height=rows, width=columns, count=count,
                        dtype="float32", nodata=NODATA, interleave="pixel", BIGTIFF="IF_SAFER", **place,
                    )
                )  # fmt: skip
            for index, name in enumerate(self._names, start=1):
                self._tiff.set_band_description(index, name)
            self._opened = opened.pop_all()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._opened.close()

    def write(self, start: int, values: Float32, valid: Bool, maps: tuple[Float32, Float32]) -> None:
        """Rows from ``start``: values (rows, columns, bands), valid (n_pixels,), and abundances (n_pixels,
        n_endmembers) with brightness (n_pixels,), NaN where masked."""
        rows, columns, _ = values.shape
        abundances = maps[0].reshape(rows, columns, -1)
        self._maps.write(abundances.data)
        self._brightness.write(maps[1].data)
        stored = np.where(np.isnan(abundances), np.float32(NODATA), abundances).transpose(2, 0, 1)
        with rasterio.Env(GDAL_PAM_ENABLED="NO"):
            self._tiff.write(stored, window=Window(0, start, columns, rows))
        shown = slice(-start % self._step, None, self._step)
        first = -(-start // self._step)
        thinned = abundances[shown, :: self._step]
        self._abundances[first : first + len(thinned)] = thinned
        for band in self._bands:
            self._values[first : first + len(thinned), :, band] = values[shown, :: self._step, band]

    def finish(self, unmixing: Unmixing, cube: Cube) -> tuple[Unmixing, Cube]:
        """``abundances.tif`` from the closed files; returns what the quicklook draws, thinned."""
        plain = self._folder / "plain.tif"
        with rasterio.Env(GDAL_PAM_ENABLED="NO", GDAL_CACHEMAX=64 * 2**20), georeference_optional():
            rasterio.shutil.copy(plain, self._folder / "abundances.tif", driver="COG", **OPTIONS)
        plain.unlink()
        valid = cube.valid_pixels[:: self._step, :: self._step]
        return replace(unmixing, abundances=self._abundances), replace(cube, values=self._values, valid_pixels=valid)

    def _npy(self, name: str, shape: tuple[int, ...]) -> IO[bytes]:
        file = (self._folder / name).open("wb")
        header = {"descr": npy_format.dtype_to_descr(np.dtype(np.float32)), "fortran_order": False, "shape": shape}
        npy_format.write_array_header_1_0(file, header)
        return file
