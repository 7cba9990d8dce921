"""Intervals hold the share of the truth they are meant to, and follow the model into ONNX."""

import numpy as np
import pytest
import torch

from unmixing.algorithms.abundances import nnls, split_brightness
from unmixing.algorithms.bundles import Bundles
from unmixing.algorithms.endmembers import unit_norm
from unmixing.inference.runtime import ModelRunner
from unmixing.networks.export.graph import UnmixingGraph
from unmixing.networks.export.onnx import export_onnx, parity_error
from unmixing.networks.lpalm import LPALM
from unmixing.networks.uncertainty import COVERAGE, Uncertainty, coverage, fit_uncertainty
from unmixing.simulation.training_sets import SyntheticSets, model_scene, synthesise
from unmixing.simulation.wider_sets import synthesise_wider
from unmixing.types import Compute

N_BANDS = 24


def library() -> np.ndarray:
    return unit_norm(np.abs(np.random.default_rng(0).normal(size=(3, N_BANDS))) + 0.1)


def network() -> LPALM:
    return LPALM(library(), np.ones(3), np.eye(N_BANDS), n_layers=4)


def noisy_sets(n_sets: int, seed: int, noise: float) -> SyntheticSets:
    rng = np.random.default_rng(seed)
    endmembers = np.repeat(library()[None], n_sets, axis=0)
    abundances = rng.dirichlet(np.ones(3), size=(n_sets, 128))
    pixels = abundances @ endmembers
    disturbed, norms = pixels + noise * rng.normal(size=pixels.shape), np.ones((n_sets, 3))
    return SyntheticSets(disturbed, endmembers, norms, abundances, np.ones((n_sets, 128)))


def learned(noise: float) -> Uncertainty:
    return fit_uncertainty(network(), noisy_sets(40, 1, noise), noisy_sets(20, 2, noise), seed=0)


def test_nine_in_ten_fresh_truths_lie_within():
    covered = coverage(learned(0.02), network(), noisy_sets(40, 3, 0.02))
    assert covered == pytest.approx(COVERAGE, abs=0.03)


def test_more_noise_is_less_certain_and_equal_seeds_agree():
    abundances, brightness = torch.full((3, 5), 1 / 3), torch.ones(5)
    quiet, loud, again = (learned(noise)(abundances, brightness) for noise in (0.01, 0.05, 0.01))
    assert (loud > 2 * quiet).all()
    assert torch.equal(quiet, again)


def test_learning_leaves_the_global_random_state_alone():
    torch.manual_seed(7)
    expected = torch.rand(1)
    torch.manual_seed(7)
    learned(0.02)
    assert torch.equal(torch.rand(1), expected)


@pytest.mark.parametrize("n_pixels", [1, 7])
def test_onnx_says_it_too(n_pixels):
    graph = UnmixingGraph(network(), np.arange(N_BANDS), 2.0, learned(0.02))
    pixels = (2 * noisy_sets(1, 4, 0.02).pixels[0, :n_pixels]).astype(np.float32)
    runner = ModelRunner(export_onnx(graph, pixels), Compute())
    assert parity_error(graph, runner, pixels) < 1e-5
    output = runner.run(pixels, pixels)
    assert output.uncertainty.shape == (n_pixels, 3)
    assert (output.uncertainty > 0).all()


def test_wider_sets_stray_further_from_the_library():
    rng = np.random.default_rng(0)
    bundles = Bundles(unit_norm(library() + 0.005 * rng.random((3, 3, N_BANDS))), np.array([0.1, 0.11, 0.12]))
    pixels = rng.dirichlet(np.ones(3), size=800) @ bundles.reference + 0.005 * rng.normal(size=(800, N_BANDS))
    scene = model_scene(pixels, bundles, rng)
    trained, wider = synthesise(scene, 30, 40, rng), synthesise_wider(scene, 30, 40, rng)
    for sets in (trained, wider):
        np.testing.assert_allclose(sets.abundances.sum(axis=2), 1.0)
        np.testing.assert_allclose(np.linalg.norm(sets.endmembers, axis=2), 1.0)
        assert (sets.endmembers >= 0).all()
        assert np.isfinite(sets.pixels).all()
    near, far = (np.linalg.norm(sets.endmembers - bundles.reference, axis=2).mean() for sets in (trained, wider))
    assert far > 3 * near


def share_of_what_looks_pure(endmembers: np.ndarray, *, given: bool = False) -> float:
    """In wider sets of a scene with this library: the share that one in ten pixels that look pure stays below."""
    rng = np.random.default_rng(0)
    norms = np.linalg.norm(endmembers, axis=1) if given else np.empty(0)
    bundles = Bundles(unit_norm(endmembers)[None], np.zeros(1), norms)
    pixels = rng.dirichlet(np.full(3, 0.3), size=600) @ endmembers + 1e-3 * rng.normal(size=(600, N_BANDS))
    sets = synthesise_wider(model_scene(pixels, bundles, rng), 60, 100, rng)
    looks = split_brightness(nnls(sets.pixels.reshape(-1, N_BANDS), bundles.reference))[0]
    pure = looks.max(axis=1) > 0.95
    true = sets.abundances.reshape(looks.shape)[pure]
    return float(np.quantile(true[np.arange(len(true)), looks[pure].argmax(axis=1)], 0.1))


def test_what_looks_pure_may_hold_much_else_unless_the_spectra_forbid_it():
    mixable = 1 + 0.3 * np.abs(np.random.default_rng(0).normal(size=(3, N_BANDS)))
    # Each is 0 in bands where another is bright: none of them can hold any of the others.
    unmixable = np.repeat(np.eye(3), N_BANDS // 3, axis=1) + np.roll(np.repeat(np.eye(3), N_BANDS // 3, axis=1), 4)
    assert share_of_what_looks_pure(mixable) < 0.7
    assert share_of_what_looks_pure(unmixable) > 0.85
    assert share_of_what_looks_pure(mixable, given=True) > 0.85


def test_wider_truth_rebuilds_its_pixels():
    rng = np.random.default_rng(0)
    bundles = Bundles(library()[None], np.zeros(1))
    pixels = rng.dirichlet(np.ones(3), size=600) @ bundles.reference
    sets = synthesise_wider(model_scene(pixels, bundles, rng), 40, 50, rng)
    rebuilt = sets.brightness[:, :, None] * (sets.abundances @ (sets.norms[:, :, None] * sets.endmembers))
    assert np.linalg.norm(rebuilt - sets.pixels) < 0.03 * np.linalg.norm(sets.pixels)
