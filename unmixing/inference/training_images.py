"""The pixels of an image that methods are fitted on: all of a small one, a sample of a large one."""

from collections.abc import Callable
from dataclasses import dataclass, fields, replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from unmixing.cubes import BandStatistics, in_order, usable, without
from unmixing.inference.denoised import denoised_pixels
from unmixing.inference.images import CubeImage, Image, blanked, described
from unmixing.inference.sampling import SAMPLE_PIXELS, draw_keys, draw_sample, lowest
from unmixing.progress import Progress, part_of
from unmixing.screening.fill import FillSearch
from unmixing.screening.noise import noise_bands
from unmixing.types import Cube, Float32, GivenEndmembers, ImageInfo
from unmixing.warnings.reading import reading_warnings
from unmixing.warnings.table import merged

TRAINING_VALUES = 16_000_000
"""Numbers of an image that methods are fitted on at most: 80,000 pixels of 200 bands."""

WINDOW_SIDE = 64
"""Side, in pixels, of the windows that a method which looks at neighbours is fitted on."""


@dataclass(frozen=True, eq=False)
class TrainingImage:
    """An image made ready for fitting.

    info: which of its bands are used, and what else is known. cube: the image itself, or a column of sampled pixels.
    positions: row * columns + column of the cube's valid pixels, in their order. whole: whether the cube is the image.
    given: endmembers that are known, over the used bands.
    """

    image: Image
    info: ImageInfo
    cube: Cube
    positions: NDArray[np.int64]
    whole: bool
    given: GivenEndmembers | None = None

    def sample(self) -> Float32:
        """The pixels from which a model estimates endmembers, (n_sample, bands), 0 where there is no data."""
        pixels = self.cube.values[self.cube.valid_pixels][lowest(draw_keys(self.positions), SAMPLE_PIXELS)]
        return np.nan_to_num(pixels)

    @cached_property
    def denoised(self) -> Float32:
        """The pixels that endmembers are looked for in, over the used bands (``denoised_pixels``)."""
        image = CubeImage(self.cube) if self.whole else self.image
        return denoised_pixels(image, np.flatnonzero(self.info.used_bands), self.positions, self.cube.pixels())

    @cached_property
    def windows(self) -> Cube:
        """For methods that look at neighbours: the image itself, or windows of it, one below the other."""
        if self.whole:
            return self.cube
        return _windows(self.image, self.info, len(self.positions))


def training_image(image: Image, progress: Progress, max_values: int = TRAINING_VALUES) -> TrainingImage:
    """Read what is needed of the image: once when it is small; else its bands are looked at first, then sampled.

    Raises SceneContentError when nothing can be unmixed, and what reading raises.
    """
    rows, columns, bands = image.shape
    if rows * columns * bands <= max_values:
        progress(0.0, "reading the image")
        cube = image.read()
        image = blanked(image, cube.fill_values)
        return TrainingImage(image, cube, cube, np.flatnonzero(cube.valid_pixels), whole=True)
    info = image_info(image, part_of(progress, 0.0, 0.5))
    image, used = blanked(image, info.fill_values), np.flatnonzero(info.used_bands)
    positions, pixels = draw_sample(image, used, max(SAMPLE_PIXELS, max_values // bands), part_of(progress, 0.5, 1.0))
    noisy = () if image.bands_chosen else noise_bands(pixels[:, used], used, info.wavelengths_nm)
    if noisy:
        dropped = in_order(info.dropped_bands, noisy)
        info = replace(info, dropped_bands=dropped, used_bands=without(bands, dropped))
    used = np.flatnonzero(info.used_bands)
    info = replace(info, warnings=merged(info.warnings, reading_warnings(pixels[:, used], used, info.wavelengths_nm)))
    cube = _cube_of(info, pixels[:, None, :], np.ones((len(pixels), 1), dtype=bool))
    return TrainingImage(image, info, cube, positions, whole=False)


def image_info(image: Image, progress: Progress) -> ImageInfo:
    """Which bands of an image of any size can be used, by a look at all of its blocks; by a second one where the first
    has found fill values."""
    if isinstance(image, CubeImage):
        return image.cube
    search = FillSearch(image.shape[2], image.scale)
    statistics = _band_statistics(image, search.add, progress)
    if fills := search.found():
        statistics = _band_statistics(blanked(image, fills), None, progress)
    statistics.require_content()
    dropped = statistics.dropped_bands()
    used = without(image.shape[2], dropped)
    return replace(described(image, used), dropped_bands=dropped, fill_values=fills)


def _band_statistics(image: Image, look: Callable[[Float32], None] | None, progress: Progress) -> BandStatistics:
    statistics = BandStatistics(image.shape[2], image.bad_bands)
    for block in image.scaled_blocks():
        if look is not None:
            look(block.values)
        statistics.add(block.values)
        progress(block.stop / image.shape[0], "looking at the bands")
    return statistics


def _cube_of(info: ImageInfo, values: Float32, valid: NDArray[np.bool_]) -> Cube:
    known = {field.name: getattr(info, field.name) for field in fields(ImageInfo)}
    return Cube(**{**known, "shape": values.shape, "values": values, "valid_pixels": valid})


def _windows(image: Image, info: ImageInfo, n_pixels: int) -> Cube:
    """Random square windows of the image with about ``n_pixels`` in all, stacked, (k * side, side, bands)."""
    rows, columns, bands = image.shape
    height, width = min(rows, WINDOW_SIDE), min(columns, WINDOW_SIDE)
    n_windows = max(1, n_pixels // (height * width))
    rng = np.random.default_rng(0)
    tops = np.sort(rng.integers(rows - height + 1, size=n_windows))
    lefts = rng.integers(columns - width + 1, size=n_windows)
    offsets = (np.arange(height)[:, None] * columns + np.arange(width)).ravel()
    read = [
        image.read_pixels(top, top + height, left + offsets).reshape(height, width, bands)
        for top, left in zip(tops.tolist(), lefts.tolist(), strict=True)
    ]
    values = np.concatenate(read)
    valid = usable(values.reshape(-1, bands), np.flatnonzero(info.used_bands)).reshape(values.shape[:2])
    return _cube_of(info, values, valid)
