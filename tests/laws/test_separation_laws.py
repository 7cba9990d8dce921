"""Laws of the separation of mixture matrices: PALM, its network, the library's start, the blind library."""

import numpy as np
import pytest
import torch

from unmixing.algorithms.endmembers import unit_norm
from unmixing.algorithms.metrics import nmse
from unmixing.algorithms.signed_palm import project_unit_ball, signed_ista, signed_palm, signed_palm_step
from unmixing.inference.runtime import ModelRunner
from unmixing.mixtures.blind import blind_library, noise_deviation, sparse_refinement
from unmixing.mixtures.matching import match_sources, matched
from unmixing.mixtures.networks.baselines import SeparationDNMF, SeparationLISTA, SeparationLISTACP
from unmixing.mixtures.networks.library_start import library_start, spd_inverse
from unmixing.mixtures.networks.separators import SeparationGraph, SeparationLPALM, Separator
from unmixing.mixtures.networks.training import reconstruction, train_separation
from unmixing.mixtures.sources import (
    MixturePrior,
    SourceModel,
    add_noise,
    fit_shape,
    generalised_gaussian,
    mix,
    recombine,
)
from unmixing.mixtures.specs import SeparationNetworkSpec
from unmixing.networks.export.onnx import export_onnx, parity_error
from unmixing.networks.training.loop import Run
from unmixing.types import Compute

N_CHANNELS, N_SOURCES = 30, 3
SOURCES = SourceModel((0.3,) * N_SOURCES, 30.0)
SPEC = SeparationNetworkSpec(
    n_layers=3, n_dimensions=15, n_components=6, samples_per_set=200, batch_sets=8, steps_per_epoch=6, max_epochs=3
)


def curves(n_matrices: int = 150, seed: int = 0) -> np.ndarray:
    """A library of Gaussian peaks whose place and width vary: (n_matrices, N_SOURCES, N_CHANNELS)."""
    rng = np.random.default_rng(seed)
    channels = np.linspace(0, 1, N_CHANNELS)
    places = np.array([0.2, 0.45, 0.75]) + 0.06 * rng.standard_normal((n_matrices, N_SOURCES))
    widths = rng.uniform(0.06, 0.16, (n_matrices, N_SOURCES))
    return unit_norm(np.exp(-(((channels - places[..., None]) / widths[..., None]) ** 2)))


def test_a_layer_with_large_ridges_is_a_palm_step():
    rng = np.random.default_rng(0)
    matrix = curves(1)[0]
    mixtures, sources = rng.standard_normal((40, N_CHANNELS)), rng.standard_normal((40, N_SOURCES))
    threshold, ridge = 0.05, 1e4
    spec = SPEC.model_copy(update={"n_layers": 1, "n_dimensions": N_CHANNELS, "n_components": N_CHANNELS})
    network = SeparationLPALM(curves(), spec)
    lipschitz = np.linalg.norm(matrix @ matrix.T, ord=2)
    expected_sources, expected_matrix = signed_palm_step(mixtures, sources, matrix, threshold)
    gram = expected_sources.T @ expected_sources
    with torch.no_grad():
        network.log_source_ridges.fill_(np.log(ridge))
        network.gains.fill_(ridge / lipschitz)
        network.log_thresholds.fill_(np.log(threshold / lipschitz))
        network.log_matrix_ridges.fill_(np.log(ridge))
        network.steps.fill_(ridge * np.trace(gram) / N_SOURCES / np.linalg.norm(gram, ord=2))
        network.shrinkage_logits.fill_(20.0)
        X, S, A = (torch.tensor(array, dtype=torch.float32) for array in (mixtures, sources, matrix))
        A = A @ network.basis.T
        stepped = network.source_step(0, X @ network.basis.T, S, A)
        rows = network.matrix_step(0, X @ network.basis.T, stepped, A) @ network.basis
    np.testing.assert_allclose(stepped.numpy(), expected_sources, atol=2e-3)
    np.testing.assert_allclose(rows.numpy(), expected_matrix, atol=2e-3)


def test_palm_steps_never_raise_the_objective():
    rng = np.random.default_rng(1)
    sets = mix(curves(1), SOURCES, 100, rng)
    mixtures, sources, matrix = sets.mixtures[0], np.zeros((100, N_SOURCES)), curves(1, seed=5)[0]

    def objective() -> float:
        return 0.5 * ((mixtures - sources @ matrix) ** 2).sum() + 0.01 * np.abs(sources).sum()

    for _ in range(30):
        before = objective()
        sources, matrix = signed_palm_step(mixtures, sources, matrix, 0.01)
        assert objective() <= before + 1e-12
        assert (np.linalg.norm(matrix, axis=1) <= 1 + 1e-12).all()


