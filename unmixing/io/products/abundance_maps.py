"""Maps with one band per endmember."""

from unmixing.io.products.rasters import Raster, RasterBand
from unmixing.io.products.result import ImageResult

SHARES = {
    "area": "share of the pixel's lit area",
    "shape": "share of the pixel's spectrum, endmembers counted at norm 1",
}
"""Meaning of an abundance, by what abundances are shares of."""


def abundance_maps(result: ImageResult) -> Raster:
    """One band per endmember, by its name."""
    unmixing = result.unmixing
    said = SHARES[unmixing.abundances_of]
    bands = tuple(RasterBand(name, f"abundance of {name}: {said}") for name in unmixing.endmember_names)
    return Raster(unmixing.abundances, bands, tags={"ABUNDANCES_OF": unmixing.abundances_of})


def uncertainty_maps(result: ImageResult) -> Raster:
    """One band per endmember, the standard deviation of its abundance."""
    unmixing = result.unmixing
    assert unmixing.uncertainty is not None  # the table asks first
    said = SHARES[unmixing.abundances_of]
    names = unmixing.endmember_names
    bands = tuple(RasterBand(name, f"standard deviation of the abundance of {name} ({said})") for name in names)
    return Raster(unmixing.uncertainty, bands, tags={"ABUNDANCES_OF": unmixing.abundances_of})
