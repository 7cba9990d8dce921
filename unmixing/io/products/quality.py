"""Map of what speaks against single pixels."""

from unmixing.inference.quality import MEANING, QualityFlag
from unmixing.io.products.rasters import Raster, RasterBand
from unmixing.io.products.result import ImageResult


def quality_map(result: ImageResult) -> Raster:
    """Bits of ``QualityFlag``; the file's metadata says each: ``BIT_0`` to ``BIT_3``."""
    assert result.unmixing.quality is not None  # the table asks first
    tags = {f"BIT_{flag.bit_length() - 1}": f"{flag.value}: {said}" for flag, said in MEANING.items()}
    band = RasterBand("quality", "bits: " + "; ".join(tags.values()))
    return Raster(result.unmixing.quality[:, :, None], (band,), nodata=None, tags=tags, fill=QualityFlag.MASKED)
