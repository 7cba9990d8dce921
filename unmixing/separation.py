"""separate(): a mixture matrix in, its sources and its mixing matrix out."""

import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from unmixing.blind_separation import blind_library
from unmixing.endmembers import unit_norm
from unmixing.errors import BandMismatchError, SceneContentError, SpecError
from unmixing.metrics import nmse
from unmixing.mixtures import SourceModel
from unmixing.runtime import BLOCK_PIXELS, ModelRunner, sample_of
from unmixing.separation_specs import SeparationNetworkSpec, SeparationSpec
from unmixing.types import Compute, Float32, Float64, Progress, TrainedModel

LIBRARY_DONE, TRAINING_DONE = 0.2, 0.95


@dataclass(frozen=True, eq=False)
class Separation:
    """What a mixture matrix is made of: mixtures ~ sources @ mixing_matrix.

    mixing_matrix: (n_sources, n_channels) float32, rows of norm 1. sources: (n_samples, n_sources) float32, in the
    units of the mixtures. Order and, for signed sources, signs are arbitrary unless a library gave them.
    metrics: JSON-able; how the mixtures were read (``nonnegative``, ``sparse``), ``reconstruction_nmse``, seconds.
    model: the network that made it.
    """

    mixing_matrix: Float32
    sources: Float32
    metrics: Mapping[str, Any]
    model: TrainedModel | None


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

    >>> result = separate(mixtures, SeparationSpec(n_sources=4))         # doctest: +SKIP
    >>> result.mixing_matrix.shape, result.sources.shape                 # doctest: +SKIP
    ((4, 65), (500, 4))
    """
    compute, report = compute or Compute(), progress or (lambda share, words: None)
    values = check_mixtures(mixtures, spec.n_sources)
    started = time.perf_counter()
    with threadpool_limits(compute.threads):
        metrics: dict[str, Any] = {}
        if model is None:
            prior = _prior(values, spec, library, report)
            metrics |= prior.metrics | {"seconds": {"library": round(time.perf_counter() - started, 4)}}
            model = _train(prior, values, spec, compute, report, network)
        else:
            require_model_fits(model, values.shape[1], spec.n_sources)
            metrics["nonnegative"] = bool(model.manifest["nonnegative"])
        trained = time.perf_counter()
        report(TRAINING_DONE, "separating the mixtures")
        mixing_matrix, sources = _apply(values, ModelRunner(model.onnx, compute))
    finished = time.perf_counter()
    learned = model.manifest["metrics"]
    seconds = {
        **learned.get("seconds", {}),
        **metrics.get("seconds", {}),
        "inference": round(finished - trained, 4),
        "total": round(finished - started, 4),
    }
    metrics = {**learned, **metrics, "reconstruction_nmse": nmse(sources @ mixing_matrix, values), "seconds": seconds}
    return Separation(mixing_matrix, sources, metrics, model)


def check_mixtures(mixtures: NDArray[Any], n_sources: int) -> Float32:
    """The mixtures as numbers to compute with, (n_samples, n_channels) float32.

    Raises SceneContentError and SpecError that name both numbers.
    """
    if mixtures.ndim != 2:
        raise SceneContentError(f"mixtures have {mixtures.ndim} dimensions, a mixture matrix has 2: samples, channels")
    n_samples, n_channels = mixtures.shape
    if n_channels < n_sources:
        raise SpecError(f"n_sources is {n_sources}, the mixtures have only {n_channels} channels")
    if n_samples <= n_sources:
        raise SceneContentError(
            f"the mixtures have {n_samples} rows; {n_sources} sources need at least {n_sources + 1}"
        )
    values: Float32 = np.asarray(mixtures).astype(np.float32)
    bad = np.argwhere(~np.isfinite(values))
    if len(bad):
        row, channel = bad[0]
        raise SceneContentError(
            f"{len(bad)} of {values.size} mixtures are not finite, the first in row {row}, channel {channel} "
            "(counted from 0)"
        )
    return values


def check_library(library: NDArray[Any], n_channels: int, n_sources: int) -> Float64:
    """Example mixing matrices (n_matrices, n_sources, n_channels) with rows of unit norm.

    Raises BandMismatchError, SpecError and SceneContentError that name both numbers.
    """
    if library.ndim != 3 or len(library) == 0:
        raise SceneContentError(f"mixing_library has shape {library.shape}; it has to be matrices, sources, channels")
    if library.shape[2] != n_channels:
        raise BandMismatchError(f"the mixtures have {n_channels} channels, mixing_library {library.shape[2]}")
    if library.shape[1] != n_sources:
        raise SpecError(f"n_sources is {n_sources}, the matrices of mixing_library have {library.shape[1]} sources")
    rows = np.asarray(library, dtype=np.float64)
    if not np.isfinite(rows).all() or not (np.linalg.norm(rows, axis=2) > 0).all():
        n_columns = rows.shape[0] * rows.shape[1]
        raise SceneContentError(f"mixing_library: of its {n_columns} columns at least 1 is 0 or not finite")
    return unit_norm(rows)


def require_model_fits(model: TrainedModel, n_channels: int, n_sources: int) -> None:
    """Whether a model separates mixtures of ``n_channels`` into ``n_sources``.

    Raises BandMismatchError and SpecError that name both numbers.
    """
    if model.manifest.get("kind") != "mixtures":
        raise SpecError("the model was trained on an image, not on mixtures")
    if model.manifest["n_bands"] != n_channels:
        trained = model.manifest["n_bands"]
        raise BandMismatchError(f"the mixtures have {n_channels} channels, the model was trained on {trained}")
    if model.manifest["n_endmembers"] != n_sources:
        raise SpecError(f"n_sources is {n_sources}, the model was trained for {model.manifest['n_endmembers']} sources")


@dataclass(frozen=True, eq=False)
class _Prior:
    """What a network is trained on, and what is said about it."""

    library: Float64
    sources: SourceModel
    metrics: dict[str, Any]


def _prior(values: Float32, spec: SeparationSpec, library: NDArray[Any] | None, report: Progress) -> _Prior:
    """The library given or found. How sources are distributed is always learned from the mixtures."""
    nonnegative = bool(values.min() >= 0) if spec.nonnegative is None else spec.nonnegative
    given = None if library is None else check_library(library, values.shape[1], spec.n_sources)
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
        "library": "mixtures" if given is None else "given",
        "library_matrices": len(blind.matrices if given is None else given),
    }
    return _Prior(blind.matrices if given is None else given, blind.sources, metrics)


def _train(
    prior: _Prior,
    values: Float32,
    spec: SeparationSpec,
    compute: Compute,
    report: Progress,
    network: SeparationNetworkSpec | None,
) -> TrainedModel:
    # Torch takes seconds to import, and applying a stored model never needs it.
    from unmixing.networks.separation_model import train_separation_model

    def part(share: float, words: str) -> None:
        report(LIBRARY_DONE + (TRAINING_DONE - LIBRARY_DONE) * share, words)

    example = sample_of(values, 1_024)
    return train_separation_model(prior.library, prior.sources, example, spec, compute, part, network)


def _apply(values: Float32, runner: ModelRunner) -> tuple[Float32, Float32]:
    """The model on all samples, block by block."""
    sample = sample_of(values)
    blocks = [runner.run(sample, values[first : first + BLOCK_PIXELS]) for first in range(0, len(values), BLOCK_PIXELS)]
    return blocks[0].endmembers, np.concatenate([block.abundances for block in blocks])
