"""Laws of the simplex beyond the pixels: found where no pixel is pure, and never believed elsewhere."""

import numpy as np
import pytest

from unmixing.algorithms.bundles import Bundles, extract_bundles
from unmixing.algorithms.endmembers import unit_norm
from unmixing.algorithms.metrics import match_endmembers, sad_radians
from unmixing.simulation.simplex import beyond_the_pixels

N_BANDS = 80


def scene(seed: int, largest_share: float, drift: float = 0.0) -> tuple[np.ndarray, np.ndarray]:
    """Pixels of three materials of which none holds more than ``largest_share``, and the endmembers."""
    rng = np.random.default_rng(seed)
    knots = np.linspace(0, 1, 8)
    endmembers = np.stack([np.interp(np.linspace(0, 1, N_BANDS), knots, rng.uniform(0.1, 1, 8)) for _ in range(3)])
    shares = rng.dirichlet(np.full(3, 0.5), size=20_000)
    shares = shares[shares.max(axis=1) <= largest_share][:4000]
    varying = endmembers * (1 + drift * rng.standard_normal((len(shares), 1, 1)) * np.linspace(-1, 1, N_BANDS))
    pixels = np.einsum("np,npb->nb", shares, varying)
    noise = np.sqrt((pixels**2).mean()) * 10 ** (-35 / 20)
    return pixels + noise * rng.standard_normal(pixels.shape), endmembers


def sad(bundles: Bundles, endmembers: np.ndarray) -> float:
    found = bundles.reference
    return float(sad_radians(found[match_endmembers(found, endmembers)], endmembers).mean())


@pytest.mark.parametrize("seed", range(3))
def test_without_pure_pixels_endmembers_leave_the_pixels(seed):
    pixels, endmembers = scene(seed, largest_share=0.75)
    bundles = extract_bundles(pixels, 3, np.random.default_rng(seed), n_runs=6)
    found = beyond_the_pixels(pixels, bundles, np.random.default_rng(seed))
    assert found is not bundles
    assert sad(found, endmembers) < 0.5 * sad(bundles, endmembers)
    np.testing.assert_allclose(np.linalg.norm(found.spectra, axis=2), 1.0)


@pytest.mark.parametrize(("largest_share", "drift"), [(1.0, 0.0), (1.0, 0.2), (0.95, 0.2)])
def test_pure_pixels_and_spectra_that_vary_leave_the_bundles_as_they_are(largest_share, drift):
    pixels, _ = scene(4, largest_share, drift)
    bundles = extract_bundles(pixels, 3, np.random.default_rng(0), n_runs=6)
    assert beyond_the_pixels(pixels, bundles, np.random.default_rng(0)) is bundles


def test_too_few_pixels_or_bands_leave_the_bundles_as_they_are():
    pixels, endmembers = scene(0, largest_share=0.75)
    bundles = Bundles(unit_norm(endmembers)[None], np.zeros(1))
    assert beyond_the_pixels(pixels[:30], bundles, np.random.default_rng(0)) is bundles
    few = Bundles(unit_norm(endmembers[:, :3])[None], np.zeros(1))
    assert beyond_the_pixels(pixels[:, :3], few, np.random.default_rng(0)) is few
