"""The scene's own brightness: found when it is there, and no say of the materials' when it drowns them."""

import numpy as np
import pytest

from unmixing.algorithms.abundances import fcls, nnls
from unmixing.algorithms.endmembers import unit_norm
from unmixing.simulation.brightness import BrightnessModel, effective_noise_power, fit_brightness, nnls_near_one

NORMS = np.array([1.0, 0.25, 0.6])


def fitted(deviation: float, noise: float = 0.002, n_pixels: int = 3000):
    rng = np.random.default_rng(0)
    endmembers = unit_norm(np.abs(rng.normal(size=(3, 40))) + 0.1)
    abundances = rng.dirichlet(np.ones(3), size=n_pixels)
    brightness = 1 + deviation * rng.normal(size=(n_pixels, 1))
    pixels = brightness * (abundances * NORMS) @ endmembers + noise * rng.normal(size=(n_pixels, 40))
    contributions = nnls(pixels, endmembers)
    return fit_brightness(contributions, endmembers, pixels - contributions @ endmembers)


@pytest.mark.parametrize("deviation", [0.01, 0.02])
def test_a_steady_light_tells_how_bright_each_material_is(deviation):
    model = fitted(deviation)
    np.testing.assert_allclose(model.norms, NORMS, rtol=0.15)
    assert model.own_deviation == pytest.approx(deviation, rel=0.25)


def test_a_light_that_varies_by_itself_leaves_only_shape():
    steady, varying = fitted(0.02), fitted(0.3)
    assert varying.own_deviation == pytest.approx(0.3, rel=0.25)
    assert varying.deviation > varying.own_deviation
    assert np.ptp(np.log(varying.norms)) < 0.1 * np.ptp(np.log(steady.norms))


def test_noise_is_not_taken_for_varying_light():
    assert fitted(0.0, noise=0.01).deviation < 0.05


def test_the_noise_power_of_white_noise_is_its_variance_and_of_a_smooth_misfit_more():
    rng = np.random.default_rng(0)
    white = rng.normal(size=(5000, 50))
    assert effective_noise_power(white) == pytest.approx(1.0, rel=0.05)
    smooth = rng.normal(size=(5000, 1)) * np.ones(50)
    assert effective_noise_power(smooth) == pytest.approx(50, rel=0.1)


def test_least_squares_with_brightness_lies_between_fcls_and_nnls():
    rng = np.random.default_rng(2)
    endmembers, norms = unit_norm(np.abs(rng.normal(size=(3, 40))) + 0.1), np.array([1.0, 0.5, 2.0])
    pixels = rng.dirichlet(np.ones(3), size=50) * norms @ endmembers + 0.02 * rng.normal(size=(50, 40))
    np.testing.assert_allclose(nnls_near_one(pixels, endmembers, norms, 0.0), nnls(pixels, endmembers), atol=1e-9)
    firm = nnls_near_one(pixels, endmembers, norms, 1e3) / norms
    np.testing.assert_allclose(firm, fcls(pixels, endmembers * norms[:, None]), atol=1e-3)


def test_the_row_weighs_what_noise_and_deviation_say():
    model = BrightnessModel(np.ones(3), np.ones(3), deviation=0.1, own_deviation=0.1, noise_power=0.04)
    assert model.row_weight == pytest.approx(2.0)
    endmembers = np.eye(3)
    # y = 1.3 along the first: the most probable t solves (t - 1.3) / 0.04 + (t - 1) / 0.01 = 0.
    found = model.contributions(np.array([[1.3, 0.0, 0.0]]), endmembers)
    np.testing.assert_allclose(found[0], [(1.3 / 0.04 + 1 / 0.01) / (1 / 0.04 + 1 / 0.01), 0, 0], atol=1e-9)
