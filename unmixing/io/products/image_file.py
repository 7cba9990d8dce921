"""The image itself beside its maps, so that a pixel's spectrum can be looked at against its reconstruction."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np
from numpy.lib import format as npy_format

from unmixing.inference.images import Image, blanked
from unmixing.types import FillValue

IMAGE = "image.npy"

MEDIA_TYPE = "application/x-npy"

MAX_IMAGE_BYTES = 64 * 2**20
"""Larger images are not kept: a result would be many times as large as its maps."""


def write_image(
    folder: Path, image: Image, fill_values: tuple[FillValue, ...], limit: int = MAX_IMAGE_BYTES
) -> Mapping[str, str]:
    """Write the image as it was computed on, (rows, columns, bands) float32, scaled, NaN where there is no data.

    Returns name -> media type, of nothing where it takes more than ``limit`` bytes.
    """
    if 4 * int(np.prod(image.shape)) > limit:
        return {}
    with (folder / IMAGE).open("wb") as file:
        header = {"descr": "<f4", "fortran_order": False, "shape": tuple(int(size) for size in image.shape)}
        npy_format.write_array_header_1_0(file, header)
        for block in blanked(image, fill_values).scaled_blocks():
            file.write(np.ascontiguousarray(block.values, dtype="<f4").data)
    return {IMAGE: MEDIA_TYPE}
