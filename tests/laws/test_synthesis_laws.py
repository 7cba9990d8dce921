"""Laws of the synthetic truth: Dirichlet mixture, variability, training sets."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from unmixing.algorithms.bundles import Bundles
from unmixing.algorithms.endmembers import unit_norm
from unmixing.simulation.dirichlet import fit_dirichlet_mixture
from unmixing.simulation.training_sets import draw_mixing_matrices, model_scene, piecewise_linear_gain, synthesise


def bundles(n_runs: int = 3, n_bands: int = 40) -> Bundles:
    rng = np.random.default_rng(0)
    base = np.abs(rng.normal(size=(1, 3, n_bands))) + 0.2
    return Bundles(unit_norm(base + 0.01 * rng.random((n_runs, 3, n_bands))), np.linspace(0.1, 0.2, n_runs))


def test_the_mixture_recovers_its_own_parameters():
    rng = np.random.default_rng(0)
    abundances = np.vstack([rng.dirichlet([8, 1, 1], 2000), rng.dirichlet([0.5, 0.5, 3], 2000)])
    brightness = np.exp(np.r_[rng.normal(0, 0.2, 2000), rng.normal(-1, 0.1, 2000)])
    mixture = fit_dirichlet_mixture(abundances, brightness, rng)
    assert len(mixture.weights) == 2
    order = np.argsort(-mixture.concentrations[:, 0])
    np.testing.assert_allclose(mixture.weights, 0.5, atol=0.03)
    np.testing.assert_allclose(mixture.concentrations[order], np.array([[8.0, 1.0, 1.0], [0.5, 0.5, 3.0]]), rtol=0.15)
    np.testing.assert_allclose(mixture.log_brightness_mean[order], [0, -1], atol=0.03)
    np.testing.assert_allclose(mixture.log_brightness_deviation[order], [0.2, 0.1], rtol=0.1)


def test_more_components_are_not_taken_when_one_explains_the_pixels():
    rng = np.random.default_rng(1)
    mixture = fit_dirichlet_mixture(rng.dirichlet([2, 3, 4], 2000), np.exp(rng.normal(0, 0.1, 2000)), rng)
    assert len(mixture.weights) == 1


def test_pure_pixels_and_equal_brightness_do_not_break_the_fit():
    abundances = np.repeat(np.eye(3), 20, axis=0)
    mixture = fit_dirichlet_mixture(abundances, np.ones(60), np.random.default_rng(0))
    drawn, brightness = mixture.sample(100, np.random.default_rng(0))
    assert np.isfinite(drawn).all()
    np.testing.assert_allclose(drawn.sum(axis=1), 1.0)
    assert (brightness > 0).all()


@given(st.integers(0, 2**32 - 1), st.integers(2, 300))
@settings(max_examples=20, deadline=None)
def test_gains_are_piecewise_linear_and_near_one(seed, n_bands):
    gains = piecewise_linear_gain(5, n_bands, np.random.default_rng(seed), deviation=0.02)
    assert gains.shape == (5, n_bands)
    assert np.abs(gains - 1).max() < 0.2
    # Linear between the knots: the slope changes at most at the two bands beside each inner knot.
    kinks = (np.abs(np.diff(gains, n=2, axis=1)) > 1e-9).sum(axis=1)
    assert (kinks <= 2 * max(2, n_bands // 16)).all()


def test_mixing_matrices_vary_around_the_bundles_and_keep_unit_norm():
    drawn = draw_mixing_matrices(bundles(), 50, np.random.default_rng(0))
    np.testing.assert_allclose(np.linalg.norm(drawn, axis=2), 1.0)
    assert (drawn >= 0).all()
    distances = np.linalg.norm(drawn - bundles().reference, axis=2)
    assert distances.min() > 0
    assert distances.max() < 0.15


def test_synthetic_sets_mix_what_they_say_and_are_disturbed_as_the_scene_is():
    rng = np.random.default_rng(0)
    noise = 0.01
    truth = rng.dirichlet(np.ones(3), size=1500)
    pixels = truth @ bundles().reference + noise * rng.normal(size=(1500, 40))
    scene = model_scene(pixels, bundles(), rng)
    sets = synthesise(scene, 6, 200, rng)
    np.testing.assert_allclose(sets.abundances.sum(axis=2), 1.0)
    rebuilt = (sets.brightness[:, :, None] * sets.abundances * scene.brightness_model.norms) @ sets.endmembers
    disturbance = sets.pixels - rebuilt
    assert 0.7 * noise < disturbance.std() < 1.2 * noise
    np.testing.assert_allclose(disturbance.mean(), 0.0, atol=noise / 10)
