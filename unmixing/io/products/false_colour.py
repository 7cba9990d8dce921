"""The picture of an image: three of its bands as red, green and blue."""

import numpy as np
import rasterio
from numpy.typing import NDArray

from unmixing.inference.images import Block
from unmixing.io.formats.gdal import georeference_optional, safe_gdal
from unmixing.io.products.result import picture_step
from unmixing.types import Bool, Float32, ImageInfo

FALSE_COLOUR = "false_colour.png"
"""Name of the file of a result."""

FALSE_COLOUR_NM = (860.0, 650.0, 550.0)
"""Near infrared, red, green: vegetation shows red, as on the infrared film this look comes from."""

NO_DATA_GREY = 232 / 255


def false_colour_bands(info: ImageInfo) -> tuple[NDArray[np.intp], str]:
    """Which bands are shown as red, green and blue, and the same in words."""
    used = np.flatnonzero(info.used_bands)
    if info.wavelengths_nm is None:
        bands = used[[-1 - len(used) // 6, len(used) // 2, len(used) // 6]]
        return bands, "bands " + ", ".join(str(band) for band in bands)
    wavelengths = info.wavelengths_nm[used]
    wanted = FALSE_COLOUR_NM
    if wavelengths.min() > min(wanted) + 50 or wavelengths.max() < max(wanted) - 50:
        wanted = tuple(np.quantile(wavelengths, [0.85, 0.5, 0.15]))
    bands = used[[int(np.abs(wavelengths - target).argmin()) for target in wanted]]
    return bands, ", ".join(f"{info.wavelengths_nm[band]:.0f}" for band in bands) + " nm"


class PictureRows:
    """Every so many pixels of three bands, gathered while blocks pass by."""

    def __init__(self, info: ImageInfo) -> None:
        self._bands = false_colour_bands(info)[0]
        self._step, self._shown = picture_step(info.shape), [np.empty((0, 0, 3), dtype=np.float32)]

    def add(self, block: Block) -> None:
        own = block.values[block.above : block.above + block.stop - block.start]
        self._shown.append(own[-block.start % self._step :: self._step, :: self._step, self._bands])

    def picture(self) -> Float32:
        """The bands as they are, (rows, columns, 3); ``stretched`` makes them a picture."""
        return np.concatenate([rows for rows in self._shown if rows.size] or self._shown)


def shown(bands: Float32, brightness: Float32) -> Float32:
    """The picture of an image that was unmixed. bands: as ``PictureRows`` gathered them. brightness: its map of all
    pixels, NaN where there is no answer."""
    step = picture_step((*brightness.shape[:2], 0))
    return stretched(bands, np.isfinite(brightness[::step, ::step]))


def stretched(picture: Float32, valid: Bool) -> Float32:
    """A picture (rows, columns, 3) in [0, 1], each channel from its 2nd to its 98th percentile over the valid pixels
    (rows, columns)."""
    shown = picture[valid] if valid.any() else np.zeros((1, 3), dtype=np.float32)
    low, high = np.percentile(shown, [2, 98], axis=0)
    result: Float32 = np.clip((picture - low) / np.where(high > low, high - low, 1.0), 0, 1).astype(np.float32)
    result[~valid] = NO_DATA_GREY
    return result


def png(picture: Float32) -> bytes:
    """A picture (rows, columns, 3) in [0, 1] as PNG."""
    rows, columns, _ = picture.shape
    levels = np.round(255 * picture).astype(np.uint8).transpose(2, 0, 1)
    with georeference_optional(), rasterio.Env(GDAL_PAM_ENABLED="NO"), rasterio.MemoryFile() as file:
        with file.open(driver="PNG", width=columns, height=rows, count=3, dtype="uint8") as dataset:
            dataset.write(levels)
        content: bytes = file.read()
    return content


def read_png(content: bytes) -> Float32:
    """The picture that ``png`` wrote. Raises SceneFormatError."""
    with (
        safe_gdal("the picture"),
        georeference_optional(),
        rasterio.MemoryFile(content) as file,
        file.open(driver="PNG") as dataset,
    ):
        levels = dataset.read(indexes=[1, 2, 3])
    picture: Float32 = levels.transpose(1, 2, 0).astype(np.float32) / 255
    return picture
