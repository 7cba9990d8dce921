"""LPALM beside PALM, step by step, on mixture matrices whose truth is known."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from scipy.ndimage import gaussian_filter1d

from benchmarks.astro_data import PAPER_SOURCES, read_cassiopeia, synthetic
from unmixing.algorithms.endmembers import unit_norm
from unmixing.algorithms.metrics import nmse
from unmixing.algorithms.signed_palm import signed_palm_step
from unmixing.mixtures.networks.separators import SeparationLPALM
from unmixing.mixtures.networks.training import as_batch, train_separation
from unmixing.mixtures.sources import MixturePrior, MixtureSets
from unmixing.mixtures.specs import SeparationNetworkSpec
from unmixing.networks.training.loop import Run
from unmixing.types import Float64

PALM, PALM_STARTED, LAYER_BY_LAYER, BY_DEPTH = "PALM", "PALM, LPALM's start", "LPALM, layer by layer", "LPALM"
TRAINING_SEED, TUNING_SEED, TEST_SEED = 0, 2, 3
N_MATRICES, N_CHANNELS, N_SOURCES = 360, 65, 4
SMOOTHNESS = 4.0
N_MODES, MODE_DEVIATION = 4, 0.2
"""Directions in which a generated column varies, and how far along each, its own norm being 1."""


@dataclass(frozen=True)
class Size:
    """How much is computed: the network that is looked into, all depths that are trained, test mixtures, PALM's
    iterations at most, its candidate thresholds for mixtures of mean power 1, and the mixtures they are tuned on."""

    network: SeparationNetworkSpec
    depths: tuple[int, ...]
    n_test: int
    max_iterations: int
    thresholds: tuple[float, ...]
    n_tuning: int


FULL = Size(SeparationNetworkSpec(), (1, 2, 4, 10), 150, 3_000, (2e-3, 5e-3, 1e-2, 2e-2, 5e-2), 12)
QUICK = Size(
    SeparationNetworkSpec(n_layers=2, max_epochs=1, steps_per_epoch=2, batch_sets=4), (1, 2), 3, 20, (2e-2,), 2
)


@dataclass(frozen=True)
class Spread:
    """NMSE over the test mixtures: median, mean, 10th and 90th percentile."""

    median: float
    mean: float
    low: float
    high: float


@dataclass(frozen=True)
class Point:
    """Errors of a method after ``n_steps`` layers or iterations; ``threshold`` is PALM's."""

    method: str
    n_steps: int
    sources: Spread
    mixing_matrix: Spread
    threshold: float | None = None


@dataclass(frozen=True, eq=False)
class Matrices:
    """Mixing matrices to train with and to test on, (n, n_sources, n_channels), and where they come from, in words."""

    training: Float64
    test: Float64
    words: str


def mixing_matrices(folder: Path) -> Matrices:
    """Those of ``casa.npz`` in ``folder``, or generated ones when there is no such file."""
    path = folder / "casa.npz"
    if not path.is_file():
        return generated_matrices(np.random.default_rng(0))
    data = read_cassiopeia(path)
    return Matrices(data.training, data.test, "Cassiopeia A")


def generated_matrices(rng: np.random.Generator) -> Matrices:
    """Smooth random columns; each source's vary around their mean along a few smooth directions of its own."""
    smooth = gaussian_filter1d(rng.standard_normal((N_SOURCES, N_MODES + 1, N_CHANNELS)), SMOOTHNESS, axis=2)
    means, modes = np.split(unit_norm(smooth), [1], axis=1)
    weights = MODE_DEVIATION * rng.standard_normal((N_MATRICES, N_SOURCES, 1, N_MODES))
    matrices = unit_norm((means + weights @ modes)[:, :, 0])
    n_test = N_MATRICES // 6
    return Matrices(matrices[n_test:], matrices[:n_test], "generated smooth columns")


def curves(matrices: Matrices, size: Size, progress: Callable[[str], None]) -> list[Point]:
    """PALM from the mean training matrix and from LPALM's own start, a deep LPALM after each of its layers, and
    LPALMs of several depths after their last."""
    sets = scaled(synthetic(thinned(matrices.test, size.n_test), TEST_SEED))
    points, deepest = [], max(size.depths)
    for depth in size.depths:
        network = trained(matrices.training, size.network.model_copy(update={"n_layers": depth}))
        states = list(network_states(network, sets))
        if depth == deepest:
            points += [_point(LAYER_BY_LAYER, layer, state, sets) for layer, state in enumerate(states, start=1)]
        points.append(_point(BY_DEPTH, depth, states[-1], sets))
        progress(f"LPALM of {depth} layers: NMSE of S {points[-1].sources.median:.5f}")
    tuning = scaled(synthetic(thinned(matrices.training, size.n_tuning), TUNING_SEED))
    mean = matrices.training.mean(axis=0)
    for name, start in (
        (PALM, lambda sets: np.broadcast_to(mean, sets.mixing_matrices.shape)),
        (PALM_STARTED, lambda sets: library_starts(network, sets)),
    ):
        threshold = tuned(tuning, start(tuning), size)
        points += palm_points(name, sets, start(sets), threshold, log_spaced(size.max_iterations))
        progress(f"{name}: threshold {threshold:g}, NMSE of S {points[-1].sources.median:.5f}")
    return points


