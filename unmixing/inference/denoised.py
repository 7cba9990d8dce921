"""Pixels of an image without most of the sensor's noise: what endmembers are looked for in."""

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from unmixing.algorithms.denoising import HALF_SIDE, noise_variance, non_local_mean
from unmixing.algorithms.endmembers import SUBSPACE_DIMENSIONS, subspace
from unmixing.cubes import usable
from unmixing.inference.images import Image
from unmixing.inference.sampling import draw_keys, lowest
from unmixing.types import Float32, Float64

DENOISED_PIXELS = 40_000
"""Pixels that endmembers are looked for in, at most."""

PIXELS_AT_A_TIME = 4_096


def denoised_pixels(
    image: Image, used_bands: NDArray[np.intp], positions: NDArray[np.int64], pixels: Float32
) -> Float32:
    """Pixels averaged with their alike neighbours (``non_local_mean``), in the pixels' leading subspace.

    positions: row * columns + column of ``pixels`` (n_pixels, n_used_bands), of which at most DENOISED_PIXELS are
    taken. used_bands: their indices. Returns (n_taken, n_used_bands); the pixels as they are where no noise is found.
    """
    chosen = lowest(draw_keys(positions), DENOISED_PIXELS)
    positions, taken = positions[chosen], pixels[chosen]
    basis = subspace(taken, SUBSPACE_DIMENSIONS)
    variance = noise_variance(taken, basis)
    if variance == 0:
        return taken
    order = np.argsort(positions, kind="stable")
    found = np.empty((len(taken), len(basis)))
    for block in _blocks(image, positions[order]):
        rows = order[block]
        neighbours, has_data = _neighbours(image, used_bands, positions[rows], basis)
        found[rows] = non_local_mean(np.asarray(taken[rows] @ basis.T, np.float64), neighbours, has_data, variance)
    denoised: Float32 = (found @ basis).astype(np.float32)
    return denoised


def _blocks(image: Image, positions: NDArray[np.int64]) -> Iterator[slice]:
    """Ranges of the sorted ``positions`` that lie in one block of the image each, PIXELS_AT_A_TIME at most."""
    columns = image.shape[1]
    for start, stop in image.windows():
        first, last = np.searchsorted(positions, (start * columns, stop * columns)).tolist()
        for begin in range(first, last, PIXELS_AT_A_TIME):
            yield slice(begin, min(begin + PIXELS_AT_A_TIME, last))


def _neighbours(
    image: Image, used_bands: NDArray[np.intp], positions: NDArray[np.int64], basis: Float64
) -> tuple[Float64, NDArray[np.bool_]]:
    """The pixels around ``positions``, seen from the subspace: (n_neighbours, n_pixels, n_dimensions), and where there
    is one with data, (n_neighbours, n_pixels)."""
    rows, columns, _ = image.shape
    offsets = [
        (down, right)
        for down in range(-HALF_SIDE, HALF_SIDE + 1)
        for right in range(-HALF_SIDE, HALF_SIDE + 1)
        if (down, right) != (0, 0)
    ]
    down, right = np.array(offsets).T[:, :, None]
    row, column = positions // columns + down, positions % columns + right
    inside = (row >= 0) & (row < rows) & (column >= 0) & (column < columns)
    wanted, places = np.unique(np.where(inside, row * columns + column, positions), return_inverse=True)
    top, bottom = int(wanted[0]) // columns, int(wanted[-1]) // columns + 1
    read = image.read_pixels(top, bottom, wanted - top * columns)
    valid = usable(read, used_bands)
    seen = np.asarray(np.where(valid[:, None], read[:, used_bands], 0.0) @ basis.T, dtype=np.float64)
    places = places.reshape(inside.shape)
    return seen[places], inside & valid[places]
