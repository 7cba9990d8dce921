"""Laws of the abundance solvers."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import nnls as scipy_nnls

from unmixing.algorithms.abundances import fcls, nnls, split_brightness
from unmixing.errors import BandMismatchError

SHAPES = st.tuples(st.integers(0, 2**32 - 1), st.integers(2, 8), st.integers(1, 40))


def mixtures(seed: int, n_endmembers: int, n_pixels: int, *, noise: float):
    rng = np.random.default_rng(seed)
    endmembers = np.abs(rng.normal(size=(n_endmembers, 20))) + 0.1
    abundances = rng.dirichlet(np.full(n_endmembers, 0.5), size=n_pixels)
    return abundances @ endmembers + noise * rng.normal(size=(n_pixels, 20)), endmembers, abundances


@given(SHAPES)
@settings(max_examples=40, deadline=None)
def test_nnls_agrees_with_scipy(shape):
    pixels, endmembers, _ = mixtures(*shape, noise=0.3)
    expected = np.array([scipy_nnls(endmembers.T, pixel)[0] for pixel in pixels])
    np.testing.assert_allclose(nnls(pixels, endmembers), expected, atol=1e-8)


@given(SHAPES)
@settings(max_examples=40, deadline=None)
def test_nnls_satisfies_the_optimality_conditions(shape):
    pixels, endmembers, _ = mixtures(*shape, noise=1.0)
    solution = nnls(pixels, endmembers)
    gradient = (solution @ endmembers - pixels) @ endmembers.T
    assert (solution >= 0).all()
    assert gradient.min() > -1e-7
    assert np.abs(gradient * solution).max() < 1e-6


@given(SHAPES)
@settings(max_examples=30, deadline=None)
def test_noiseless_mixtures_are_recovered(shape):
    pixels, endmembers, abundances = mixtures(*shape, noise=0.0)
    np.testing.assert_allclose(nnls(pixels, endmembers), abundances, atol=1e-6)
    np.testing.assert_allclose(fcls(pixels, endmembers), abundances, atol=1e-5)


@given(SHAPES)
@settings(max_examples=30, deadline=None)
def test_permuting_endmembers_permutes_abundances(shape):
    pixels, endmembers, _ = mixtures(*shape, noise=0.3)
    order = np.random.default_rng(shape[0]).permutation(len(endmembers))
    np.testing.assert_allclose(nnls(pixels, endmembers[order]), nnls(pixels, endmembers)[:, order], atol=1e-8)


@given(SHAPES, st.floats(0.01, 100))
@settings(max_examples=30, deadline=None)
def test_shading_changes_brightness_and_not_abundances(shape, gain):
    pixels, endmembers, _ = mixtures(*shape, noise=0.1)
    abundances, brightness = split_brightness(nnls(pixels, endmembers))
    shaded_abundances, shaded_brightness = split_brightness(nnls(gain * pixels, endmembers))
    np.testing.assert_allclose(shaded_abundances, abundances, atol=1e-7)
    np.testing.assert_allclose(shaded_brightness, gain * brightness, rtol=1e-7)


@given(SHAPES)
@settings(max_examples=30, deadline=None)
def test_fcls_is_on_the_simplex(shape):
    pixels, endmembers, _ = mixtures(*shape, noise=1.0)
    abundances = fcls(pixels, endmembers)
    assert (abundances >= 0).all()
    np.testing.assert_allclose(abundances.sum(axis=1), 1.0, atol=1e-9)


def test_a_pixel_without_light_gets_equal_abundances():
    abundances, brightness = split_brightness(np.zeros((2, 4)))
    assert (abundances == 0.25).all()
    assert (brightness == 0).all()


def test_other_bands_are_refused_with_both_numbers():
    with pytest.raises(BandMismatchError, match="5 bands.*6 bands"):
        nnls(np.ones((3, 5)), np.ones((2, 6)))
