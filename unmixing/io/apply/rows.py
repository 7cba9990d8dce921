"""Rows of an image through a fitted method, into the files of the maps."""

from unmixing.inference.apply import Maps, unmix_rows
from unmixing.inference.images import Block, Image, blanked
from unmixing.inference.reconstruction import ReconstructionMetrics
from unmixing.inference.resampling import at_model_bands
from unmixing.io.products.false_colour import PictureRows
from unmixing.io.products.maps import MapFiles
from unmixing.pipeline import FittedMethod
from unmixing.progress import Progress
from unmixing.types import Float32


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

    seen = at_model_bands(blanked(image, fitted.info.fill_values), fitted.model)
    reconstruction = unmix_rows(seen, fitted.unmixer, fitted.info.used_bands, rows, write, progress)
    return reconstruction, shown.picture()
