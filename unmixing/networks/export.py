"""Torch to ONNX, and the check that both say the same."""

import io
import warnings

import numpy as np
import onnx
import torch
from torch import nn

from unmixing.errors import ModelParityError
from unmixing.runtime import OUTPUTS, ModelRunner
from unmixing.types import Float32

MAX_PARITY_ERROR = 1e-4
OPSET = 18


def export_onnx(graph: nn.Module, sample: Float32) -> bytes:
    """The graph as ONNX with a dynamic number of pixels in ``sample`` and in ``pixels``.

    sample: (n_pixels, n_bands), an example of the input.
    """
    graph.eval()
    example = torch.from_numpy(np.ascontiguousarray(sample))
    with torch.no_grad():
        outputs = OUTPUTS[: len(graph(example[:1], example[:1]))]
    target = io.BytesIO()
    with warnings.catch_warnings():
        # The tracing exporter is marked as deprecated; it takes 0.3 s where its successor takes 8.
        warnings.simplefilter("ignore")
        torch.onnx.export(
            graph,
            (example[: max(1, len(example) // 2)], example),
            target,  # type: ignore[arg-type]  # the tracing exporter writes to buffers too
            dynamo=False,
            opset_version=OPSET,
            input_names=["sample", "pixels"],
            output_names=outputs,
            dynamic_axes={"sample": {0: "n_sample"}} | {name: {0: "n_pixels"} for name in ("pixels", *outputs[1:])},
        )
    content = _with_both_inputs(target.getvalue())
    onnx.checker.check_model(content)
    return content


def _with_both_inputs(content: bytes) -> bytes:
    """The model with the input ``sample`` also where nothing depends on it: the exporter leaves such inputs out, but
    whoever runs a model should not have to know which kind it is."""
    model = onnx.load_model_from_string(content)
    if len(model.graph.input) == 2:
        return content
    (pixels,) = model.graph.input
    n_bands = pixels.type.tensor_type.shape.dim[1].dim_value
    sample = onnx.helper.make_tensor_value_info("sample", onnx.TensorProto.FLOAT, ["n_sample", n_bands])
    model.graph.input.insert(0, sample)
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
