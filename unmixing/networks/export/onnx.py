"""Torch to ONNX, and the check that both say the same."""

import io
import warnings
from collections.abc import Mapping

import numpy as np
import onnx
import torch
from torch import Tensor, nn

from unmixing.errors import ModelParityError
from unmixing.inference.runtime import LAYERS, OUTPUTS, ModelRunner
from unmixing.networks.export.graph import UnmixingGraph, UnmixingParts
from unmixing.types import Float32

MAX_PARITY_ERROR = 1e-4
OPSET = 18

PER_PIXEL = {"sample": {0: "n_sample"}, **{name: {0: "n_pixels"} for name in ("pixels", *OUTPUTS[1:])}}


def export_onnx(graph: nn.Module, sample: Float32) -> bytes:
    """The graph as ONNX with a dynamic number of pixels in ``sample`` and in ``pixels``.

    An ``UnmixingGraph`` gets the third input ``layers``, and the output ``LAYERS`` that belongs there.
    sample: (n_pixels, n_bands), an example of the input.
    """
    graph.eval()
    example = torch.from_numpy(np.ascontiguousarray(sample))
    inputs = {"sample": example[: max(1, len(example) // 2)], "pixels": example}
    with torch.no_grad():
        outputs = OUTPUTS[: len(graph(example[:1], example[:1]))]
        if isinstance(graph, UnmixingGraph):
            inputs["layers"] = graph.look(example)[1]
            graph, outputs = UnmixingParts(graph), [*outputs, LAYERS]
    target = io.BytesIO()
    with warnings.catch_warnings():
        # The tracing exporter is marked as deprecated; it takes 0.3 s where its successor takes 8.
        warnings.simplefilter("ignore")
        torch.onnx.export(
            graph,
            tuple(inputs.values()),
            target,  # type: ignore[arg-type]  # the tracing exporter writes to buffers too
            dynamo=False,
            opset_version=OPSET,
            input_names=list(inputs),
            output_names=outputs,
            dynamic_axes={name: axes for name, axes in PER_PIXEL.items() if name in {*inputs, *outputs}},
        )
    content = _with_all_inputs(target.getvalue(), inputs)
    onnx.checker.check_model(content)
    return content


def _with_all_inputs(content: bytes, examples: Mapping[str, Tensor]) -> bytes:
    """The model also with those inputs that nothing depends on: the exporter leaves them out, but whoever runs a
    model should not have to know which kind it is."""
    model = onnx.load_model_from_string(content)
    present = {entry.name: entry for entry in model.graph.input}
    if len(present) == len(examples):
        return content
    del model.graph.input[:]
    for name, example in examples.items():
        shape = [PER_PIXEL.get(name, {}).get(axis, length) for axis, length in enumerate(example.shape)]
        missing = onnx.helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, shape)
        model.graph.input.append(present.get(name, missing))
    extended: bytes = model.SerializeToString()
    return extended


def parity_error(graph: nn.Module, runner: ModelRunner, sample: Float32) -> float:
    """Largest relative difference between PyTorch and ONNX Runtime over all outputs on ``sample``."""
    with torch.no_grad():
        expected = graph(torch.from_numpy(sample), torch.from_numpy(sample))
    actual = runner.run(sample, sample)
    found = (actual.endmembers, actual.abundances, actual.brightness, actual.uncertainty)
    pairs = zip(expected, (array for array in found if array is not None), strict=True)
    errors = [np.abs(e.numpy() - a).max() / max(1e-12, float(np.abs(e.numpy()).max())) for e, a in pairs]
    return float(max(errors))


def require_parity(error: float) -> None:
    """Raises ModelParityError when ONNX Runtime and PyTorch differ by more than MAX_PARITY_ERROR."""
    if not error <= MAX_PARITY_ERROR:
        raise ModelParityError(
            f"ONNX Runtime and PyTorch differ by {error:.2e}; a model may be stored up to {MAX_PARITY_ERROR:.0e}"
        )
