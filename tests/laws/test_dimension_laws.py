"""The number of endmembers: right on clear mixtures, under noise, shading and with few pixels or bands."""

import numpy as np
import pytest

from unmixing.algorithms.dimension import count_endmembers

N_BANDS = 60


def mixtures(n_endmembers: int, *, noise: float = 0.0, n_pixels: int = 1500, n_bands: int = N_BANDS, seed: int = 0):
    rng = np.random.default_rng(seed)
    axis = np.linspace(0, 1, n_bands)
    centres = (np.arange(n_endmembers) + 0.5) / n_endmembers
    endmembers = 0.2 + np.exp(-(((axis - centres[:, None]) / 0.12) ** 2))
    pixels = rng.dirichlet(np.full(n_endmembers, 0.5), size=n_pixels) @ endmembers
    shading = rng.uniform(0.5, 1.5, size=(n_pixels, 1))
    return shading * pixels + noise * rng.normal(size=pixels.shape)


@pytest.mark.parametrize("n_endmembers", [2, 3, 5])
def test_the_number_is_found_under_shading_and_noise(n_endmembers):
    count = count_endmembers(mixtures(n_endmembers, noise=0.005), np.random.default_rng(1))
    assert count.n_endmembers == n_endmembers
    assert 0 < count.certainty <= 1
    assert len(count.residuals) == 10


def test_never_more_than_pixels_or_bands_and_at_least_two():
    assert count_endmembers(mixtures(3, n_pixels=40, n_bands=2), np.random.default_rng(0)).n_endmembers == 2
    assert count_endmembers(mixtures(3, n_pixels=3, noise=0.1), np.random.default_rng(0)).n_endmembers <= 3
    assert count_endmembers(mixtures(2)[:1], np.random.default_rng(0)).n_endmembers == 2
