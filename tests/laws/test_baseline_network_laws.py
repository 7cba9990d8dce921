"""Each unrolled network is its classical recursion before it learns, and ONNX says what torch says of all of them."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch

from unmixing.algorithms.endmembers import unit_norm
from unmixing.algorithms.ista import ista_step
from unmixing.algorithms.nmf import nmf_step
from unmixing.cubes import cube_from_array
from unmixing.inference.neighbourhoods import pixel_reader
from unmixing.inference.runtime import ModelRunner
from unmixing.networks.cnnaeu import CNNAEU, NEIGHBOURHOOD, NeighbourhoodGraph
from unmixing.networks.dnmf import DNMF, reconstruction_error
from unmixing.networks.export.graph import UnmixingGraph
from unmixing.networks.export.onnx import export_onnx, parity_error
from unmixing.networks.lista import LISTA, LISTACP
from unmixing.networks.multiplicative import ALMU, NALMU
from unmixing.networks.training.loop import Run
from unmixing.networks.training.supervised import Errors, layer_errors, train
from unmixing.networks.training.task import TrainingTask
from unmixing.networks.training.unsupervised import train_dnmf
from unmixing.simulation.training_sets import SyntheticSets
from unmixing.specs import CnnaeuSpec, DnmfSpec, NalmuSpec, UnmixSpec
from unmixing.types import Compute

N_BANDS, N_ENDMEMBERS, N_LAYERS = 12, 3, 4
SPEC = NalmuSpec(n_layers=N_LAYERS, max_epochs=10, batch_sets=8, learning_rate=1e-2)


def library(seed: int = 0) -> np.ndarray:
    return unit_norm(np.abs(np.random.default_rng(seed).normal(size=(N_ENDMEMBERS, N_BANDS))) + 0.1)


def synthetic_sets(n_sets: int, seed: int) -> SyntheticSets:
    """Images with variability: every band of every endmember has a gain of its own, and all share a tilt."""
    rng = np.random.default_rng(seed)
    gains = 1 + 0.05 * rng.normal(size=(n_sets, N_ENDMEMBERS, N_BANDS))
    tilts = 1 + 0.1 * rng.normal(size=(n_sets, 1, 1)) * np.linspace(-1, 1, N_BANDS)
    endmembers = unit_norm(library()[None] * gains * tilts)
    abundances = rng.dirichlet(np.ones(N_ENDMEMBERS), size=(n_sets, 64))
    brightness = rng.uniform(0.5, 1.5, size=(n_sets, 64))
    pixels = brightness[:, :, None] * abundances @ endmembers + 0.02 * rng.normal(size=(n_sets, 64, N_BANDS))
    return SyntheticSets(pixels, endmembers, np.ones(endmembers.shape[:2]), abundances, brightness)


def almu(nalmu: NALMU) -> ALMU:
    return ALMU(nalmu, 8, torch.Generator().manual_seed(0))


def networks() -> dict[str, Any]:
    reference, norms, basis = library(), np.array([1.0, 0.7, 1.2]), np.eye(N_BANDS)
    return {
        "lista": LISTA(reference, norms, basis, N_LAYERS),
        "lista_cp": LISTACP(reference, norms, basis, N_LAYERS),
        "dnmf": DNMF(reference, norms, N_LAYERS),
        "nalmu": NALMU(reference, norms, N_LAYERS),
        "almu": almu(NALMU(reference, norms, N_LAYERS)),
    }


def disturbed(network: Any) -> Any:
    """The network as if it had learned something."""
    generator = torch.Generator().manual_seed(1)
    with torch.no_grad():
        for parameter in network.parameters():
            parameter += 0.02 * torch.randn(parameter.shape, generator=generator)
    return network


def pixels(n_pixels: int = 50, seed: int = 0) -> np.ndarray:
    rng = np.random.default_rng(seed)
    mixed = rng.dirichlet(np.ones(N_ENDMEMBERS), size=n_pixels) @ library() + 0.01 * rng.normal(
        size=(n_pixels, N_BANDS)
    )
    return mixed.astype(np.float32)


@pytest.mark.parametrize("network", [LISTA, LISTACP])
def test_lista_before_learning_is_ista(network):
    rng = np.random.default_rng(0)
    image, contributions = rng.random((30, N_BANDS)), rng.random((30, N_ENDMEMBERS))
    untrained = network(library(), np.ones(N_ENDMEMBERS), np.eye(N_BANDS), n_layers=1)
    Y, S = torch.tensor(image, dtype=torch.float32), torch.tensor(contributions, dtype=torch.float32)
    with torch.no_grad():
        stepped = untrained.contribution_step(0, Y, S, untrained.reference)
    np.testing.assert_allclose(stepped.numpy(), ista_step(image, contributions, library()), atol=1e-5)


@pytest.mark.parametrize("network", [LISTA, LISTACP])
def test_lista_leaves_the_endmembers_of_the_library(network):
    learned = disturbed(network(library(), np.ones(N_ENDMEMBERS), np.eye(N_BANDS), N_LAYERS))
    _, endmembers, used = learned(torch.from_numpy(pixels()))
    for given in (endmembers, *used):
        np.testing.assert_allclose(given.detach().numpy(), library(), atol=1e-6)


def test_nalmu_before_learning_is_multiplicative_updates():
    network = NALMU(library(), np.ones(N_ENDMEMBERS), N_LAYERS)
    Y = network.coordinates(torch.from_numpy(pixels()))
    contributions, endmembers = network.start(Y).double().numpy(), network.reference.double().numpy()
    for state in network.states(Y):
        used = endmembers
        contributions, endmembers = nmf_step(Y.double().numpy(), contributions, endmembers)
        norms = np.linalg.norm(used, axis=1)
        np.testing.assert_allclose(state.contributions.detach().numpy(), contributions * norms, atol=1e-5)
        np.testing.assert_allclose(state.endmembers.detach().numpy(), unit_norm(endmembers), atol=1e-5)


def test_almu_before_learning_is_nalmu():
    nalmu = disturbed(NALMU(library(), np.ones(N_ENDMEMBERS), N_LAYERS))
    Y = torch.from_numpy(np.abs(pixels()))
    for expected, actual in zip(nalmu(Y)[:2], almu(nalmu)(Y)[:2], strict=True):
        np.testing.assert_allclose(actual.detach().numpy(), expected.detach().numpy(), atol=1e-6)


def test_a_mask_acts_on_the_endmembers_alone():
    network = NALMU(library(), np.ones(N_ENDMEMBERS), N_LAYERS)
    Y = torch.from_numpy(np.abs(pixels()))
    before = list(network.states(Y))
    with torch.no_grad():
        network.log_masks[-1] += torch.linspace(-0.3, 0.3, N_BANDS)
    after = list(network.states(Y))
    for one, other in zip(before, after, strict=True):
        np.testing.assert_array_equal(other.contributions.detach(), one.contributions.detach())
    assert float((after[-1].endmembers - before[-1].endmembers).detach().abs().max()) > 1e-2


def test_masks_of_almu_follow_the_image_and_those_of_nalmu_do_not():
    nalmu = disturbed(NALMU(library(), np.ones(N_ENDMEMBERS), N_LAYERS))
    adaptive = disturbed(almu(nalmu))
    one, other = (
        torch.from_numpy(sets.pixels[0].astype(np.float32)).abs() for sets in map(synthetic_sets, (1, 1), (4, 5))
    )
    np.testing.assert_array_equal(nalmu.masks(one).detach(), nalmu.masks(other).detach())
    assert float((adaptive.masks(one) - adaptive.masks(other)).detach().abs().max()) > 1e-3


def test_dnmf_before_learning_is_the_multiplicative_update_of_contributions():
    rng = np.random.default_rng(0)
    image, contributions = rng.random((30, N_BANDS)), rng.random((30, N_ENDMEMBERS))
    network = DNMF(library(), np.ones(N_ENDMEMBERS), n_layers=1)
    Y, S = torch.tensor(image, dtype=torch.float32), torch.tensor(contributions, dtype=torch.float32)
    with torch.no_grad():
        stepped = network.contribution_step(0, Y, S, network.reference)
    expected, _ = nmf_step(image, contributions, library())
    np.testing.assert_allclose(stepped.numpy(), expected, atol=1e-5)


def test_adaptive_masks_beat_fixed_ones_and_fixed_ones_beat_none():
    training, validation, held_out = synthetic_sets(32, 1), synthetic_sets(16, 2), synthetic_sets(32, 3)
    nalmu = NALMU(library(), np.ones(N_ENDMEMBERS), N_LAYERS)
    unlearned = layer_errors(nalmu, held_out)[-1]
    train(nalmu, training, validation, SPEC, Run())
    fixed = layer_errors(nalmu, held_out)[-1]
    adaptive_network = almu(nalmu)
    train(adaptive_network, training, validation, SPEC, Run())
    adaptive = layer_errors(adaptive_network, held_out)[-1]
    assert adaptive.endmembers < fixed.endmembers < unlearned.endmembers
    assert adaptive.abundances <= fixed.abundances <= unlearned.abundances


@pytest.mark.parametrize("name", ["lista", "lista_cp"])
def test_lista_learns_from_synthetic_truth(name):
    network = networks()[name]
    network.norms.fill_(1.0)
    history = train(network, synthetic_sets(64, 1), synthetic_sets(16, 2), SPEC, Run())
    assert history.best.abundances < history.epochs[0].abundances
    assert history.best.abundances < history.baseline.abundances
    assert isinstance(layer_errors(network, synthetic_sets(4, 3))[0], Errors)


def test_dnmf_learns_the_reconstruction_and_stops_in_time():
    image = pixels(400).reshape(20, 20, N_BANDS)
    cube = cube_from_array(np.abs(image))
    spec = DnmfSpec(n_layers=N_LAYERS, n_training_sets=32, n_validation_sets=8, max_epochs=10)
    task = TrainingTask(cube, N_ENDMEMBERS, UnmixSpec(method="dnmf"))
    metrics: Any = train_dnmf(task, spec=spec).manifest.metrics
    errors = metrics["validation_reconstruction_nmse"]
    assert metrics["best_epoch"] > 0
    assert errors[metrics["best_epoch"]] == min(errors) < errors[0]
    hurried = UnmixSpec(method="dnmf", max_training_seconds=1e-6)
    metrics = train_dnmf(replace(task, request=hurried), spec=spec).manifest.metrics
    assert metrics["training_stopped_by"] == "max_training_seconds"
    assert len(metrics["validation_reconstruction_nmse"]) == 2


def test_the_reconstruction_error_of_dnmf_is_that_of_its_factors():
    network = disturbed(DNMF(library(), np.ones(N_ENDMEMBERS), N_LAYERS))
    Y = torch.from_numpy(np.abs(pixels()))
    contributions = network.contributions(Y, network(Y)[2])
    rebuilt = contributions @ network.lift(network.log_endmembers.exp())
    expected = float((((Y - rebuilt) ** 2).sum() / (Y**2).sum()).detach())
    assert float(reconstruction_error(network, Y).detach()) == pytest.approx(expected, rel=1e-4)


@pytest.mark.parametrize("name", sorted(networks()))
@pytest.mark.parametrize("n_pixels", [1, 7, 300])
def test_onnx_says_what_torch_says(name, n_pixels):
    graph = UnmixingGraph(disturbed(networks()[name]), np.arange(N_BANDS), 2.0)
    runner = ModelRunner(export_onnx(graph, pixels(20)), Compute())
    assert parity_error(graph, runner, pixels(n_pixels)) < 1e-4


@pytest.mark.parametrize("name", sorted(networks()))
def test_blocks_give_what_the_sample_gave(name):
    network = disturbed(networks()[name])
    Y = network.coordinates(torch.from_numpy(pixels(101)))
    with torch.no_grad():
        whole, _, used = network(Y)
        parts = torch.cat([network.contributions(block, used) for block in Y.split(17)])
    np.testing.assert_allclose(parts.numpy(), whole.numpy(), atol=1e-5)


def test_the_exported_cnnaeu_is_its_convolutions_at_every_pixel():
    rng = np.random.default_rng(0)
    image = rng.random((6, 7, N_BANDS)).astype(np.float32)
    used = np.arange(1, N_BANDS)
    network = CNNAEU(library()[:, used], CnnaeuSpec(n_filters=5, decoder=3)).eval()
    norms = np.linalg.norm(network.endmembers().detach().numpy(), axis=1)
    graph = NeighbourhoodGraph(network, used, 2.0, norms)
    rows = pixel_reader(cube_from_array(image), NEIGHBOURHOOD)(slice(None))
    with torch.no_grad():
        expected, _ = network(torch.from_numpy(image[:, :, used] / 2.0).permute(2, 0, 1)[None])
        _, abundances, _ = graph(torch.from_numpy(rows), torch.from_numpy(rows))
    np.testing.assert_allclose(abundances.numpy(), expected[0].flatten(1).T.numpy(), atol=1e-5)
    runner = ModelRunner(export_onnx(graph, rows), Compute())
    for n_pixels in (1, 5, 42):
        assert parity_error(graph, runner, rows[:n_pixels]) < 1e-5


def test_the_decoder_of_cnnaeu_starts_at_the_endmembers_it_is_given():
    network = CNNAEU(library(), CnnaeuSpec())
    np.testing.assert_allclose(unit_norm(network.endmembers().detach().numpy()), library(), atol=1e-5)
