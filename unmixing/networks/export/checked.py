"""From a trained network to a model that can be stored: exported, checked against ONNX Runtime, described."""

import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import onnx
import torch
from pydantic import BaseModel
from torch import nn

from unmixing.inference.provenance import package_version
from unmixing.inference.reconstruction import ReconstructionMetrics
from unmixing.inference.runtime import ModelRunner
from unmixing.inference.sampling import sample_of
from unmixing.manifest import ModelManifest, Versions, endmember_names
from unmixing.networks.export.metadata import with_manifest
from unmixing.networks.export.onnx import export_onnx, parity_error, require_parity
from unmixing.specs import UnmixSpec
from unmixing.types import Compute, Cube, Float32, Float64, TrainedModel

PARITY_PIXELS = 1_024

TRAINING_RESIDUAL = "training_reconstruction_relative"


@dataclass
class Stages:
    """Seconds per stage, measured from one lap to the next."""

    seconds: dict[str, float] = field(default_factory=dict)
    _last: float = field(default_factory=time.perf_counter)

    def lap(self, stage: str) -> None:
        now = time.perf_counter()
        self.seconds[stage] = round(now - self._last, 4)
        self._last = now


@dataclass(frozen=True)
class TrainingReport:
    """Report of a training on its network: how it went, the norms of the endmembers in the units of the image, by what
    standard deviations of ``shape`` exceed those that follow from ``area``, and the side of the square of pixels that
    abundances depend on. given_names: of the endmembers that were given, the first ones."""

    metrics: Mapping[str, Any]
    endmember_norms: Float64
    shape_deviation_factors: Float64 | None = None
    neighbourhood: int = 1
    given_names: tuple[str, ...] = ()


def example_pixels(cube: Cube) -> Float32:
    """Pixels over all bands of the sensor on which a model is checked, (n_pixels, n_bands)."""
    return sample_of(np.nan_to_num(cube.values[cube.valid_pixels]), PARITY_PIXELS)


def checked_onnx(graph: nn.Module, example: Float32, compute: Compute) -> tuple[bytes, float]:
    """The graph as ONNX, and how far ONNX Runtime is from PyTorch on ``example`` (n, n_bands).

    Raises ModelParityError when that is too far.
    """
    content = export_onnx(graph, example)
    error = parity_error(graph, ModelRunner(content, Compute(threads=compute.threads)), example)
    require_parity(error)
    return content, error


def checked_model(graph: nn.Module, example: Float32, manifest: ModelManifest, compute: Compute) -> TrainedModel:
    """The graph as ONNX that carries ``manifest``, with its parity on ``example`` (n, n_bands) filled in, and how much
    of these pixels it leaves unexplained: on another scene that tells whether the model fits there.

    Raises ModelParityError when ONNX Runtime is too far from PyTorch.
    """
    content, error = checked_onnx(graph, example, compute)
    runner = ModelRunner(content, Compute(threads=compute.threads))
    metrics = {**manifest.metrics, TRAINING_RESIDUAL: _residual(runner, example, manifest)}
    checked = manifest.model_copy(update={"onnx_parity": error, "metrics": metrics})
    return TrainedModel(with_manifest(content, checked), checked)


def _residual(runner: ModelRunner, example: Float32, manifest: ModelManifest) -> float:
    """||X - M|| / ||X|| over the used bands of the pixels of ``example`` themselves, without those around them."""
    centre = manifest.neighbourhood**2 // 2 * manifest.n_bands
    pixels = example[:, centre : centre + manifest.n_bands][:, list(manifest.used_bands)]
    reconstruction = ReconstructionMetrics()
    reconstruction.add(pixels, runner.run(example, example))
    return reconstruction.relative


def image_manifest(
    cube: Cube, n_endmembers: int, request: UnmixSpec, spec: BaseModel, report: TrainingReport
) -> ModelManifest:
    """The manifest of a model trained on ``cube``, not yet checked. It says nothing of ``request.abundances_of``: the
    model answers both, and equal trainings give equal bytes."""
    factors = report.shape_deviation_factors
    return ModelManifest(
        kind="image",
        method=request.method,
        request=request.model_dump(mode="json", exclude={"abundances_of"}),
        network=spec.model_dump(mode="json"),
        n_bands=cube.shape[2],
        used_bands=tuple(np.flatnonzero(cube.used_bands).tolist()),
        n_endmembers=n_endmembers,
        endmember_names=endmember_names(report.given_names, n_endmembers),
        n_given=len(report.given_names),
        wavelengths_nm=None if cube.wavelengths_nm is None else tuple(cube.wavelengths_nm.tolist()),
        neighbourhood=report.neighbourhood,
        abundances_of="area",
        endmember_norms=tuple(report.endmember_norms.tolist()),
        shape_deviation_factors=None if factors is None else tuple(factors.tolist()),
        versions=versions(),
        metrics=dict(report.metrics),
    )


def versions() -> Versions:
    """Of everything that makes a model."""
    return Versions(
        project=package_version("unmixing-service") or "unknown",
        torch=torch.__version__,
        onnx=onnx.__version__,
        onnxruntime=package_version("onnxruntime") or "unknown",
    )
