"""Laws of the denoised pixels that endmembers are looked for in."""

import numpy as np
import pytest

from unmixing.algorithms.denoising import noise_variance
from unmixing.algorithms.endmembers import subspace
from unmixing.inference.denoised import denoised_pixels
from unmixing.inference.images import ArrayImage

BANDS = np.arange(60)


def halves(noise: float, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """An image of two materials with an edge between them, (20, 16, 60), without noise and with it."""
    rng = np.random.default_rng(seed)
    spectra = rng.random((2, 60)) + 0.5
    clean = np.where(np.arange(16)[None, :, None] < 8, spectra[0], spectra[1]) * np.ones((20, 1, 1))
    return clean, (clean + noise * rng.normal(size=clean.shape)).astype(np.float32)


def denoised(image: np.ndarray, valid: np.ndarray | None = None) -> np.ndarray:
    positions = np.arange(320) if valid is None else np.flatnonzero(valid)
    return denoised_pixels(ArrayImage(image), BANDS, positions, image.reshape(-1, 60)[positions])


def test_the_variance_of_the_noise_is_found():
    _, noisy = halves(0.05)
    pixels = noisy.reshape(-1, 60)
    assert noise_variance(pixels, subspace(pixels, 5)) == pytest.approx(0.05**2, rel=0.1)


def test_alike_neighbours_take_most_of_the_noise_and_edges_stay():
    clean, noisy = halves(0.05)
    error = denoised(noisy) - clean.reshape(-1, 60)
    assert np.sqrt((error**2).mean()) < 0.5 * 0.05
    beside_the_edge = error.reshape(20, 16, 60)[:, 7:9]
    assert np.abs(beside_the_edge.mean(axis=0)).max() < 0.05


def test_neighbours_without_data_do_not_count():
    _, noisy = halves(0.05)
    valid = np.ones((20, 16), dtype=bool)
    valid[5:9, 3:6] = False
    filled, emptied = noisy.copy(), noisy.copy()
    filled[~valid], emptied[~valid] = np.nan, 0.0
    np.testing.assert_array_equal(denoised(filled, valid), denoised(emptied, valid))
    assert np.isfinite(denoised(filled, valid)).all()


def test_noiseless_pixels_and_pixels_of_few_bands_stay_as_they_are():
    clean, noisy = halves(0.05)
    np.testing.assert_array_equal(denoised(clean.astype(np.float32)), clean.reshape(-1, 60).astype(np.float32))
    few = noisy[:, :, :12]
    pixels = few.reshape(-1, 12)
    np.testing.assert_array_equal(denoised_pixels(ArrayImage(few), np.arange(12), np.arange(320), pixels), pixels)
