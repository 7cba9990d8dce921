"""The methods of the astrophysics benchmark: what each is before the test mixtures are seen, and how it separates."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
import torch

from benchmarks.astro_data import PAPER_SOURCES, synthetic
from unmixing.algorithms.endmembers import unit_norm
from unmixing.algorithms.factorization import Factors
from unmixing.algorithms.metrics import nmse
from unmixing.algorithms.signed_palm import signed_ista, signed_palm
from unmixing.inference.runtime import ModelRunner
from unmixing.inference.sampling import SAMPLE_PIXELS, sample_indices, sample_of
from unmixing.mixtures.matching import match_sources
from unmixing.mixtures.networks.baselines import SeparationDNMF, SeparationLISTA, SeparationLISTACP
from unmixing.mixtures.networks.separators import SeparationGraph, SeparationLPALM, Separator, root_mean_power
from unmixing.mixtures.networks.training import (
    Loss,
    reconstruction,
    sources_alone,
    supervised,
    train_separation,
)
from unmixing.mixtures.sources import MixturePrior
from unmixing.mixtures.specs import SeparationNetworkSpec
from unmixing.networks.export.checked import checked_onnx
from unmixing.networks.training.loop import Run
from unmixing.types import Compute, Float32, Float64

THRESHOLDS = (2e-3, 5e-3, 1e-2, 2e-2, 5e-2)
"""Candidates, for mixtures of mean power 1: 2e-2 is the paper's 2e-3 for 500 samples of four sources of norm 1."""
TUNING_MIXTURES = 12


@dataclass(frozen=True, eq=False)
class Answer:
    """sources (n_samples, n_sources), mixing_matrix (n_sources, n_channels), and layers or iterations."""

    sources: Float64
    mixing_matrix: Float64
    iterations: int


def in_order_of(truth: Float64, answer: Answer) -> Answer:
    """The answer, its sources matched to those of the mixing matrix ``truth`` (n_sources, n_channels): by the absolute
    value of the cosine of their columns, signs turned where the cosine is negative."""
    order, signs = match_sources(answer.mixing_matrix, truth)
    rows = unit_norm(answer.mixing_matrix[order] * signs[:, None])
    return Answer(answer.sources[:, order] * signs, rows, answer.iterations)


@dataclass(frozen=True)
class Ready:
    """A method after its training or tuning. ``separate`` takes mixtures (n_samples, n_channels)."""

    name: str
    training_seconds: float
    n_parameters: int
    separate: Callable[[Float64], Answer]


def learned(name: str, network: Separator, library: Float64, loss: Loss, spec: SeparationNetworkSpec) -> Ready:
    """Train on the library with the paper's sources, export, and answer with ONNX Runtime. Loss by loss: LISTA and
    LISTA-CP estimate sources alone, DNMF sees no truth."""
    started = time.perf_counter()
    train_separation(network, MixturePrior(library, PAPER_SOURCES), spec, Run(), loss)
    seconds = time.perf_counter() - started
    example = synthetic(library[:1], seed=1).mixtures[0].astype(np.float32)
    onnx, _ = checked_onnx(SeparationGraph(network), example, Compute())
    runner = ModelRunner(onnx, Compute(threads=torch.get_num_threads()))

    def separate(mixtures: Float64) -> Answer:
        values: Float32 = mixtures.astype(np.float32)
        output = runner.run(sample_of(values), values)
        return Answer(output.abundances.astype(np.float64), output.endmembers.astype(np.float64), network.n_layers)

    n_parameters = sum(parameter.numel() for parameter in network.parameters())
    return Ready(name, seconds, n_parameters, separate)


def networks(library: Float64, spec: SeparationNetworkSpec) -> list[Ready]:
    """Every network of the table, trained."""
    return [
        learned("LPALM", SeparationLPALM(library, spec), library, supervised, spec),
        learned("LISTA", SeparationLISTA(library, spec), library, sources_alone, spec),
        learned("LISTA-CP", SeparationLISTACP(library, spec), library, sources_alone, spec),
        learned("DNMF", SeparationDNMF(library, spec), library, reconstruction, spec),
    ]


def classical(library: Float64, thresholds: Sequence[float] = THRESHOLDS) -> list[Ready]:
    """PALM and ISTA from the mean training matrix, PALM and least squares from LPALM's own start; thresholds tuned on
    training matrices, for the median NMSE of the matched sources."""
    mean = library.mean(axis=0)
    return [
        _tuned("PALM", library, thresholds, lambda mixtures: mean, signed_palm),
        _tuned("ISTA", library, thresholds, lambda mixtures: mean, signed_ista),
        _tuned("PALM, LPALM's start", library, thresholds, library_starter(library), signed_palm),
        Ready("least squares, LPALM's start", 0.0, 0, partial(_least_squares, library_starter(library))),
    ]


def _least_squares(start: Callable[[Float64], Float64], mixtures: Float64) -> Answer:
    """The answer of LPALM without a layer."""
    matrix = unit_norm(start(mixtures[sample_indices(len(mixtures), SAMPLE_PIXELS)]))
    return Answer(mixtures @ np.linalg.pinv(matrix), matrix, 0)


def library_starter(library: Float64) -> Callable[[Float64], Float64]:
    """LPALM's start without LPALM: mixtures (n_samples, n_channels) to a mixing matrix."""
    network = SeparationLPALM(library, SeparationNetworkSpec(n_layers=1))

    def start(mixtures: Float64) -> Float64:
        values = torch.from_numpy(mixtures.astype(np.float32))
        coordinates = (values / root_mean_power(values)) @ network.basis.T
        matrix: Float64 = (network.start(coordinates, network.library) @ network.basis).numpy().astype(np.float64)
        return matrix

    return start


Solver = Callable[[Float64, Float64, float], Factors]


def _tuned(
    name: str,
    library: Float64,
    thresholds: Sequence[float],
    start: Callable[[Float64], Float64],
    solve: Solver,
) -> Ready:
    started = time.perf_counter()
    sets = synthetic(library[:: max(1, len(library) // TUNING_MIXTURES)][:TUNING_MIXTURES], seed=2)

    def cost(threshold: float) -> float:
        answers = [classical_answer(mixtures, start(mixtures), threshold, solve) for mixtures in sets.mixtures]
        truths = zip(answers, sets.sources, sets.mixing_matrices, strict=True)
        return float(np.median([nmse(in_order_of(matrix, answer).sources, truth) for answer, truth, matrix in truths]))

    best = min(thresholds, key=cost) if len(thresholds) > 1 else thresholds[0]
    seconds = time.perf_counter() - started
    named = f"{name} (threshold {best:g})"
    return Ready(named, seconds, 0, lambda mixtures: classical_answer(mixtures, start(mixtures), best, solve))


def classical_answer(mixtures: Float64, start: Float64, threshold: float, solve: Solver) -> Answer:
    """Scaled to mean power 1; the mixing matrix from the same sample of large mixtures that LPALM looks at, then the
    sources of all by ISTA. Columns have norm 1."""
    scale = float(np.sqrt(np.mean(np.square(mixtures).sum(axis=1))))
    sample = (mixtures / scale)[sample_indices(len(mixtures), SAMPLE_PIXELS)]
    found = solve(sample, start, threshold)
    matrix, sources = found.endmembers, found.contributions
    if len(sample) < len(mixtures):
        sources = signed_ista(mixtures / scale, matrix, threshold).contributions
    norms = np.maximum(np.linalg.norm(matrix, axis=1), 1e-12)
    return Answer(sources * norms * scale, matrix / norms[:, None], found.iterations)
