"""Whether a scene is worth a job, found out early and cheaply."""

import numpy as np
from numpy.typing import NDArray

from unmixing.errors import SceneContentError, SpecError
from unmixing.io.formats.reader import BLOCK_BYTES, SceneReader
from unmixing.types import Bool

MIN_BANDS = 2
MIN_ENDMEMBERS = 2
MAX_BYTES_IN_MEMORY = 256 * 2**20
"""Reading takes up to three times as much, and several uploads are read at a time."""


def check_scene(reader: SceneReader, n_endmembers: int | None) -> None:
    """Raise when the scene certainly cannot be unmixed: all NaN, constant, one band, too few pixels or bands.

    A scene of one block is checked as the job itself will. Of a larger one just enough is read to see that it
    has content; what only the whole scene shows is left to the job, and so is all content of a scene above
    ``MAX_BYTES_IN_MEMORY`` in a format that can only be read whole (MATLAB 5).

    Raises SceneContentError for the scene, SpecError for an ``n_endmembers`` it is too small for,
    SceneFormatError for a damaged file.
    """
    rows, columns, bands = reader.shape
    if bands < MIN_BANDS:
        raise SceneContentError(f"unmixing needs at least {MIN_BANDS} bands; the scene has {bands}")
    n_bytes = rows * columns * bands * reader.dtype.itemsize
    if n_bytes <= BLOCK_BYTES:
        cube = reader.read()
        _require_enough(n_endmembers, int(cube.valid_pixels.sum()), int(cube.used_bands.sum()))
    elif not reader.in_memory or n_bytes <= MAX_BYTES_IN_MEMORY:
        _scan(reader, n_endmembers)


def _require_enough(n_endmembers: int | None, n_pixels: int, n_bands: int) -> None:
    needed = n_endmembers or MIN_ENDMEMBERS
    if n_pixels < MIN_ENDMEMBERS:
        raise SceneContentError(
            f"the scene has {n_pixels} pixel(s) with data; unmixing needs at least {MIN_ENDMEMBERS}"
        )
    if n_pixels < needed:
        raise SpecError(f"n_endmembers is {needed}, but the scene has only {n_pixels} pixels with data")
    if n_bands < needed:
        raise SpecError(f"n_endmembers is {needed}, but the scene has only {n_bands} bands that can be used")


def _scan(reader: SceneReader, n_endmembers: int | None) -> None:
    """Read blocks until there are enough pixels with data and enough bands that vary."""
    needed = n_endmembers or MIN_ENDMEMBERS
    good = np.ones(reader.shape[2], dtype=bool) if reader.bad_bands is None else ~reader.bad_bands
    lowest = np.full(reader.shape[2], np.inf)
    highest = np.full(reader.shape[2], -np.inf)
    n_pixels = 0
    for block in reader.blocks():
        present = _present(block, reader.nodata) & good
        n_pixels += int(present.any(axis=2).sum())
        lowest = np.minimum(lowest, np.where(present, block, np.inf).min(axis=(0, 1)))
        highest = np.maximum(highest, np.where(present, block, -np.inf).max(axis=(0, 1)))
        n_varying = int((highest > lowest).sum())
        brightest = (highest if reader.scale > 0 else -lowest).max()
        if n_pixels >= needed and n_varying >= max(needed, MIN_BANDS) and brightest > 0:
            return
    if n_pixels == 0:
        raise SceneContentError("the scene has no data: every pixel is NaN, infinite, zero or nodata")
    if n_varying < MIN_BANDS:
        raise SceneContentError(f"the scene is constant: only {n_varying} of its bands have more than one value")
    if brightest <= 0:
        raise SceneContentError(
            f"the scene is nowhere positive: {brightest * abs(reader.scale):g} is its largest value; reflectance and "
            "radiance are"
        )
    _require_enough(n_endmembers, n_pixels, n_varying)


def _present(block: NDArray[np.generic], nodata: float | None) -> Bool:
    """Which numbers are data. A pixel that is zero in all bands is the frame around a scene, not part of it."""
    present: Bool = np.isfinite(block) & (block != 0).any(axis=2, keepdims=True)
    if nodata is not None:
        present &= block != nodata
    return present
