"""separate(): a mixture matrix in, its sources and its mixing matrix out."""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from unmixing.algorithms.endmembers import unit_norm
from unmixing.algorithms.factorization import Factors
from unmixing.algorithms.metrics import nmse
from unmixing.errors import needing
from unmixing.inference.provenance import provenance
from unmixing.inference.runtime import BLOCK_PIXELS, ModelRunner
from unmixing.inference.sampling import sample_of
from unmixing.mixtures.checks import check_library, check_separation
from unmixing.mixtures.methods import Factorize, Solve, check_separation_method
from unmixing.mixtures.sources import MixturePrior
from unmixing.mixtures.specs import SeparationNetworkSpec, SeparationSpec
from unmixing.progress import Progress, never_back, part_of, silent
from unmixing.types import Compute, Float32, ResultWarning, TrainedModel
from unmixing.warnings.applying import residual_warning

LIBRARY_DONE, TRAINING_DONE = 0.2, 0.95


@dataclass(frozen=True, eq=False)
class Separation:
    """The factors of a mixture matrix: mixtures ~ sources @ mixing_matrix.

    mixing_matrix: (n_sources, n_channels) float32, rows of norm 1. sources: (n_samples, n_sources) float32, in the
    units of the mixtures. Order and, for signed sources, signs are arbitrary unless a library gave them.
    metrics: JSON-able; how the mixtures were read (``nonnegative``, ``sparse``), ``reconstruction_nmse``, seconds.
    model: the network that made it, None for methods without one. provenance: see ``Unmixing``.
    """

    mixing_matrix: Float32
    sources: Float32
    metrics: Mapping[str, Any]
    model: TrainedModel | None
    provenance: Mapping[str, Any] = field(default_factory=dict)

    @property
    def warnings(self) -> tuple[ResultWarning, ...]:
        """Why the answer may be wrong; see ``Unmixing``."""
        found = residual_warning(float(np.sqrt(self.metrics["reconstruction_nmse"])))
        return () if found is None else (found,)

    @property
    def source_names(self) -> tuple[str, ...]:
        return tuple(f"source {number}" for number in range(1, len(self.mixing_matrix) + 1))

    def with_metrics(self, metrics: Mapping[str, Any]) -> "Separation":
        """With more metrics; seconds are added stage by stage."""
        seconds = {**self.metrics.get("seconds", {}), **metrics.get("seconds", {})}
        return replace(self, metrics={**self.metrics, **metrics, "seconds": seconds})


def separate(
    mixtures: NDArray[Any],
    spec: SeparationSpec,
    *,
    library: NDArray[Any] | None = None,
    model: TrainedModel | None = None,
    compute: Compute | None = None,
    progress: Progress | None = None,
    network: SeparationNetworkSpec | None = None,
) -> Separation:
    """Find the sources of a mixture matrix and how they were mixed.

    mixtures: (n_samples, n_channels). library: example mixing matrices (n_matrices, n_sources, n_channels) to train
    on; without one the library comes from the mixtures themselves. model: use this one and train nothing.
    progress: called with the share done and the stage in words; it may raise Cancelled.

    Raises SceneContentError for mixtures that cannot be separated, SpecError for arguments that do not fit them,
    BandMismatchError for a library or model of other channels.

    >>> rng = np.random.default_rng(0)
    >>> mixtures = rng.random((100, 2)) @ rng.random((2, 12))
    >>> result = separate(mixtures, SeparationSpec(method="nmf", n_sources=2))
    >>> result.mixing_matrix.shape, result.sources.shape
    ((2, 12), (100, 2))
    """
    compute, report = compute or Compute(), never_back(progress or silent)
    values = check_separation(mixtures, spec, library, model)
    method, started = check_separation_method(spec.method), time.perf_counter()
    with threadpool_limits(compute.threads):
        if model is not None:
            found = _applied(values, model, compute, report)
        elif method.factorize is not None:
            found = _factorized(values, method.factorize, spec, report)
        else:
            prior, known = _prior(values, spec, library, report)
            if method.solve is not None:
                found = _solved_from(values, method.solve, prior, report)
            else:
                model = _train(prior, values, spec, compute, report, network)
                found = _applied(values, model, compute, report).with_metrics(
                    {**model.manifest.metrics, "seconds": model.seconds}
                )
            found = found.with_metrics(known)
    found = found.with_metrics(
        {
            "method": spec.method,
            "reconstruction_nmse": nmse(found.sources @ found.mixing_matrix, values),
            "seconds": {"total": round(time.perf_counter() - started, 4)},
        }
    )
    used = spec.model_dump(mode="json") | ({} if found.model is None else {"network": found.model.manifest.network})
    return replace(found, provenance=provenance(spec.method, used, found.metrics["seconds"]))


