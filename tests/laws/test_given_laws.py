"""Endmembers that are given: kept to the last digit by every method that claims it, and of use for all the others."""

import numpy as np
import pytest
import torch

from unmixing import unmix
from unmixing.algorithms import dimension
from unmixing.algorithms.bundles import extract_bundles
from unmixing.algorithms.dimension import count_endmembers
from unmixing.algorithms.endmembers import spanning, subspace, unit_norm
from unmixing.algorithms.metrics import match_endmembers, rmse, sad_radians
from unmixing.methods import METHODS
from unmixing.networks.lpalm import LPALM
from unmixing.progress import silent
from unmixing.simulation.brightness import fit_brightness
from unmixing.simulation.simplex import beyond_the_pixels
from unmixing.specs import UnmixSpec
from unmixing.types import SpectralLibrary

SIDE, N_BANDS, N_ENDMEMBERS = 30, 40, 4
MOST_WATER = 0.3

HARDLY_TRAINED = {"lpalm": (0.1, 0.5), "lista_cp": (0.1, 0.5)}
TRAINED = (0.05, 0.9)
"""The largest RMSE of all abundances, and the least correlation of water's with the truth, after one epoch and else."""

KEEPING = tuple(name for name, row in METHODS.items() if row.keeps_given)
SOLVING = tuple(name for name in KEEPING if not METHODS[name].trains)


def make_spectra():
    """Three materials, and water: dark, the last of them."""
    axis = np.linspace(0, 1, N_BANDS)
    bump = 0.3 + 0.3 * np.exp(-(((axis - 0.5) / 0.12) ** 2))
    return np.stack(
        [0.25 + 0.3 * axis, 0.5 - 0.35 * axis + 0.1 * np.sin(9 * axis), bump, 0.06 * np.exp(-3 * axis) + 0.005]
    )


SPECTRA = make_spectra()
WATER, SOIL = SPECTRA[3], SPECTRA[0]


def make_abundances():
    """Pure pixels of all materials but water, which is nowhere more than MOST_WATER."""
    abundances = np.random.default_rng(0).dirichlet(np.full(N_ENDMEMBERS, 0.4), size=SIDE * SIDE)
    abundances[:40] = np.repeat(np.eye(N_ENDMEMBERS), 10, axis=0)
    water, others = np.minimum(abundances[:, 3:], MOST_WATER), abundances[:, :3] + 1e-6
    return np.hstack([others / others.sum(axis=1, keepdims=True) * (1 - water), water])


ABUNDANCES = make_abundances()
NOISE = 0.001 * np.random.default_rng(1).standard_normal((SIDE * SIDE, N_BANDS))
CUBE = (ABUNDANCES @ SPECTRA + NOISE).reshape(SIDE, SIDE, N_BANDS).astype(np.float32)
PIXELS = CUBE.reshape(-1, N_BANDS)


def library(*spectra, names=("water", "soil", "grass", "clay")):
    return SpectralLibrary(names[: len(spectra)], None, np.stack(spectra))


def answer(method, endmembers, cube=CUBE, **fields):
    asked = {"n_endmembers": N_ENDMEMBERS, "max_training_seconds": 0.01, **fields}
    return unmix(cube, UnmixSpec(method=method, **asked), endmembers=endmembers)


def errors(result):
    """Mean angle of what was not given, and RMSE of the abundances, materials matched with the truth."""
    order = match_endmembers(result.endmembers, SPECTRA)
    found = result.abundances.reshape(-1, N_ENDMEMBERS)[:, order]
    return sad_radians(result.endmembers[order], SPECTRA)[:3].mean(), rmse(found, ABUNDANCES)


@pytest.mark.parametrize("method", KEEPING)
def test_a_dark_material_that_is_given_is_kept_and_found_in_the_right_pixels(method):
    result = answer(method, library(WATER))
    assert np.array_equal(result.endmembers[0], WATER.astype(np.float32))
    assert result.endmember_names == ("water", "endmember 2", "endmember 3", "endmember 4")
    assert result.n_given == 1
    angle, error = errors(result)
    assert angle < 0.01
    largest_error, least_correlation = HARDLY_TRAINED.get(method, TRAINED)
    assert error < largest_error
    water = result.abundances.reshape(-1, N_ENDMEMBERS)[:, 0]
    assert np.corrcoef(water, ABUNDANCES[:, 3])[0, 1] > least_correlation
    mixed = result.brightness[..., None] * (result.abundances @ result.endmembers)
    assert np.linalg.norm(mixed - CUBE) < 0.01 * np.linalg.norm(CUBE)


@pytest.mark.parametrize("method", ["vca_fcls", "archetypal", "nmf", "palm", "lpalm"])
def test_what_is_found_beside_it_is_no_worse_and_abundances_are_better_than_without(method):
    with_it, without = errors(answer(method, library(WATER))), errors(answer(method, None))
    assert with_it[0] <= 1.05 * without[0]
    assert with_it[1] < 0.5 * without[1]


@pytest.mark.parametrize("method", SOLVING)
def test_the_methods_themselves_keep_it(method):
    given = 2.0 * np.stack([WATER, SOIL])  # in the units of the pixels that a method sees
    rng = np.random.default_rng(0)
    solve = METHODS[method].solve
    assert solve is not None
    solution = solve(2.0 * PIXELS, N_ENDMEMBERS, rng, silent, given)
    np.testing.assert_allclose(unit_norm(solution.endmembers[:2]), unit_norm(given), rtol=1e-12)
    if solution.abundances_of == "area":
        assert np.array_equal(solution.endmembers[:2], given)


