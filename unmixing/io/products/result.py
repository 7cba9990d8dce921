"""A finished unmixing of an image, as its products are made of it."""

from dataclasses import dataclass
from importlib.util import find_spec

import numpy as np

from unmixing.types import Bool, Float32, ImageInfo, Unmixing

MAX_PICTURE_SIDE = 900
"""Pixels of a picture at most; of larger images every so many pixels are shown."""


@dataclass(frozen=True, eq=False)
class ImageResult:
    """unmixing: its maps may lie in files. info: of the image. picture: the image in false colour, every
    ``picture_step``-th pixel, (rows, columns, 3) in [0, 1]; None of a result whose image is not at hand."""

    unmixing: Unmixing
    info: ImageInfo
    picture: Float32 | None

    @property
    def picture_step(self) -> int:
        return picture_step(self.info.shape)

    def pictured_pixels(self) -> Bool:
        """Which pixels of the picture are valid, (rows, columns)."""
        step = self.picture_step
        return np.isfinite(self.unmixing.brightness[::step, ::step])

    def n_masked(self) -> int:
        """Pixels without an answer."""
        return sum(int(np.isnan(row).sum()) for row in self.unmixing.brightness)


def picture_step(shape: tuple[int, int, int]) -> int:
    """Every so many pixels of an image (rows, columns, bands) one is shown."""
    return -(-max(shape[:2]) // MAX_PICTURE_SIDE)


def mean_of_shown(values: Float32, shape: tuple[int, int, int]) -> float:
    """Mean over the pixels of a map (rows, columns) that a picture shows; NaN where none has an answer."""
    step = picture_step(shape)
    shown = values[::step, ::step]
    known = shown[np.isfinite(shown)]
    return float(known.mean(dtype=np.float64)) if known.size else float("nan")


def can_draw() -> bool:
    """Whether there is something to draw pictures with: without the extra ``plot`` a result has none."""
    return find_spec("matplotlib") is not None