def test_the_unit_ball_holds_its_projections_and_leaves_them():
    rows = np.random.default_rng(0).standard_normal((5, 4)) * np.array([[0.1], [1], [3], [0.2], [9]])
    projected = project_unit_ball(rows)
    assert (np.linalg.norm(projected, axis=1) <= 1 + 1e-12).all()
    np.testing.assert_array_equal(projected[0], rows[0])
    np.testing.assert_allclose(project_unit_ball(projected), projected)


def test_palm_and_ista_recover_noiseless_sources():
    matrix = curves(1)[0]
    sources = SOURCES.draw(1, 200, np.random.default_rng(0))[0] * 10
    mixtures = sources @ matrix
    assert nmse(signed_ista(mixtures, matrix, 1e-8, tolerance=1e-9).contributions, sources) < 1e-6
    near = unit_norm(matrix + 0.02 * np.random.default_rng(1).standard_normal(matrix.shape))
    found = signed_palm(mixtures, near, 1e-3, tolerance=1e-6)
    assert nmse(found.endmembers, matrix) < 0.2 * nmse(near, matrix)


@pytest.mark.parametrize("shape", [0.3, 0.7, 1.0, 2.0])
def test_the_shape_of_drawn_sources_is_found_again(shape):
    values = generalised_gaussian(shape, (200_000,), np.random.default_rng(0))
    assert fit_shape(values) == pytest.approx(shape, rel=0.05)
    assert fit_shape(1e3 * values) == pytest.approx(fit_shape(values))


def test_noise_has_the_power_asked_for_and_is_measured():
    rng = np.random.default_rng(0)
    clean = SOURCES.draw(1, 2_000, rng)[0] @ curves(1)[0]
    noisy = add_noise(clean, 20.0, rng)
    assert nmse(noisy, clean) == pytest.approx(0.01, rel=1e-9)
    assert noise_deviation(noisy, N_SOURCES) == pytest.approx(np.std(noisy - clean), rel=0.02)


def test_recombined_matrices_take_every_column_from_the_library():
    library = curves(20)
    for matrix in recombine(library, 10, np.random.default_rng(0)):
        for source in range(N_SOURCES):
            assert (np.abs(library[:, source] - matrix[source]).max(axis=1) == 0).any()


def test_gauss_jordan_inverts():
    root = torch.randn(4, 6, 6, generator=torch.Generator().manual_seed(0))
    matrix = root @ root.transpose(-1, -2) + torch.eye(6)
    np.testing.assert_allclose((spd_inverse(matrix) @ matrix).numpy(), np.tile(np.eye(6), (4, 1, 1)), atol=1e-4)


def test_the_start_finds_matrices_that_are_not_in_the_library():
    library, unknown = curves(300), curves(20, seed=9)
    sets = mix(unknown, SOURCES, 300, np.random.default_rng(0))
    scaled = sets.mixtures / np.sqrt((sets.mixtures**2).sum(axis=2).mean(axis=1))[:, None, None]
    found = library_start(torch.tensor(scaled, dtype=torch.float32), torch.tensor(library, dtype=torch.float32))
    errors = [nmse(matrix, truth) for matrix, truth in zip(found.numpy(), unknown, strict=True)]
    baseline = [nmse(library.mean(axis=0), truth) for truth in unknown]
    assert np.mean(errors) < 0.1 * np.mean(baseline)


def test_training_beats_its_start_and_is_repeatable():
    histories = []
    spec = SPEC.model_copy(update={"max_epochs": 2})
    for _ in range(2):
        network = SeparationLPALM(curves(), spec)
        histories.append(train_separation(network, MixturePrior(curves(), SOURCES), spec, Run(3)))
    assert histories[0].best.sources < histories[0].epochs[0].sources
    assert histories[0] == histories[1]


def test_training_stops_at_the_first_epoch_after_its_time():
    ticks = iter(range(0, 1000, 10))
    history = train_separation(
        SeparationLPALM(curves(), SPEC), MixturePrior(curves(), SOURCES), SPEC, Run(0, 5.0, lambda: float(next(ticks)))
    )
    assert history.stopped_by == "max_training_seconds"
    assert len(history.epochs) == 1 + 1


def test_dnmf_learns_to_reconstruct_without_the_truth():
    wrong_sources = mix(curves(30), SOURCES, 200, np.random.default_rng(0))
    network = SeparationDNMF(curves(), SPEC)
    history = train_separation(network, MixturePrior(curves(), SOURCES), SPEC, Run(), reconstruction)
    assert len(history.epochs) > 1
    graph = SeparationGraph(network)
    sample = torch.tensor(wrong_sources.mixtures[0], dtype=torch.float32)
    with torch.no_grad():
        matrix, sources, _ = graph(sample, sample)
        untrained_matrix, untrained, _ = SeparationGraph(SeparationDNMF(curves(), SPEC))(sample, sample)
    assert nmse((sources @ matrix).numpy(), sample.numpy()) < nmse(
        (untrained @ untrained_matrix).numpy(), sample.numpy()
    )