def thinned(matrices: Float64, n_kept: int) -> Float64:
    """``n_kept`` of them at most, evenly spread."""
    kept: Float64 = matrices[np.unique(np.linspace(0, len(matrices) - 1, n_kept).astype(int))]
    return kept


def scaled(sets: MixtureSets) -> MixtureSets:
    """Mixtures of mean power 1, with their sources."""
    scale = np.sqrt(np.square(sets.mixtures).sum(axis=2, keepdims=True).mean(axis=1, keepdims=True))
    return MixtureSets(sets.mixtures / scale, sets.mixing_matrices, sets.sources / scale)


def trained(library: Float64, spec: SeparationNetworkSpec) -> SeparationLPALM:
    network = SeparationLPALM(library, spec)
    train_separation(network, MixturePrior(library, PAPER_SOURCES), spec, Run(TRAINING_SEED))
    return network


Factored = tuple[Float64, Float64]
"""Sources (n_sets, n_samples, n_sources) and mixing matrices (n_sets, n_sources, n_channels) with rows of norm 1."""


def network_states(network: SeparationLPALM, sets: MixtureSets) -> Iterator[Factored]:
    """Factors after each layer of the network, over all channels."""
    batch = as_batch(network, sets)
    with torch.no_grad():
        states = network.trajectory(batch.mixtures, network.start(batch.mixtures, network.library))
        for sources, coordinates in states:
            yield normalised(*(tensor.double().numpy() for tensor in (sources, coordinates @ network.basis)))


def library_starts(network: SeparationLPALM, sets: MixtureSets) -> Float64:
    """The mixing matrices LPALM starts from, which no training changes."""
    batch = as_batch(network, sets)
    starts: Float64 = (network.start(batch.mixtures, network.library) @ network.basis).double().numpy()
    return starts


def normalised(sources: Float64, matrices: Float64) -> Factored:
    norms = np.maximum(np.linalg.norm(matrices, axis=2, keepdims=True), 1e-12)
    return sources * norms.swapaxes(1, 2), matrices / norms


def tuned(sets: MixtureSets, starts: Float64, size: Size) -> float:
    """The threshold with the smallest median NMSE of the sources in the end."""
    if len(size.thresholds) == 1:
        return size.thresholds[0]
    return min(
        size.thresholds,
        key=lambda threshold: palm_points(PALM, sets, starts, threshold, (size.max_iterations,))[0].sources.median,
    )


def log_spaced(largest: int) -> tuple[int, ...]:
    """Counts of iterations from 1 to ``largest``, about a dozen per factor of ten and its powers."""
    exponent = np.log10(largest)
    counts = np.concatenate([np.geomspace(1, largest, int(12 * exponent) + 2), 10.0 ** np.arange(int(exponent) + 1)])
    return tuple(int(count) for count in np.unique(counts.round()))


def palm_points(name: str, sets: MixtureSets, starts: Float64, threshold: float, counts: Sequence[int]) -> list[Point]:
    """The errors after so many iterations (increasing) of ``signed_palm_step``, from no sources."""
    states = [list(_palm_states(*pair, threshold, counts)) for pair in zip(sets.mixtures, starts, strict=True)]
    points = []
    for count, found in zip(counts, zip(*states, strict=True), strict=True):
        state = normalised(np.stack([sources for sources, _ in found]), np.stack([matrix for _, matrix in found]))
        points.append(_point(name, count, state, sets, threshold))
    return points


def _palm_states(mixtures: Float64, start: Float64, threshold: float, counts: Sequence[int]) -> Iterator[Factored]:
    sources, matrix = np.zeros((len(mixtures), len(start))), start
    wanted = set(counts)
    for iteration in range(1, max(counts) + 1):
        sources, matrix = signed_palm_step(mixtures, sources, matrix, threshold)
        if iteration in wanted:
            yield sources, matrix


def _point(name: str, n_steps: int, state: Factored, sets: MixtureSets, threshold: float | None = None) -> Point:
    sources, matrices = state
    return Point(name, n_steps, _spread(sources, sets.sources), _spread(matrices, sets.mixing_matrices), threshold)


def _spread(estimated: Float64, truth: Float64) -> Spread:
    errors = [nmse(*pair) for pair in zip(estimated, truth, strict=True)]
    low, median, high = (float(value) for value in np.percentile(errors, [10, 50, 90]))
    return Spread(median, float(np.mean(errors)), low, high)


def steps_to_reach(points: Sequence[Point], method: str, target: Point) -> tuple[int | None, int | None]:
    """After how many steps the medians of ``method`` are as good as those of ``target``, for sources and for the
    mixing matrix; None where they never are."""

    def first(reached: Callable[[Point], bool]) -> int | None:
        return next((point.n_steps for point in points if point.method == method and reached(point)), None)

    return (
        first(lambda point: point.sources.median <= target.sources.median),
        first(lambda point: point.mixing_matrix.median <= target.mixing_matrix.median),
    )
