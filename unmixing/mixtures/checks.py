"""Whether mixtures, spec, library and model fit together, found out before anything is computed."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from unmixing.algorithms.endmembers import unit_norm
from unmixing.errors import BandMismatchError, SceneContentError, SpecError
from unmixing.mixtures.methods import check_separation_method, require_signs_fit
from unmixing.mixtures.specs import SeparationSpec
from unmixing.types import Float32, Float64, TrainedModel


def check_separation(
    mixtures: NDArray[Any], spec: SeparationSpec, library: NDArray[Any] | None, model: TrainedModel | None
) -> Float32:
    """The mixtures as numbers to compute with, once everything in a request fits together. Raises as ``separate``."""
    method = check_separation_method(spec.method)
    values = check_mixtures(mixtures, spec.n_sources)
    require_signs_fit(values, spec.method)
    if model is not None:
        require_model_fits(model, values.shape[1], spec)
    if library is not None and (method.factorize is not None or model is not None):
        raise SpecError(f"a {'model' if model is not None else spec.method} needs no mixing_library; leave it out")
    if library is not None:
        check_library(library, values.shape[1], spec.n_sources)
    return values


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
    with np.errstate(over="ignore", invalid="ignore"):
        norms = np.linalg.norm(rows, axis=2)
    if not (np.isfinite(norms) & (norms > 0)).all():
        n_columns = rows.shape[0] * rows.shape[1]
        raise SceneContentError(
            f"mixing_library: of its {n_columns} columns at least 1 is 0, not finite or too large to be squared"
        )
    return unit_norm(rows)


def require_model_fits(model: TrainedModel, n_channels: int, spec: SeparationSpec) -> None:
    """Whether a model separates mixtures of ``n_channels`` as ``spec`` asks for.

    Raises BandMismatchError and SpecError that name both numbers.
    """
    if model.manifest.kind != "mixtures":
        raise SpecError("the model was trained on an image, not on mixtures")
    if model.manifest.n_bands != n_channels:
        trained = model.manifest.n_bands
        raise BandMismatchError(f"the mixtures have {n_channels} channels, the model was trained on {trained}")
    if model.manifest.n_endmembers != spec.n_sources:
        trained = model.manifest.n_endmembers
        raise SpecError(f"n_sources is {spec.n_sources}, the model was trained for {trained} sources")
    if model.manifest.method != spec.method:
        raise SpecError(f"method is {spec.method!r}, the model is of method {model.manifest.method!r}")