def networks() -> list[Separator]:
    return [
        SeparationLPALM(curves(), SPEC),
        SeparationLPALM(curves(), SPEC, nonnegative=True),
        SeparationLISTA(curves(), SPEC),
        SeparationLISTACP(curves(), SPEC),
        SeparationDNMF(curves(), SPEC),
    ]


@pytest.mark.parametrize("index", range(5))
def test_every_network_exports_scales_and_separates_in_blocks(index):
    graph = SeparationGraph(networks()[index].requires_grad_(False))
    mixtures = mix(curves(1, seed=4), SOURCES, 120, np.random.default_rng(0)).mixtures[0].astype(np.float32)
    runner = ModelRunner(export_onnx(graph, mixtures[:20]), Compute())
    assert parity_error(graph, runner, mixtures) < 1e-4
    whole = runner.run(mixtures, mixtures)
    np.testing.assert_allclose(np.linalg.norm(whole.endmembers, axis=1), 1.0, rtol=1e-5)
    tolerance = 1e-4 * float(np.abs(whole.abundances).max())
    parts = np.concatenate([runner.run(mixtures, block).abundances for block in np.array_split(mixtures, 5)])
    np.testing.assert_allclose(parts, whole.abundances, atol=tolerance)
    larger = runner.run(1000 * mixtures, 1000 * mixtures)
    np.testing.assert_allclose(larger.abundances / 1000, whole.abundances, atol=tolerance)
    if index == 1:
        assert (whole.abundances >= 0).all()


def test_lista_starts_as_lista_cp():
    mixtures = torch.tensor(mix(curves(1), SOURCES, 50, np.random.default_rng(0)).mixtures[0], dtype=torch.float32)
    answers = [
        SeparationGraph(kind(curves(), SPEC))(mixtures, mixtures)[1] for kind in (SeparationLISTA, SeparationLISTACP)
    ]
    np.testing.assert_allclose(answers[0].detach().numpy(), answers[1].detach().numpy(), atol=1e-5)


def test_matching_undoes_order_and_signs():
    matrix = np.random.default_rng(0).standard_normal((4, 20))
    shuffled = np.array([[-1], [1], [-1], [1]]) * matrix[[2, 0, 3, 1]]
    order, signs = match_sources(shuffled, matrix)
    assert order.tolist() == [1, 3, 0, 2]
    assert signs.tolist() == [1, 1, -1, -1]
    np.testing.assert_array_equal(matched(shuffled, matrix), matrix)


def test_sparse_refinement_comes_nearer():
    sets = mix(curves(1), SOURCES, 500, np.random.default_rng(0))
    rough = unit_norm(curves(1)[0] + 0.1 * curves(1)[0][[1, 2, 0]])
    refined = sparse_refinement(sets.mixtures[0], rough, 0.5, noise_deviation(sets.mixtures[0], N_SOURCES))
    assert nmse(matched(refined, curves(1)[0]), curves(1)[0]) < 0.1 * nmse(rough, curves(1)[0])


def test_a_blind_library_surrounds_the_truth():
    truth = curves(1)[0]
    sets = mix(truth[None], SOURCES, 600, np.random.default_rng(2))
    found = blind_library(sets.mixtures[0], N_SOURCES, np.random.default_rng(0), nonnegative=False, n_runs=8)
    assert found.sparse
    assert found.sources.snr_db == pytest.approx(30.0, abs=0.5)
    errors = [nmse(matched(matrix, truth), truth) for matrix in found.matrices]
    assert max(errors) < 0.01
    np.testing.assert_allclose(np.linalg.norm(found.matrices, axis=2), 1.0)


def test_gaussian_like_sources_are_not_called_sparse():
    rng = np.random.default_rng(0)
    mixtures = rng.uniform(-1, 1, (500, N_SOURCES)) @ curves(1)[0] + 1e-3 * rng.standard_normal((500, N_CHANNELS))
    assert not blind_library(mixtures, N_SOURCES, rng, nonnegative=False, n_runs=4).sparse


def test_a_source_that_most_halves_lack_is_no_obstacle():
    rng = np.random.default_rng(0)
    sources = np.zeros((60, N_SOURCES))
    sources[:, :2] = rng.standard_normal((60, 2))
    sources[5, 2] = 3.0
    found = blind_library(sources @ curves(1)[0], N_SOURCES, rng, nonnegative=False, n_runs=6)
    assert np.isfinite(found.matrices).all()
