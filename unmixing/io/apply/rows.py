"""Rows of an image through a fitted method, into the files of the maps."""

import numpy as np

from unmixing.inference.apply import Maps, unmix_rows
from unmixing.inference.images import Block, Image, blanked
from unmixing.inference.reconstruction import ReconstructionMetrics
from unmixing.io.products.false_colour import false_colour_bands
from unmixing.io.products.maps import MapFiles
from unmixing.io.products.result import picture_step
from unmixing.pipeline import FittedMethod
from unmixing.progress import Progress
from unmixing.types import Float32, ImageInfo


class PictureRows:
    """Every so many pixels of three bands, gathered while blocks pass by."""

    def __init__(self, info: ImageInfo) -> None:
        self._bands = false_colour_bands(info)[0]
        self._step, self._shown = picture_step(info.shape), [np.empty((0, 0, 3), dtype=np.float32)]

    def add(self, block: Block) -> None:
        own = block.values[block.above : block.above + block.stop - block.start]
        self._shown.append(own[-block.start % self._step :: self._step, :: self._step, self._bands])

    def picture(self) -> Float32:
        """(rows, columns, 3), not stretched."""
        return np.concatenate([rows for rows in self._shown if rows.size] or self._shown)


def apply_to_rows(
    image: Image, fitted: FittedMethod, rows: tuple[int, int], maps: MapFiles, progress: Progress
) -> tuple[ReconstructionMetrics, Float32]:
    """Unmix ``rows`` (the first, the one after the last) of an image and write what is known of them; returns how far
    the reconstruction is off, and their part of the picture. Whatever goes wrong, ``progress`` raising included, leaves
    no thread."""
    shown = PictureRows(fitted.info)

    def write(block: Block, found: Maps) -> None:
        maps.write(block, found)
        shown.add(block)

    seen = blanked(image, fitted.info.fill_values)
    reconstruction = unmix_rows(seen, fitted.unmixer, fitted.info.used_bands, rows, write, progress)
    return reconstruction, shown.picture()
