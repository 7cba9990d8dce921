"""Runs a trained model with ONNX Runtime: no torch, block by block, memory set by the block."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import onnxruntime as ort

from unmixing.errors import BandMismatchError
from unmixing.types import Compute, Float32

BLOCK_PIXELS = 16_384

PIXELS_AT_ONCE = 16
"""The processor takes so many numbers in one step, and computes a rest smaller than that one by one, with another last
digit: no pixel is such a rest, so that its answer does not depend on how the image was divided."""

OUTPUTS = ["endmembers", "abundances", "brightness", "uncertainty"]
"""Of a model, in this order; the last one only where it was learned."""

STATE, LAYERS = "layers", "layers_of_sample"
"""The optional input, and the output that belongs there, with the endmembers each layer works with and those that are
the answer: found once from a sample, given for every block of the image."""


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
        shapes = {entry.name: entry.shape for entry in self._session.get_inputs()}
        self.n_bands = int(shapes["pixels"][1])
        optional = {entry.name for entry in self._session.get_overridable_initializers()}
        self._takes_state = STATE in optional

    def prepare(self, sample: Float32) -> "PreparedModel":
        """The model made ready for the image that ``sample`` (n_sample, n_bands) stands for; done once per image.

        Raises BandMismatchError when the number of bands is not the model's.
        """
        self.require_bands("sample", sample)
        inputs = {"sample": sample, "pixels": sample[:1]}
        if not self._takes_state:
            (endmembers,) = self._session.run(OUTPUTS[:1], inputs)
            return self.restore(endmembers, {"sample": sample})
        endmembers, layers = self._session.run([OUTPUTS[0], LAYERS], inputs, _only_what_is_asked_for())
        return self.restore(endmembers, {"sample": sample[:1], STATE: layers})

    def restore(self, endmembers: Float32, state: Mapping[str, Float32]) -> "PreparedModel":
        """The prepared model of ``prepare``, perhaps in another process, from its ``endmembers`` and ``state``."""
        return PreparedModel(self, self._session, dict(state), endmembers)

    def run(self, sample: Float32, pixels: Float32) -> ModelOutput:
        """``prepare`` for ``sample``, then unmix ``pixels``."""
        return self.prepare(sample).run(pixels)

    def require_bands(self, name: str, array: Float32) -> None:
        """Raises BandMismatchError when ``array`` (n, n_bands) has other bands than the model."""
        if array.shape[1] != self.n_bands:
            raise BandMismatchError(f"{name} has {array.shape[1]} bands, the model was trained on {self.n_bands}")


class PreparedModel:
    """A model that knows its image: unmixes any number of that image's pixels. Safe to use from threads.

    state: the inputs beside the pixels. endmembers: (n_endmembers, n_used_bands).
    """

    def __init__(
        self, runner: ModelRunner, session: ort.InferenceSession, state: dict[str, Float32], endmembers: Float32
    ) -> None:
        self.endmembers, self.state = endmembers, state
        self._runner, self._session = runner, session
        self._options = _only_what_is_asked_for()
        known = {entry.name for entry in session.get_outputs()}
        self._outputs = [name for name in OUTPUTS[1:] if name in known]

    @property
    def has_uncertainty(self) -> bool:
        """Whether the model says how far abundances may be off."""
        return OUTPUTS[3] in self._outputs

    def run(self, pixels: Float32) -> ModelOutput:
        """Unmix ``pixels`` (n_pixels, n_bands).

        They hold finite numbers over all bands of the sensor; bands the model does not use may hold anything finite.
        Raises BandMismatchError when the number of bands is not the model's.
        """
        self._runner.require_bands("pixels", pixels)
        filled = _filled_up(pixels)
        answer = self._session.run(self._outputs, {**self.state, "pixels": filled}, self._options)
        return ModelOutput(self.endmembers, *(values[: len(pixels)] for values in answer))


def _filled_up(pixels: Float32) -> Float32:
    """The pixels and some more, so that their number is a multiple of ``PIXELS_AT_ONCE``."""
    missing = -len(pixels) % PIXELS_AT_ONCE
    return np.pad(pixels, ((0, missing), (0, 0)), mode="edge") if missing and len(pixels) else pixels


def _only_what_is_asked_for() -> ort.RunOptions:
    """Without it ONNX Runtime also computes outputs that are thrown away."""
    options = ort.RunOptions()
    options.only_execute_path_to_fetches = True
    return options