def _prior(
    values: Float32, spec: SeparationSpec, library: NDArray[Any] | None, report: Progress
) -> tuple[MixturePrior, dict[str, Any]]:
    """The library given or found, and what is said about it. How sources are distributed is always learned from the
    mixtures."""
    # scikit-learn takes a second to import, and only this needs it.
    with needing("train"):
        from unmixing.mixtures.blind import blind_library

    started = time.perf_counter()
    nonnegative = bool(values.min() >= 0) if spec.nonnegative is None else spec.nonnegative
    checked_library = None if library is None else check_library(library, values.shape[1], spec.n_sources)
    report(0.0, "separating random halves of the mixtures")
    scale = float(np.sqrt(np.mean(np.square(values, dtype=np.float64)))) or 1.0
    blind = blind_library(
        values / np.float32(scale),
        spec.n_sources,
        np.random.default_rng(spec.seed),
        nonnegative=nonnegative,
        sparse=spec.sparse,
        progress=lambda share: report(LIBRARY_DONE * share, "separating random halves of the mixtures"),
    )
    metrics = {
        "nonnegative": nonnegative,
        "nonnegative_decided_by": "mixtures" if spec.nonnegative is None else "request",
        "sparse": blind.sparse,
        "sparse_decided_by": "mixtures" if spec.sparse is None else "request",
        "source_shapes": list(blind.sources.shapes),
        "snr_db": blind.sources.snr_db,
        "agreeing_runs": blind.n_agreeing,
        "library": "mixtures" if checked_library is None else "given",
        "library_matrices": len(blind.matrices if checked_library is None else checked_library),
        "seconds": {"library": round(time.perf_counter() - started, 4)},
    }
    return MixturePrior(blind.matrices if checked_library is None else checked_library, blind.sources), metrics


def _train(
    prior: MixturePrior,
    values: Float32,
    spec: SeparationSpec,
    compute: Compute,
    report: Progress,
    network: SeparationNetworkSpec | None,
) -> TrainedModel:
    # Torch takes seconds to import, and applying a stored model never needs it.
    with needing("train"):
        from unmixing.mixtures.networks.model import train_separation_model

    example, part = sample_of(values, 1_024), _after_library(report)
    return train_separation_model(prior, example, spec, compute, part, network)


def _after_library(report: Progress) -> Progress:
    return part_of(report, LIBRARY_DONE, TRAINING_DONE)


def _solved_from(values: Float32, solve: Solve, prior: MixturePrior, report: Progress) -> Separation:
    """A solver that starts from the mean of the library."""
    start = unit_norm(prior.library.mean(axis=0))
    return _solved(values, lambda scaled: solve(scaled, start, prior.sources.nonnegative, _after_library(report)))


def _factorized(values: Float32, factorize: Factorize, spec: SeparationSpec, report: Progress) -> Separation:
    rng = np.random.default_rng(spec.seed)
    found = _solved(values, lambda scaled: factorize(scaled, spec.n_sources, rng, report))
    return found.with_metrics({"nonnegative": True, "nonnegative_decided_by": "method"})


def _solved(values: Float32, solve: Callable[[Float32], Factors]) -> Separation:
    """``solve`` works on mixtures of mean power 1, so that no method depends on their unit."""
    started = time.perf_counter()
    scale = np.float32(np.sqrt(np.mean(np.square(values).sum(axis=1))) or 1.0)
    found = solve(values / scale)
    norms = np.linalg.norm(found.endmembers, axis=1)
    matrix = found.endmembers / np.where(norms > 0, norms, 1.0)[:, None]
    metrics = {
        "iterations": found.iterations,
        "converged": found.converged,
        "seconds": {"solving": round(time.perf_counter() - started, 4)},
    }
    return Separation(
        matrix.astype(np.float32), (found.contributions * norms * scale).astype(np.float32), metrics, None
    )


def _applied(values: Float32, model: TrainedModel, compute: Compute, report: Progress) -> Separation:
    """The model on all samples, block by block."""
    started = time.perf_counter()
    report(TRAINING_DONE, "separating the mixtures")
    ready = ModelRunner(model.onnx, compute).prepare(sample_of(values))
    blocks = [ready.run(values[first : first + BLOCK_PIXELS]) for first in range(0, len(values), BLOCK_PIXELS)]
    metrics = {
        "nonnegative": bool(model.manifest.nonnegative),
        "seconds": {"inference": round(time.perf_counter() - started, 4)},
    }
    return Separation(blocks[0].endmembers, np.concatenate([block.abundances for block in blocks]), metrics, model)
