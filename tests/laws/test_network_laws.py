"""The network is PALM with learned weights, and ONNX says what torch says."""

from collections.abc import Callable
from functools import partial

import numpy as np
import pytest
import torch

from unmixing.algorithms.endmembers import unit_norm
from unmixing.algorithms.palm import palm_step
from unmixing.errors import BandMismatchError, ModelParityError
from unmixing.inference.runtime import ModelRunner
from unmixing.networks.export.graph import UnmixingGraph
from unmixing.networks.export.onnx import export_onnx, parity_error, require_parity
from unmixing.networks.lista import LISTA, LISTACP, SubspaceNetwork
from unmixing.networks.lpalm import LPALM
from unmixing.networks.training.loop import Run
from unmixing.networks.training.supervised import baseline, train
from unmixing.simulation.training_sets import SyntheticSets
from unmixing.specs import LpalmSpec
from unmixing.types import Compute

N_BANDS = 12


def library(seed: int = 0, n_endmembers: int = 3) -> np.ndarray:
    return unit_norm(np.abs(np.random.default_rng(seed).normal(size=(n_endmembers, N_BANDS))) + 0.1)


def synthetic_sets(n_sets: int, seed: int) -> SyntheticSets:
    rng = np.random.default_rng(seed)
    endmembers = unit_norm(library()[None] * (1 + 0.05 * rng.normal(size=(n_sets, 3, N_BANDS))))
    abundances = rng.dirichlet(np.ones(3), size=(n_sets, 64))
    brightness = rng.uniform(0.5, 1.5, size=(n_sets, 64))
    pixels = brightness[:, :, None] * abundances @ endmembers + 0.02 * rng.normal(size=(n_sets, 64, N_BANDS))
    return SyntheticSets(pixels, endmembers, np.ones(endmembers.shape[:2]), abundances, brightness)


def raw_pixels(n_pixels: int = 50, seed: int = 0) -> np.ndarray:
    rng = np.random.default_rng(seed)
    return (3 * rng.dirichlet(np.ones(3), size=n_pixels) @ library()).astype(np.float32)


def test_a_layer_with_palms_own_weights_is_a_palm_step():
    rng = np.random.default_rng(0)
    pixels, contributions = rng.random((30, N_BANDS)), rng.random((30, 3))
    network = LPALM(library(), np.ones(3), np.eye(N_BANDS), n_layers=1)
    with torch.no_grad():
        network.steps.fill_(1.0)
        Y, S = torch.tensor(pixels, dtype=torch.float32), torch.tensor(contributions, dtype=torch.float32)
        stepped = network.contribution_step(0, Y, S, network.reference)
        endmembers = network.endmember_step(0, Y, stepped, network.reference)
    expected_contributions, expected_endmembers = palm_step(pixels, contributions, library())
    np.testing.assert_allclose(stepped.numpy(), expected_contributions, atol=1e-5)
    np.testing.assert_allclose(endmembers.numpy(), expected_endmembers, atol=1e-5)


@pytest.mark.parametrize("row_weight", [0.0, 0.4])
@pytest.mark.parametrize("kind", [LPALM, partial(LPALM, n_given=1), LISTA, LISTACP])
def test_what_training_computes_is_what_the_layers_say_and_so_is_its_gradient(
    kind: Callable[..., SubspaceNetwork], row_weight: float
):
    random = torch.Generator().manual_seed(0)
    network = kind(library(), np.array([1.0, 2.0, 0.5]), np.eye(6, N_BANDS), 3, row_weight).double()
    with torch.no_grad():
        for learned in network.parameters():
            learned.add_(0.05 * torch.randn(learned.shape, generator=random, dtype=torch.float64))
    samples = network.coordinates(torch.rand(4, 20, N_BANDS, generator=random, dtype=torch.float64))
    contributions, endmembers, _ = network(samples)
    weights = [torch.randn(part.shape, generator=random, dtype=torch.float64) for part in (contributions, endmembers)]

    def gradient(parts: tuple[torch.Tensor, torch.Tensor]) -> list[torch.Tensor]:
        total = (parts[0] * weights[0]).sum() + (parts[1] * weights[1]).sum()
        return list(torch.autograd.grad(total, list(network.parameters())))

    answers = network.answers(samples)
    torch.testing.assert_close(answers, (contributions, endmembers))
    torch.testing.assert_close(gradient(answers), gradient((contributions, endmembers)))
    assert (contributions == 0).any()


def test_palm_steps_never_raise_the_objective_with_the_endmembers_given():
    rng = np.random.default_rng(1)
    pixels = rng.random((40, 3)) @ library()
    contributions, endmembers = rng.random((40, 3)), library(seed=5)
    for _ in range(20):
        before = ((pixels - contributions @ endmembers) ** 2).sum()
        stepped, _ = palm_step(pixels, contributions, endmembers)
        assert ((pixels - stepped @ endmembers) ** 2).sum() <= before + 1e-12
        contributions, endmembers = palm_step(pixels, contributions, endmembers)


def test_the_projection_lands_on_its_set_and_is_idempotent():
    network = LPALM(library(), np.ones(3), np.eye(N_BANDS), n_layers=1)
    anything = torch.randn(4, 3, N_BANDS, generator=torch.Generator().manual_seed(0))
    projected = network.project(anything)
    assert (projected >= 0).all()
    np.testing.assert_allclose(torch.linalg.vector_norm(projected, dim=-1).numpy(), 1.0, rtol=1e-5)
    np.testing.assert_allclose(network.project(projected).numpy(), projected.numpy(), atol=1e-6)


