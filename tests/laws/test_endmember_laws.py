"""Laws of the extraction: what VCA, archetypal analysis and the bundles promise."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from unmixing.algorithms.bundles import extract_bundles, fit_of, regrets_of
from unmixing.algorithms.endmembers import archetypes, purest, subspace, unit_norm, vca
from unmixing.algorithms.metrics import match_endmembers, nmse, pairwise_sad_radians, rmse, sad_radians


def scene(seed: int, n_endmembers: int = 3, n_pixels: int = 400, n_bands: int = 30, noise: float = 0.0):
    rng = np.random.default_rng(seed)
    endmembers = np.abs(rng.normal(size=(n_endmembers, n_bands))) + 0.05
    abundances = rng.dirichlet(np.ones(n_endmembers), size=n_pixels)
    abundances[:n_endmembers] = np.eye(n_endmembers)
    pixels = abundances @ endmembers
    return pixels + noise * rng.normal(size=pixels.shape), endmembers, abundances


@given(st.integers(0, 2**32 - 1), st.integers(2, 6))
@settings(max_examples=25, deadline=None)
def test_vca_finds_the_pure_pixels_of_noiseless_mixtures(seed, n_endmembers):
    pixels, _, _ = scene(seed, n_endmembers)
    found = vca(pixels, n_endmembers, np.random.default_rng(seed))
    assert sorted(found) == list(range(n_endmembers))


@given(st.integers(0, 2**32 - 1))
@settings(max_examples=10, deadline=None)
def test_archetypes_lie_in_the_convex_hull_of_the_pixels(seed):
    pixels, _, _ = scene(seed, n_pixels=60)
    found = archetypes(pixels, np.arange(3))
    assert (found >= pixels.min(axis=0) - 1e-5).all()
    assert (found <= pixels.max(axis=0) + 1e-5).all()


@pytest.mark.parametrize("seed", range(3))
def test_bundles_find_materials_under_changing_brightness(seed):
    pixels, endmembers, _ = scene(seed, n_pixels=800, noise=0.005)
    shading = np.random.default_rng(seed).uniform(0.3, 1.7, size=(len(pixels), 1))
    bundles = extract_bundles(pixels * shading, 3, np.random.default_rng(seed), n_runs=8)
    matched = match_endmembers(bundles.reference, endmembers)
    assert sad_radians(bundles.reference[matched], endmembers).max() < 0.08
    np.testing.assert_allclose(np.linalg.norm(bundles.spectra, axis=2), 1.0)
    assert (np.diff(bundles.regrets) >= 0).all()
    assert (bundles.spread_radians() < 0.1).all()


def test_the_purest_pixels_are_nearer_to_the_truth_than_single_extremes():
    rng = np.random.default_rng(3)
    endmembers = unit_norm(np.abs(rng.normal(size=(3, 30))) + 0.05)
    abundances = np.concatenate([np.repeat(np.eye(3), 30, axis=0), rng.dirichlet(np.ones(3), size=300)])
    pixels = unit_norm(abundances @ endmembers + 0.01 * rng.normal(size=(390, 30)))
    extremes = pixels[vca(pixels, 3, rng)]
    errors = [
        sad_radians(found[match_endmembers(found, endmembers)], endmembers).mean()
        for found in (extremes, purest(pixels, extremes))
    ]
    assert errors[1] < 0.5 * errors[0]


def test_endmembers_that_need_more_materials_in_a_pixel_are_worse_at_an_equal_residual():
    rng = np.random.default_rng(0)
    endmembers = np.eye(3) + 0.02
    pixels = np.repeat(endmembers, 20, axis=0) * rng.uniform(0.5, 1.5, size=(60, 1))
    wider = 2 * np.eye(3) - endmembers * 0.05  # the same pixels are mixtures of these, exactly
    fits = np.array([fit_of(pixels, found) for found in (wider, endmembers)])
    assert regrets_of(fits)[1] == 0
    assert regrets_of(fits)[0] > 0


def test_fewer_pixels_than_a_subset_are_enough():
    pixels, _, _ = scene(0, n_pixels=12)
    assert extract_bundles(pixels, 3, np.random.default_rng(0), n_runs=2).reference.shape == (3, 30)


def test_the_subspace_is_orthonormal_and_holds_the_noiseless_pixels():
    pixels, _, _ = scene(1)
    basis = subspace(pixels, 3)
    np.testing.assert_allclose(basis @ basis.T, np.eye(3), atol=1e-10)
    np.testing.assert_allclose(pixels @ basis.T @ basis, pixels, atol=1e-8)


@given(st.integers(0, 2**32 - 1), st.integers(2, 7))
@settings(max_examples=25, deadline=None)
def test_matching_undoes_a_permutation_and_ignores_scale(seed, n_endmembers):
    rng = np.random.default_rng(seed)
    reference = np.abs(rng.normal(size=(n_endmembers, 12))) + 0.1
    order = rng.permutation(n_endmembers)
    shuffled = reference[order] * rng.uniform(0.1, 10, size=(n_endmembers, 1))
    matched = match_endmembers(shuffled, reference)
    np.testing.assert_array_equal(order[matched], np.arange(n_endmembers))
    np.testing.assert_allclose(sad_radians(shuffled[matched], reference), 0.0, atol=1e-6)


def test_metrics_on_numbers_done_by_hand():
    assert pairwise_sad_radians(np.array([[1.0, 0.0]]), np.array([[0.0, 2.0]]))[0, 0] == pytest.approx(np.pi / 2)
    assert rmse(np.array([1.0, 2.0]), np.array([1.0, 4.0])) == pytest.approx(np.sqrt(2))
    assert nmse(np.array([1.0, 2.0]), np.array([1.0, 4.0])) == pytest.approx(4 / 17)


def test_too_few_endmembers_to_match_are_refused_with_both_numbers():
    with pytest.raises(ValueError, match="2 estimated.*3 references"):
        match_endmembers(np.ones((2, 4)), np.ones((3, 4)))


def test_unit_norm_leaves_zero_rows_alone():
    assert (unit_norm(np.zeros((1, 3))) == 0).all()
