"""From a trained network to a model that can be stored: exported, checked against ONNX Runtime, described."""

import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from pydantic import BaseModel
from torch import nn

from unmixing.inference.runtime import ModelRunner, sample_of
from unmixing.networks.export.onnx import export_onnx, parity_error, require_parity
from unmixing.specs import UnmixSpec
from unmixing.types import Compute, Cube, Float32

PARITY_PIXELS = 1_024


@dataclass
class Stages:
    """Seconds per stage, measured from one lap to the next."""

    seconds: dict[str, float] = field(default_factory=dict)
    _last: float = field(default_factory=time.perf_counter)

    def lap(self, stage: str) -> None:
        now = time.perf_counter()
        self.seconds[stage] = round(now - self._last, 4)
        self._last = now


def example_pixels(cube: Cube) -> Float32:
    """Pixels over all bands of the sensor on which a model is checked, (n_pixels, n_bands)."""
    return sample_of(np.nan_to_num(cube.values[cube.valid_pixels]), PARITY_PIXELS)


def checked_onnx(graph: nn.Module, example: Float32, compute: Compute) -> tuple[bytes, float]:
    """The graph as ONNX, and how far ONNX Runtime is from PyTorch on ``example``.

    Raises ModelParityError when that is too far.
    """
    onnx = export_onnx(graph, example)
    error = parity_error(graph, ModelRunner(onnx, Compute(threads=compute.threads)), example)
    require_parity(error)
    return onnx, error


def manifest(
    cube: Cube, n_endmembers: int, request: UnmixSpec, spec: BaseModel, error: float, metrics: Mapping[str, Any]
) -> dict[str, Any]:
    """What has to be known to use the model again; see ``TrainedModel``."""
    return {
        "method": request.method,
        "n_bands": cube.shape[2],
        "used_bands": np.flatnonzero(cube.used_bands).tolist(),
        "n_endmembers": n_endmembers,
        "endmember_names": [f"endmember {number}" for number in range(1, n_endmembers + 1)],
        "wavelengths_nm": None if cube.wavelengths_nm is None else cube.wavelengths_nm.tolist(),
        "spec": {**request.model_dump(), request.method: spec.model_dump()},
        "metrics": metrics,
        "onnx_parity": error,
    }


def scaled_pixels(cube: Cube) -> tuple[Float32, float]:
    """The valid pixels divided by their median norm, and that norm."""
    pixels = cube.pixels()
    scale = float(np.median(np.linalg.norm(pixels, axis=1)))
    return pixels / np.float32(scale), scale
