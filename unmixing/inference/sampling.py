"""The pixels that stand for a scene, and the sums over it, found block by block in any order of blocks."""

import numpy as np
from numpy.typing import NDArray

from unmixing.inference.runtime import SAMPLE_PIXELS
from unmixing.types import Bool, Float32


def draw_keys(positions: NDArray[np.integer]) -> NDArray[np.uint64]:
    """A number for each position (row * columns + column), as good as random but always the same (SplitMix64)."""
    keys = positions.astype(np.uint64) * np.uint64(0x9E3779B97F4A7C15)
    for shift, factor in ((30, 0xBF58476D1CE4E5B9), (27, 0x94D049BB133111EB)):
        keys = (keys ^ (keys >> np.uint64(shift))) * np.uint64(factor)
    mixed: NDArray[np.uint64] = keys ^ (keys >> np.uint64(31))
    return mixed


def lowest(keys: NDArray[np.uint64], n: int = SAMPLE_PIXELS) -> NDArray[np.intp]:
    """Where the ``n`` lowest keys are, in the order of the keys' positions."""
    if len(keys) <= n:
        return np.arange(len(keys))
    chosen: NDArray[np.intp] = np.sort(np.argpartition(keys, n - 1)[:n])
    return chosen


def usable(pixels: Float32, used_bands: NDArray[np.intp]) -> Bool:
    """Which pixels (n_pixels, n_bands) have data in all used bands, and are not the zeros of a frame: (n_pixels,)."""
    used = pixels if len(used_bands) == pixels.shape[1] else pixels[:, used_bands]
    # The sum of squares says it in one pass, but for numbers whose squares are too large or too small.
    with np.errstate(over="ignore", invalid="ignore", under="ignore"):
        squares = np.einsum("nb,nb->n", used, used)
    valid: Bool = np.isfinite(squares) & (squares > 0)
    unsure = np.flatnonzero(~valid)
    valid[unsure] = np.isfinite(used[unsure]).all(axis=1) & (used[unsure] != 0).any(axis=1)
    return valid


class Sample:
    """The valid pixels with the lowest keys, so that a scene's sample needs no count of its pixels beforehand."""

    def __init__(self, n_bands: int, used_bands: NDArray[np.intp]) -> None:
        self.pixels: Float32 = np.empty((0, n_bands), dtype=np.float32)
        self._used, self._positions = used_bands, np.empty(0, dtype=np.int64)

    def candidates(self, positions: NDArray[np.int64]) -> NDArray[np.intp]:
        """Which of ``positions`` can still enter the sample."""
        keys = draw_keys(positions)
        if len(self.pixels) < SAMPLE_PIXELS:
            return np.arange(len(keys))
        return np.flatnonzero(keys < draw_keys(self._positions).max())

    def add(self, positions: NDArray[np.int64], pixels: Float32) -> None:
        """Take from ``pixels`` (n, n_bands) those that are valid and have lower keys; ``positions`` come in order."""
        valid = usable(pixels, self._used)
        everywhere = np.concatenate([self._positions, positions[valid]])
        chosen = lowest(draw_keys(everywhere))
        self._positions = everywhere[chosen]
        self.pixels = np.concatenate([self.pixels, np.nan_to_num(pixels[valid])])[chosen]
