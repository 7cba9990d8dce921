"""GeoTIFF through GDAL: wavelengths and bad bands from the band tags, numbers by whole rows of blocks."""

import threading
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import rasterio
from numpy.typing import NDArray
from rasterio.enums import Interleaving, MaskFlags
from rasterio.windows import Window

from unmixing.errors import SceneFormatError
from unmixing.io.formats.array_header import ArrayHeader
from unmixing.io.formats.band_names import wavelengths_of_names
from unmixing.io.formats.gdal import georeference_of, georeference_optional, safe_gdal
from unmixing.io.formats.moments import stated_period
from unmixing.io.formats.names import wavelength_unit
from unmixing.io.formats.reader import SceneReader, require_plausible_size
from unmixing.io.formats.rows import calibrated, default_rows_per_block
from unmixing.io.formats.units import stated_unit
from unmixing.io.formats.variables import require_cube
from unmixing.io.formats.wavelengths import wavelengths_in_nm
from unmixing.specs import InputSpec
from unmixing.types import Bool, Float64, SceneFacts

LARGEST_BLOCK_BYTES = 256 * 2**20
"""A row of tiles is read at once up to this size; larger ones are unpacked several times, to keep memory
bounded."""


class RasterRows:
    """Rows of an open GDAL dataset, which one thread may use at a time. owned: whether it is closed with them."""

    def __init__(self, dataset: rasterio.DatasetReader, name: str, *, owned: bool = True) -> None:
        self.shape = (dataset.height, dataset.width, dataset.count)
        self._masked = MaskFlags.per_dataset in dataset.mask_flag_enums[0]
        stored = np.dtype(dataset.dtypes[0])
        self.dtype = np.dtype(np.float32) if self._masked else stored
        self.rows_per_block = _rows_per_block(self.shape, stored, dataset.block_shapes[0][0])
        self._dataset, self._name, self._owned, self._lock = dataset, name, owned, threading.Lock()

    def read(self, start: int, stop: int) -> NDArray[Any]:
        window = Window(0, start, self.shape[1], stop - start)
        with self._lock, safe_gdal(self._name):
            values: NDArray[Any] = self._dataset.read(window=window).transpose(1, 2, 0)
            if not self._masked:
                return values
            return np.where(self._dataset.dataset_mask(window=window)[:, :, None] == 0, np.nan, values).astype("f4")

    def close(self) -> None:
        with self._lock:
            if self._owned:
                self._dataset.close()


