"""Maps of how bright every pixel is, and of how well it is fitted."""

from unmixing.io.products.rasters import Raster, RasterBand
from unmixing.io.products.result import ImageResult


def brightness_map(result: ImageResult) -> Raster:
    """The factor between a pixel and its mixture; in ``shape``, whose endmembers have norm 1, in the image's unit."""
    unmixing = result.unmixing
    unit = "1" if unmixing.abundances_of == "area" else image_unit(result)
    band = RasterBand("brightness", "factor by which abundances @ endmembers comes nearest to the pixel", unit)
    return Raster(unmixing.brightness[:, :, None], (band,), tags={"ABUNDANCES_OF": unmixing.abundances_of})


def residual_map(result: ImageResult) -> Raster:
    """Residual of every pixel, in the units of the image."""
    assert result.unmixing.residual is not None  # the table asks first
    said = "root mean square over the used bands of pixel minus brightness x abundances @ endmembers"
    band = RasterBand("residual", said, image_unit(result))
    return Raster(result.unmixing.residual[:, :, None], (band,))


def image_unit(result: ImageResult) -> str | None:
    """The unit of the image's numbers where its file says it."""
    unit: str | None = result.info.source.get("unit")
    return unit