def test_a_layer_of_lpalm_does_not_step_the_endmembers_given():
    reference, rng = unit_norm(SPECTRA), np.random.default_rng(0)
    basis = spanning(subspace(PIXELS, 6), reference[:2])
    network = LPALM(reference, np.ones(4), basis, 3, n_given=2)
    sample = network.coordinates(torch.tensor(rng.random((50, N_BANDS)), dtype=torch.float32))
    _, endmembers, _ = network(sample)
    assert torch.equal(endmembers[:2], network.reference[:2])
    assert not torch.allclose(endmembers[2:], network.reference[2:], atol=1e-3)
    np.testing.assert_allclose(network.lift(endmembers)[:2].detach(), reference[:2], atol=1e-6)


@pytest.mark.parametrize("method", ["vca_fcls", "nmf", "palm"])
def test_the_order_of_what_is_given_is_that_of_the_answer(method):
    straight, swapped = answer(method, library(WATER, SOIL)), answer(method, library(SOIL, WATER, names=("b", "a")))
    order = [1, 0, 2, 3]
    assert straight.endmember_names[:2] == ("water", "soil")
    assert swapped.endmember_names[:2] == ("b", "a")
    np.testing.assert_allclose(swapped.endmembers[order], straight.endmembers, rtol=1e-3, atol=1e-5)
    np.testing.assert_allclose(swapped.abundances[..., order], straight.abundances, atol=1e-3)


def test_every_run_of_the_bundles_begins_with_what_is_given():
    bundles = extract_bundles(PIXELS, N_ENDMEMBERS, np.random.default_rng(0), n_runs=6, given=WATER[None])
    assert np.array_equal(bundles.spectra[:, 0], np.tile(unit_norm(WATER), (len(bundles.spectra), 1)))
    assert bundles.given_norms == pytest.approx([np.linalg.norm(WATER)])
    assert (
        sad_radians(bundles.reference[1:][match_endmembers(bundles.reference[1:], SPECTRA[:3])], SPECTRA[:3]).max()
        < 0.01
    )


def test_when_all_are_given_nothing_is_extracted():
    for method in ("vca_fcls", "lpalm"):
        result = answer(method, library(*SPECTRA))
        assert np.array_equal(result.endmembers, SPECTRA.astype(np.float32))
        assert result.endmember_names == ("water", "soil", "grass", "clay")
        assert rmse(result.abundances.reshape(-1, N_ENDMEMBERS), ABUNDANCES) < 0.04


def test_of_shape_it_counts_with_norm_one_and_its_own_norm_is_told():
    area, shape = (answer("nmf", library(WATER), abundances_of=convention) for convention in ("area", "shape"))
    np.testing.assert_allclose(shape.endmembers[0], unit_norm(WATER), rtol=1e-6)
    assert shape.endmember_norms[0] == pytest.approx(np.linalg.norm(WATER), rel=1e-6)
    assert np.array_equal(shape.spectra[0].astype(np.float32).round(6), area.endmembers[0].round(6))
    converted = area.abundances * area.endmember_norms
    np.testing.assert_allclose(shape.abundances, converted / converted.sum(axis=-1, keepdims=True), atol=1e-5)


def test_norms_that_are_given_are_those_of_the_brightness_model():
    contributions = np.random.default_rng(0).dirichlet(np.ones(3), size=400) * [1.0, 2.0, 3.0]
    model = fit_brightness(contributions, np.eye(3), np.full((400, 3), 1e-3), np.array([1.5]))
    assert (model.norms[0], model.own_norms[0], model.norm_deviations[0]) == pytest.approx((1.5, 1.5, 0.0))
    everything = fit_brightness(contributions, np.eye(3), np.full((400, 3), 1e-3), np.array([1.0, 2.0, 3.0]))
    assert everything.norms == pytest.approx([1.0, 2.0, 3.0])


def test_the_simplex_beyond_the_pixels_moves_only_what_is_free():
    rng = np.random.default_rng(3)
    abundances = rng.dirichlet(np.ones(3), size=8_000)
    abundances = abundances[abundances.max(axis=1) < 0.75][:4_000]
    truth = SPECTRA[:3]
    pixels = abundances @ truth + 0.001 * rng.normal(size=(len(abundances), N_BANDS))
    bundles = extract_bundles(pixels, 3, rng, n_runs=6, given=truth[:1])
    found = beyond_the_pixels(pixels, bundles, rng)
    assert found is not bundles
    assert np.array_equal(found.spectra[:, 0], np.tile(unit_norm(truth[0]), (len(found.spectra), 1)))
    assert found.given_norms == pytest.approx(bundles.given_norms)

    def angle(each):
        return sad_radians(each.reference[1:][match_endmembers(each.reference[1:], truth[1:])], truth[1:]).mean()

    assert angle(found) < 0.6 * angle(bundles)


def test_those_given_are_counted(monkeypatch):
    monkeypatch.setattr(dimension, "MOST_COUNTED", 6)
    result = answer("vca_fcls", library(WATER), CUBE[:10], n_endmembers=None)
    assert result.metrics["n_endmembers_range"][0] <= len(result.endmembers) == N_ENDMEMBERS
    pixels, other = PIXELS[:200], np.ones((1, N_BANDS))
    without = count_endmembers(pixels, np.random.default_rng(0))
    assert without.n_endmembers == N_ENDMEMBERS - 1  # the dark one is overlooked
    five = count_endmembers(pixels, np.random.default_rng(0), given=np.vstack([SPECTRA, other]))
    assert five.n_endmembers >= five.range[0] >= 5
    assert five.reason.startswith("at least 5, which are given; ")
    many = np.random.default_rng(0).random((7, N_BANDS))
    count = count_endmembers(PIXELS[:60], np.random.default_rng(0), given=many)
    assert (count.n_endmembers, count.range, count.certainty) == (7, (7, 7), 1.0)
    assert count.reason == "7 are given, and no more are counted than 7"
