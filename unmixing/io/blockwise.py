"""The maps of a result, written rows by rows from top to bottom."""

from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from types import TracebackType
from typing import IO, Any, NamedTuple, Self

import numpy as np
import rasterio
import rasterio.shutil
from numpy.lib import format as npy_format
from rasterio.transform import Affine
from rasterio.windows import Window

from unmixing.io.cog import NODATA, OPTIONS
from unmixing.io.gdal import georeference_optional
from unmixing.io.quicklook import MAX_SIDE, false_colour_bands
from unmixing.types import Cube, Float32, Unmixing

TILE = 512


def thinning_step(shape: tuple[int, int, int]) -> int:
    """Every so many pixels one is drawn."""
    return -(-max(shape[:2]) // MAX_SIDE)


class BlockMaps(NamedTuple):
    """What is known of the pixels of a block, NaN where masked: abundances (n_pixels, n_endmembers), brightness
    (n_pixels,) and, where the model says it, the uncertainty of the abundances. The fields name the ``.npy`` files."""

    abundances: Float32
    brightness: Float32
    uncertainty: Float32 | None


class BlockProducts:
    """``abundances.npy``, ``brightness.npy`` and a plain GeoTIFF that ``finish`` makes ``abundances.tif`` of, the same
    of the uncertainty where there is one, and of every so many pixels what the quicklook shows. A context manager,
    which closes the files."""

    def __init__(self, folder: Path, cube: Cube, names: tuple[str, ...], *, uncertainty: bool) -> None:
        self._folder, self._cube, self._names = folder, cube, names
        self._pictured = ("abundances", "uncertainty") if uncertainty else ("abundances",)
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
            self._arrays = {"brightness": opened.enter_context(self._npy("brightness.npy", (rows, columns)))}
            self._tiffs = {}
            for name in self._pictured:
                self._arrays[name] = opened.enter_context(self._npy(f"{name}.npy", (rows, columns, count)))
                self._tiffs[name] = opened.enter_context(self._plain_tiff(name))
            self._opened = opened.pop_all()
        return self

    def _plain_tiff(self, name: str) -> Any:
        rows, columns, _ = self._cube.shape
        place = {}
        if (georeference := self._cube.georeference) is not None:
            place = {"crs": georeference.crs_wkt, "transform": Affine(*georeference.transform)}
        with georeference_optional():
            tiff = rasterio.open(
                self._plain(name), "w", driver="GTiff", height=rows, width=columns, count=len(self._names),
                dtype="float32", nodata=NODATA, interleave="pixel", BIGTIFF="IF_SAFER", **place,
            )  # fmt: skip
        for index, endmember in enumerate(self._names, start=1):
            tiff.set_band_description(index, endmember)
        return tiff

    def _plain(self, name: str) -> Path:
        return self._folder / f"plain-{name}.tif"

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._opened.close()

    def write(self, start: int, values: Float32, maps: BlockMaps) -> None:
        """Rows from ``start``: values (rows, columns, bands), and what is known of their pixels."""
        rows, columns, _ = values.shape
        for name, array in maps._asdict().items():
            if array is not None:
                self._arrays[name].write(array.data)
        for name in self._pictured:
            array = getattr(maps, name).reshape(rows, columns, -1)
            stored = np.where(np.isnan(array), np.float32(NODATA), array).transpose(2, 0, 1)
            with rasterio.Env(GDAL_PAM_ENABLED="NO"):
                self._tiffs[name].write(stored, window=Window(0, start, columns, rows))
        shown = slice(-start % self._step, None, self._step)
        first = -(-start // self._step)
        thinned = maps.abundances.reshape(rows, columns, -1)[shown, :: self._step]
        self._abundances[first : first + len(thinned)] = thinned
        for band in self._bands:
            self._values[first : first + len(thinned), :, band] = values[shown, :: self._step, band]

    def finish(self, unmixing: Unmixing, cube: Cube) -> tuple[Unmixing, Cube]:
        """The Cloud Optimized GeoTIFFs from the closed files; returns what the quicklook draws, thinned."""
        for name in self._pictured:
            with rasterio.Env(GDAL_PAM_ENABLED="NO", GDAL_CACHEMAX=64 * 2**20), georeference_optional():
                rasterio.shutil.copy(self._plain(name), self._folder / f"{name}.tif", driver="COG", **OPTIONS)
            self._plain(name).unlink()
        valid = cube.valid_pixels[:: self._step, :: self._step]
        return replace(unmixing, abundances=self._abundances), replace(cube, values=self._values, valid_pixels=valid)

    def _npy(self, name: str, shape: tuple[int, ...]) -> IO[bytes]:
        file = (self._folder / name).open("wb")
        header = {"descr": npy_format.dtype_to_descr(np.dtype(np.float32)), "fortran_order": False, "shape": shape}
        npy_format.write_array_header_1_0(file, header)
        return file
