"""The number of endmembers: right on clear mixtures, under noise, shading and with few pixels or bands."""

from dataclasses import replace

import numpy as np
import pytest

from unmixing.algorithms.dimension import Count, count_endmembers, hysime

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


def test_the_range_holds_what_costs_at_most_half_an_endmember_more_and_the_reason_names_the_figures():
    count = Count(3, (0.9, 0.5, 0.1, 0.08, 0.07), (0.0, -1.0, -2.0, -1.9, -1.8), 0.2)
    assert count.range == (2, 4)
    far = Count(3, (0.9, 0.5, 0.1, 0.08, 0.07, 0.06), (0.0, -1.0, -2.0, -1.6, -1.95, -1.5), 0.2)
    assert far.range == (2, 5)
    assert count.certainty == pytest.approx(0.5)
    assert "3 leave 0.20 of the residual that 2 leave" in count.reason
    assert "4 leave 0.80 of what 3 leave" in count.reason
    assert "3 to 4 come within 0.10" in count.reason


def test_the_neighbours_of_a_number_without_a_rival_are_in_its_range_as_far_as_they_were_considered():
    count = Count(3, (0.9, 0.5, 0.1, 0.08, 0.07), (0.0, -1.0, -2.0, -1.5, -1.4), 0.2)
    assert count.range == (2, 4)
    assert "no other number" in count.reason
    assert replace(count, residuals=count.residuals[:3], costs=count.costs[:3]).range == (2, 3)
    assert replace(count, n_endmembers=2, costs=(0.0, -3.0, -2.0)).range == (2, 3)


def test_an_image_too_small_to_count_says_so():
    count = count_endmembers(mixtures(2)[:1], np.random.default_rng(0))
    assert count.range == (2, 2)
    assert "too few pixels or bands" in count.reason


def test_more_is_demanded_of_an_endmember_where_the_signal_has_many_directions():
    pixels = mixtures(3, n_pixels=60, n_bands=4, noise=0.005)
    few, many = (count_endmembers(pixels, np.random.default_rng(1), signal_dimensions=n) for n in (3, 40))
    assert few.cost_per_endmember < many.cost_per_endmember


def test_hysime_counts_the_directions_of_the_signal_in_any_unit_and_not_its_noise():
    for n_endmembers in (3, 5):
        pixels = mixtures(n_endmembers, noise=0.005)
        assert hysime(pixels) == hysime(4096 * pixels) == n_endmembers
    assert hysime(mixtures(3, n_pixels=100)) is None
