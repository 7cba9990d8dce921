"""The pixels that stand for an image: found block by block, the same whatever the order of the blocks."""

import numpy as np
from numpy.typing import NDArray

from unmixing.cubes import usable
from unmixing.errors import BandMismatchError, SceneContentError
from unmixing.inference.images import Image
from unmixing.progress import Progress
from unmixing.types import Float32

SAMPLE_PIXELS = 4_096
"""Pixels from which a model estimates endmembers, at most."""


def sample_of(pixels: Float32, n_pixels: int = SAMPLE_PIXELS) -> Float32:
    """The pixels that stand for the image: all of a small one, else the same random choice every time."""
    return pixels[sample_indices(len(pixels), n_pixels)]


def sample_indices(n_all: int, n_pixels: int = SAMPLE_PIXELS) -> slice | NDArray[np.intp]:
    """Which of ``n_all`` pixels stand for the image; see ``sample_of``."""
    if n_all <= n_pixels:
        return slice(None)
    return np.sort(np.random.default_rng(0).choice(n_all, size=n_pixels, replace=False))


def draw_keys(positions: NDArray[np.integer]) -> NDArray[np.uint64]:
    """A number for each position (row * columns + column), as good as random but always the same (SplitMix64)."""
    keys = positions.astype(np.uint64) * np.uint64(0x9E3779B97F4A7C15)
    for shift, factor in ((30, 0xBF58476D1CE4E5B9), (27, 0x94D049BB133111EB)):
        keys = (keys ^ (keys >> np.uint64(shift))) * np.uint64(factor)
    mixed: NDArray[np.uint64] = keys ^ (keys >> np.uint64(31))
    return mixed


def lowest(keys: NDArray[np.uint64], n: int) -> NDArray[np.intp]:
    """Where the ``n`` lowest keys are, in the order of the keys' positions."""
    if len(keys) <= n:
        return np.arange(len(keys))
    chosen: NDArray[np.intp] = np.sort(np.argpartition(keys, n - 1)[:n])
    return chosen


class PixelSample:
    """The valid pixels with the lowest keys, so that the sample of an image needs no count of its pixels beforehand.

    n_bands: of the image. used_bands: the indices of those that must have data. n_pixels: how many at most.
    """

    def __init__(self, n_bands: int, used_bands: NDArray[np.intp], n_pixels: int) -> None:
        self._used, self._n_pixels = used_bands, n_pixels
        self._pixels: list[Float32] = [np.empty((0, n_bands), dtype=np.float32)]
        self._positions: list[NDArray[np.int64]] = [np.empty(0, dtype=np.int64)]
        self._n_held, self._highest = 0, np.uint64(2**64 - 1)
        self._bands_with_data = np.zeros(n_bands, dtype=bool)

    def candidates(self, positions: NDArray[np.int64]) -> NDArray[np.intp]:
        """Which of ``positions`` (row * columns + column) can still enter the sample."""
        return np.flatnonzero(draw_keys(positions) <= self._highest)

    def add(self, positions: NDArray[np.int64], pixels: Float32) -> None:
        """Take from ``pixels`` (n, n_bands) those that are valid and have lower keys; ``positions`` come in order."""
        valid = usable(pixels, self._used)
        if not self._n_held:
            self._bands_with_data |= np.isfinite(pixels).any(axis=0)
        self._pixels.append(pixels[valid])
        self._positions.append(positions[valid])
        self._n_held += int(valid.sum())
        if self._n_held > self._n_pixels + self._n_pixels // 4:
            self._keep_lowest()

    def _keep_lowest(self) -> None:
        positions = np.concatenate(self._positions)
        keys = draw_keys(positions)
        chosen = lowest(keys, self._n_pixels)
        if len(chosen) == self._n_pixels:
            self._highest = keys[chosen].max()
        self._pixels = [np.concatenate(self._pixels)[chosen]]
        self._positions, self._n_held = [positions[chosen]], len(chosen)

    @property
    def is_full(self) -> bool:
        """Whether only pixels of lower keys can still enter."""
        return self._n_held >= self._n_pixels

    def take(self, other: "PixelSample") -> None:
        """Take in the sample of other pixels of the same image."""
        self._bands_with_data |= other._bands_with_data
        self._pixels += other._pixels
        self._positions += other._positions
        self._n_held += other._n_held
        self._keep_lowest()

    def result(self) -> tuple[NDArray[np.int64], Float32]:
        """Positions, in order, and their pixels (n, n_bands), 0 where there is no data.

        Raises BandMismatchError when a used band has no data anywhere, SceneContentError when no pixel is valid.
        """
        self._keep_lowest()
        if not self._n_held:
            empty = self._used[~self._bands_with_data[self._used]]
            if len(empty) and len(empty) < len(self._used):
                raise BandMismatchError(f"band {empty[0]} (counted from 0) is needed, and has no data in this image")
            raise SceneContentError(f"no pixel has data in all of the {len(self._used)} bands that are used")
        order = np.argsort(self._positions[0], kind="stable")
        return self._positions[0][order], np.nan_to_num(self._pixels[0][order], copy=False, posinf=0.0, neginf=0.0)


def draw_sample(
    image: Image, used_bands: NDArray[np.intp], n_pixels: int, progress: Progress
) -> tuple[NDArray[np.int64], Float32]:
    """Up to ``n_pixels`` of the image's valid pixels; see ``PixelSample.result``."""
    columns, sample = image.shape[1], PixelSample(image.shape[2], used_bands, n_pixels)
    for start, stop in image.windows():
        positions = np.arange(start * columns, stop * columns)
        chosen = sample.candidates(positions)
        if len(chosen):
            sample.add(positions[chosen], image.read_pixels(start, stop, chosen))
        progress(stop / image.shape[0], "choosing a sample of the image")
    return sample.result()
