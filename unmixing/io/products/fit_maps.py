"""Maps of how bright every pixel is, and of how well it is fitted."""

from unmixing.io.products.rasters import Raster, RasterBand
from unmixing.io.products.result import ImageResult
from unmixing.specs import AbundancesOf
from unmixing.types import ImageInfo


def brightness_map(result: ImageResult) -> Raster:
    """The factor between a pixel and its mixture."""
    unmixing = result.unmixing
    unit = brightness_unit(unmixing.abundances_of, result.info)
    band = RasterBand("brightness", "factor by which abundances @ endmembers comes nearest to the pixel", unit)
    return Raster(unmixing.brightness[:, :, None], (band,), tags={"ABUNDANCES_OF": unmixing.abundances_of})


def residual_map(result: ImageResult) -> Raster:
    """Residual of every pixel, in the units of the image."""
    assert result.unmixing.residual is not None  # the table asks first
    said = "root mean square over the used bands of pixel minus brightness x abundances @ endmembers"
    band = RasterBand("residual", said, image_unit(result.info))
    return Raster(result.unmixing.residual[:, :, None], (band,))


def brightness_unit(abundances_of: AbundancesOf, info: ImageInfo) -> str | None:
    """The unit of brightness, None where nobody knows it: in ``shape``, whose endmembers have norm 1, the image's."""
    return "1" if abundances_of == "area" else image_unit(info)


def image_unit(info: ImageInfo) -> str | None:
    """The unit of the image's numbers where its file says it."""
    unit: str | None = info.source.get("unit")
    return unit
