"""Law of every row of METHODS: no other factor per pixel brings brightness x abundances @ endmembers nearer to it."""

import numpy as np
import pytest

from unmixing import unmix
from unmixing.algorithms.abundances import best_brightness
from unmixing.methods import METHODS
from unmixing.specs import UnmixSpec

ROWS, COLUMNS, BANDS, N_ENDMEMBERS = 16, 16, 40, 4


def scene(norms, deviation):
    """Four smooth materials of these norms under light of this logarithmic deviation, noisy, with one band dropped."""
    rng = np.random.default_rng(2)
    axis = np.linspace(0, 1, BANDS)
    spectra = np.stack([0.1 + np.exp(-(((axis - peak) / 0.2) ** 2)) for peak in (0.1, 0.4, 0.6, 0.9)])
    spectra *= np.array(norms)[:, None] / np.linalg.norm(spectra, axis=1, keepdims=True)
    abundances = rng.dirichlet(np.full(N_ENDMEMBERS, 0.4), size=ROWS * COLUMNS)
    abundances[:8] = np.repeat(np.eye(N_ENDMEMBERS), 2, axis=0)
    brightness = np.exp(deviation * rng.standard_normal((ROWS * COLUMNS, 1)))
    noise = 0.01 * np.median(norms) * rng.standard_normal((ROWS * COLUMNS, BANDS))
    cube = (brightness * (abundances @ spectra) + noise).reshape(ROWS, COLUMNS, BANDS).astype(np.float32)
    cube[:, :, 7] = np.nan
    return cube


SCENES = {
    "strong relief": ((1.0, 1.0, 1.0, 1.0), 0.8),
    "bright and dark materials": ((2.0, 1.0, 0.3, 0.1), 0.02),
}


@pytest.mark.parametrize("name", sorted(SCENES))
@pytest.mark.parametrize("method", sorted(METHODS))
def test_no_other_brightness_fits_better(method, name):
    cube = scene(*SCENES[name])
    result = unmix(cube, UnmixSpec(n_endmembers=N_ENDMEMBERS, method=method, seed=1, max_training_seconds=0.3))
    used = np.isfinite(result.endmembers).all(axis=0)
    pixels = cube.reshape(-1, BANDS)[:, used].astype(np.float64)
    mixed = result.abundances.reshape(-1, N_ENDMEMBERS) @ result.endmembers[:, used].astype(np.float64)
    best = np.maximum((pixels * mixed).sum(axis=1), 0) / (mixed**2).sum(axis=1)
    left, least = (
        ((pixels - factor[:, None] * mixed) ** 2).sum(axis=1) for factor in (result.brightness.ravel(), best)
    )
    # A pixel that is an endmember is rebuilt up to the rounding of float32.
    rounding = 1e-12 * (pixels**2).sum(axis=1)
    assert (left <= 1.01 * least + rounding).all(), (left / least).max()


def test_the_best_brightness_of_pixels_that_are_multiples_of_their_mixture_is_that_multiple():
    rng = np.random.default_rng(0)
    abundances, endmembers = rng.dirichlet(np.ones(3), 50), rng.random((3, 12))
    factors = rng.random(50)
    factors[0] = 0.0
    found = best_brightness(factors[:, None] * (abundances @ endmembers), abundances, endmembers)
    np.testing.assert_allclose(found, factors, atol=1e-12)
    assert best_brightness(-endmembers[:1], np.eye(3)[:1], endmembers) == 0
    assert best_brightness(endmembers[:1], np.eye(3)[:1], 0 * endmembers) == 0
