"""How bright each material is, told by its nearly pure pixels, or by a light that is steady."""

import numpy as np
import pytest

from unmixing.algorithms.abundances import fcls, nnls
from unmixing.algorithms.endmembers import unit_norm
from unmixing.simulation.brightness import BrightnessModel, effective_noise_power, fit_brightness, nnls_near_one

NORMS = np.array([1.0, 0.25, 0.6])


def fitted(deviation: float, noise: float = 0.002, n_pure: int = 0, n_pixels: int = 3000):
    rng = np.random.default_rng(0)
    endmembers = unit_norm(np.abs(rng.normal(size=(3, 40))) + 0.1)
    abundances = rng.dirichlet(np.full(3, 2.0), size=n_pixels)
    abundances = abundances[abundances.max(axis=1) < 0.8]
    abundances = np.vstack([np.repeat(np.eye(3), n_pure, axis=0), abundances])
    light = 1 + deviation * rng.normal(size=(len(abundances), 1))
    pixels = light * (abundances * NORMS) @ endmembers + noise * rng.normal(size=(len(abundances), 40))
    contributions = nnls(pixels, endmembers)
    return fit_brightness(contributions, endmembers, pixels - contributions @ endmembers)


@pytest.mark.parametrize("deviation", [0.01, 0.02])
def test_a_steady_light_tells_how_bright_each_material_is_without_pure_pixels(deviation):
    model = fitted(deviation)
    np.testing.assert_allclose(model.norms, NORMS, rtol=0.15)
    np.testing.assert_array_equal(model.norms, model.own_norms)
    assert model.own_deviation == pytest.approx(deviation, rel=0.25)


def test_under_a_light_that_varies_pure_pixels_tell_it():
    model = fitted(0.3, n_pure=200)
    np.testing.assert_allclose(model.norms, NORMS, rtol=0.15)
    assert model.deviation == pytest.approx(0.3, rel=0.25)
    np.testing.assert_allclose(model.norm_deviations, 0.3, rtol=0.5)
    assert np.abs(np.log(model.norms / NORMS)).max() < np.abs(np.log(fitted(0.3).norms / NORMS)).max()


def test_norms_without_pure_pixels_may_be_further_off():
    assert (fitted(0.1).norm_deviations > 1.5 * fitted(0.1, n_pure=30).norm_deviations).all()


def test_nine_pure_pixels_bound_a_norm_and_ten_give_it():
    few, enough = fitted(0.05, n_pure=9), fitted(0.05, n_pure=10)
    assert (few.norms <= few.own_norms).all()
    assert not np.allclose(enough.norms, enough.own_norms)
    contributions = np.zeros((500, 2))
    contributions[:, 0] = 1.0
    contributions[:5] = [0.0, 0.1]
    # Least squares alone would have the second as bright as its share of 1 leaves open.
    assert fit_brightness(contributions, np.eye(2), np.full((500, 2), 1e-3)).norms[1] == pytest.approx(0.1)


@pytest.mark.parametrize(("deviation", "believed"), [(0.02, True), (0.3, False)])
def test_brightness_near_1_is_believed_only_where_it_does_not_mix_the_pixels_further(deviation, believed):
    rng, axis = np.random.default_rng(3), np.linspace(0, 1, 40)
    endmembers = unit_norm(np.stack([0.2 + axis, 1.2 - axis, 0.7 + 0.5 * np.cos(6 * axis)]))
    abundances = rng.dirichlet(np.full(3, 0.2), size=900)
    # The light of the first alone varies; a misfit that says nothing of abundances counts as noise all the same.
    light = np.exp(deviation * rng.standard_normal((900, 1)) * abundances[:, :1])
    misfit = np.linalg.qr(np.vstack([endmembers, np.sin(20 * axis)]).T)[0][:, 3]
    pixels = light * (abundances * [1.0, 1.0, 0.2]) @ endmembers + 0.007 * rng.standard_normal((900, 1)) * misfit
    contributions = nnls(pixels, endmembers)
    model = fit_brightness(contributions, endmembers, pixels - contributions @ endmembers).checked(pixels, endmembers)
    assert model.informs == believed
    assert (model.row_weight > 0) == believed


def test_noise_is_not_taken_for_varying_light():
    assert fitted(0.0, noise=0.01, n_pure=100).deviation < 0.05


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
    model = BrightnessModel(np.ones(3), np.ones(3), np.ones(3), deviation=0.1, own_deviation=0.1, noise_power=0.04)
    assert model.row_weight == pytest.approx(2.0)
    endmembers = np.eye(3)
    # y = 1.3 along the first: the most probable t solves (t - 1.3) / 0.04 + (t - 1) / 0.01 = 0.
    found = model.contributions(np.array([[1.3, 0.0, 0.0]]), endmembers)
    np.testing.assert_allclose(found[0], [(1.3 / 0.04 + 1 / 0.01) / (1 / 0.04 + 1 / 0.01), 0, 0], atol=1e-9)