def _rows_per_block(shape: tuple[int, int, int], dtype: np.dtype[Any], block_rows: int) -> int:
    rows = default_rows_per_block(shape, dtype)
    if rows == shape[0]:
        return rows
    if rows >= block_rows:
        return rows // block_rows * block_rows
    row_bytes = shape[1] * shape[2] * dtype.itemsize
    return max(rows, min(block_rows, shape[0], LARGEST_BLOCK_BYTES // row_bytes))


def open_geotiff(files: Sequence[Path], asked: InputSpec, scratch: Path | None) -> SceneReader:
    """The scene in a GeoTIFF. Raises SceneFormatError, also when parts of the image are not in the file."""
    path = files[0]
    with safe_gdal(path.name), georeference_optional():
        dataset = rasterio.open(path.resolve(), driver="GTiff")
    try:
        with safe_gdal(path.name):
            require_plausible_size(path, _cube_header(dataset, path.name))
            _require_all_blocks(dataset, path)
            return _scene(RasterRows(dataset, path.name), dataset, path.name)
    except BaseException:
        dataset.close()
        raise


def dataset_scene(dataset: rasterio.DatasetReader) -> SceneReader:
    """The scene in a dataset that someone has opened with rasterio, of any of its formats, and will close.

    Raises SceneFormatError.
    """
    name = Path(dataset.name).name
    with safe_gdal(name):
        _cube_header(dataset, name)
        return _scene(RasterRows(dataset, name, owned=False), dataset, name)


def _cube_header(dataset: rasterio.DatasetReader, name: str) -> ArrayHeader:
    header = ArrayHeader((dataset.height, dataset.width, dataset.count), _dtype(dataset, name))
    require_cube(header, name)
    return header


def _scene(rows: RasterRows, dataset: rasterio.DatasetReader, name: str) -> SceneReader:
    facts = _facts(dataset, name)
    return SceneReader(*calibrated(rows, facts, np.array(dataset.scales), np.array(dataset.offsets)))


def _dtype(dataset: rasterio.DatasetReader, name: str) -> np.dtype[Any]:
    try:
        dtype: np.dtype[Any] = np.dtype(dataset.dtypes[0])
    except TypeError as error:  # GDAL's complex integers, which NumPy does not know
        raise SceneFormatError(f"{name} holds {dataset.dtypes[0]} values; a cube holds real numbers") from error
    return dtype


def _require_all_blocks(dataset: rasterio.DatasetReader, path: Path) -> None:
    """Every strip or tile must lie inside the file: libtiff fills what is missing with zeros, without a
    word."""
    size = path.stat().st_size
    block_rows, block_columns = dataset.block_shapes[0]
    per_band = dataset.interleaving == Interleaving.band
    for band in range(1, (dataset.count if per_band else 1) + 1):
        for row in range(-(-dataset.height // block_rows)):
            for column in range(-(-dataset.width // block_columns)):
                offset = dataset.get_tag_item(f"BLOCK_OFFSET_{column}_{row}", "TIFF", bidx=band)
                length = dataset.get_tag_item(f"BLOCK_SIZE_{column}_{row}", "TIFF", bidx=band)
                if offset is None or length is None:
                    raise SceneFormatError(f"{path.name}: its header promises more image than the file has")
                if int(offset) + int(length) > size:
                    raise SceneFormatError(
                        f"{path.name} is truncated: the image goes on to byte {int(offset) + int(length)}, "
                        f"the file has {size}"
                    )


def _facts(dataset: rasterio.DatasetReader, name: str) -> SceneFacts:
    tags = [{key.lower(): value for key, value in dataset.tags(band).items()} for band in dataset.indexes]
    wavelengths, units = _wavelengths(dataset, tags)
    nodata = dataset.nodata
    scaled = set(dataset.scales) != {1.0} or set(dataset.offsets) != {0.0}
    source = {
        "format": "GeoTIFF" if dataset.driver == "GTiff" else dataset.driver,
        "files": [name],
        "interleave": dataset.interleaving.value.lower(),
        "dtype": dataset.dtypes[0],
        "wavelength_units": units,
        "fwhm_nm": _band_widths(dataset),
        "scale_stated": "GDAL scale" if scaled else None,
        "unit": stated_unit(dataset.units[:1]),
        **stated_period(dataset.tags(ns="IMAGERY").get("ACQUISITIONDATETIME")),
    }
    return SceneFacts(
        wavelengths_nm=wavelengths,
        bad_bands=_bad_bands(tags),
        nodata=None if nodata is None or np.isnan(nodata) else float(nodata),
        georeference=georeference_of(dataset),
        source=source,
    )


def _wavelengths(
    dataset: rasterio.DatasetReader, tags: Sequence[Mapping[str, str]]
) -> tuple[Float64 | None, str | None]:
    """From the bands' own tags, else from GDAL's CENTRAL_WAVELENGTH_UM, else from the descriptions of the bands."""
    for name in tags[0]:
        named, unit = wavelength_unit(name)
        values = _numbers([tag.get(name) for tag in tags]) if named else None
        if values is not None:
            stated = tags[0].get("wavelength_units", dataset.tags().get("wavelength_units"))
            return wavelengths_in_nm(values, stated or unit)
    imagery = [dataset.tags(band, ns="IMAGERY").get("CENTRAL_WAVELENGTH_UM") for band in dataset.indexes]
    values = _numbers(imagery)
    if values is not None:
        return wavelengths_in_nm(values, "um")
    return wavelengths_of_names(dataset.descriptions, dataset.tags())


def _band_widths(dataset: rasterio.DatasetReader) -> list[float] | None:
    """From GDAL's FWHM_UM, in nanometres."""
    values = _numbers([dataset.tags(band, ns="IMAGERY").get("FWHM_UM") for band in dataset.indexes])
    return None if values is None else [round(1e3 * value, 6) for value in values]


def _bad_bands(tags: Sequence[Mapping[str, str]]) -> Bool | None:
    """From the tag ``bbl``: 0 is bad. A band without the tag is good."""
    values = _numbers([tag.get("bbl", "1") for tag in tags])
    if values is None or not any("bbl" in tag for tag in tags):
        return None
    return np.equal(values, 0)


def _numbers(texts: Sequence[str | None]) -> list[float] | None:
    """All as numbers, None unless every band has one: half a list says nothing reliable."""
    try:
        return [float(text) for text in texts if text is not None] if None not in texts else None
    except ValueError:
        return None
