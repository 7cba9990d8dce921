"""Runs a trained model with ONNX Runtime: no torch, block by block, memory set by the block."""

from dataclasses import dataclass

import numpy as np
import onnxruntime as ort
from numpy.typing import NDArray

from unmixing.errors import BandMismatchError
from unmixing.types import Compute, Float32

BLOCK_PIXELS = 65_536
SAMPLE_PIXELS = 4_096

OUTPUTS = ["endmembers", "abundances", "brightness", "uncertainty"]
"""Of a model, in this order; the last one only where it was learned."""


@dataclass(frozen=True, eq=False)
class ModelOutput:
    """endmembers (n_endmembers, n_used_bands), abundances (n_pixels, n_endmembers), brightness (n_pixels,), and the
    standard deviations of the abundances, (n_pixels, n_endmembers), where the model knows them."""

    endmembers: Float32
    abundances: Float32
    brightness: Float32
    uncertainty: Float32 | None = None


class ModelRunner:
    """One loaded ONNX model. Without a CUDA build of ONNX Runtime it runs on the CPU."""

    def __init__(self, onnx: bytes, compute: Compute) -> None:
        options = ort.SessionOptions()
        options.log_severity_level = 3
        options.intra_op_num_threads = compute.threads
        providers = ["CPUExecutionProvider"]
        if compute.device != "cpu" and "CUDAExecutionProvider" in ort.get_available_providers():
            providers.insert(0, "CUDAExecutionProvider")
        self._session = ort.InferenceSession(onnx, options, providers=providers)
        self.n_bands = int(self._session.get_inputs()[1].shape[1])

    def run(self, sample: Float32, pixels: Float32) -> ModelOutput:
        """Unmix ``pixels`` (n_pixels, n_bands) with the endmembers estimated on ``sample`` (n_sample, n_bands).

        Both hold finite numbers over all bands of the sensor; bands the model does not use may hold anything
        finite. Raises BandMismatchError when the number of bands is not the model's.
        """
        for name, array in (("sample", sample), ("pixels", pixels)):
            if array.shape[1] != self.n_bands:
                raise BandMismatchError(f"{name} has {array.shape[1]} bands, the model was trained on {self.n_bands}")
        outputs = self._session.run(None, {"sample": sample, "pixels": pixels})
        return ModelOutput(*outputs)


def sample_of(pixels: Float32, n_pixels: int = SAMPLE_PIXELS) -> Float32:
    """The pixels that stand for the image: all of a small one, else the same random choice every time."""
    return pixels[sample_indices(len(pixels), n_pixels)]


def sample_indices(n_all: int, n_pixels: int = SAMPLE_PIXELS) -> slice | NDArray[np.intp]:
    """Which of ``n_all`` pixels stand for the image; see ``sample_of``."""
    if n_all <= n_pixels:
        return slice(None)
    return np.sort(np.random.default_rng(0).choice(n_all, size=n_pixels, replace=False))