def test_normalised_abundances_sum_to_one_even_in_the_dark():
    network = LPALM(library(), np.array([1.0, 2.0, 0.5]), np.eye(N_BANDS), 1)
    abundances, brightness = network.abundances(torch.tensor([[0.0, 0.0, 0.0], [1.0, 2.0, 1.0]]))
    np.testing.assert_allclose(abundances[1].numpy(), [0.25, 0.25, 0.5], rtol=1e-6)
    np.testing.assert_allclose(abundances.sum(dim=1).numpy(), 1.0, rtol=1e-6)
    np.testing.assert_allclose(brightness.numpy(), [0.0, 4.0], atol=1e-6)


def test_permuting_pixels_permutes_abundances_and_leaves_endmembers():
    graph = UnmixingGraph(LPALM(library(), np.ones(3), np.eye(N_BANDS), 4), np.arange(N_BANDS), 2.0)
    pixels = torch.from_numpy(raw_pixels())
    order = torch.randperm(len(pixels), generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        endmembers, abundances, _ = graph(pixels, pixels)
        shuffled_endmembers, shuffled_abundances, _ = graph(pixels[order], pixels[order])
    np.testing.assert_allclose(shuffled_endmembers.numpy(), endmembers.numpy(), atol=1e-5)
    np.testing.assert_allclose(shuffled_abundances.numpy(), abundances[order].numpy(), atol=1e-5)


def test_training_beats_the_constant_answer_and_is_repeatable():
    spec = LpalmSpec(n_layers=4, max_epochs=12, batch_sets=8)
    training, validation = synthetic_sets(48, seed=1), synthetic_sets(16, seed=2)
    histories, weights = [], []
    for _ in range(2):
        network = LPALM(library(), np.ones(3), np.eye(N_BANDS), spec.n_layers)
        histories.append(train(network, training, validation, spec, Run(3)))
        weights.append(network.weights.detach().numpy())
    assert histories[0].best.endmembers < histories[0].baseline.endmembers
    assert histories[0].best.abundances < histories[0].epochs[0].abundances
    assert histories[0] == histories[1]
    np.testing.assert_array_equal(weights[0], weights[1])


def test_training_stops_at_the_first_epoch_after_its_time():
    spec = LpalmSpec(n_layers=2, max_epochs=20)
    ticks = iter(range(0, 1000, 10))
    history = train(
        LPALM(library(), np.ones(3), np.eye(N_BANDS), 2), synthetic_sets(16, 1), synthetic_sets(4, 2), spec,
        Run(0, 25.0, lambda: float(next(ticks))),
    )  # fmt: skip
    assert history.stopped_by == "max_training_seconds"
    assert len(history.epochs) == 1 + 3


def test_the_constant_answer_is_perfect_without_variability_and_noise():
    sets = synthetic_sets(2, seed=0)
    same = np.repeat(library()[None], 2, axis=0)
    pixels = sets.brightness[:, :, None] * sets.abundances @ same
    clean = SyntheticSets(pixels, same, sets.norms, sets.abundances, sets.brightness)
    errors = baseline(library(), np.ones(3), clean)
    assert errors.abundances < 1e-10
    assert errors.endmembers == 0


@pytest.mark.parametrize("n_pixels", [1, 2, 7, 300])
def test_onnx_says_what_torch_says_for_any_number_of_pixels(n_pixels):
    used = np.arange(0, N_BANDS)
    graph = UnmixingGraph(LPALM(library(), np.ones(3), np.eye(N_BANDS), 3), used, 2.0)
    runner = ModelRunner(export_onnx(graph, raw_pixels(20)), Compute())
    assert parity_error(graph, runner, raw_pixels(n_pixels)) < 1e-5


def test_bands_the_model_does_not_use_may_hold_anything():
    used = np.arange(2, N_BANDS)
    network = LPALM(unit_norm(library()[:, used]), np.ones(3), np.eye(len(used)), 3)
    graph = UnmixingGraph(network, used, 1.0)
    pixels = raw_pixels()
    runner = ModelRunner(export_onnx(graph, pixels), Compute())
    spoiled = pixels.copy()
    spoiled[:, :2] = 1e6
    expected, actual = runner.run(pixels, pixels), runner.run(spoiled, spoiled)
    np.testing.assert_array_equal(actual.abundances, expected.abundances)
    assert expected.endmembers.shape == (3, len(used))


def test_blocks_give_what_one_piece_gives():
    graph = UnmixingGraph(LPALM(library(), np.ones(3), np.eye(N_BANDS), 3), np.arange(N_BANDS), 1.0)
    pixels = raw_pixels(101)
    runner = ModelRunner(export_onnx(graph, pixels), Compute())
    whole = runner.run(pixels, pixels).abundances
    parts = np.concatenate([runner.run(pixels, block).abundances for block in np.array_split(pixels, 7)])
    np.testing.assert_allclose(parts, whole, atol=1e-6)


def test_equal_networks_export_to_equal_bytes():
    graphs = [
        UnmixingGraph(LPALM(library(), np.ones(3), np.eye(N_BANDS), 2), np.arange(N_BANDS), 1.0) for _ in range(2)
    ]
    first, second = (export_onnx(graph, raw_pixels()) for graph in graphs)
    assert first == second


def test_a_model_that_differs_from_its_network_is_refused():
    with pytest.raises(ModelParityError, match=r"2\.00e-04"):
        require_parity(2e-4)
    with pytest.raises(ModelParityError):
        require_parity(float("nan"))
    require_parity(1e-4)


def test_the_runner_names_both_numbers_of_bands():
    graph = UnmixingGraph(LPALM(library(), np.ones(3), np.eye(N_BANDS), 2), np.arange(N_BANDS), 1.0)
    runner = ModelRunner(export_onnx(graph, raw_pixels()), Compute())
    with pytest.raises(BandMismatchError, match="7 bands.*12"):
        runner.run(np.ones((3, 7), np.float32), np.ones((3, 7), np.float32))
