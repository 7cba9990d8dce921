"""Torch to ONNX, and the check that both say the same."""

import io
import warnings
from collections.abc import Mapping, Sequence

import numpy as np
import onnx
import torch
from torch import Tensor, nn

from unmixing.errors import ModelParityError
from unmixing.inference.runtime import LAYERS, OUTPUTS, STATE, ModelRunner
from unmixing.networks.export.graph import Half, UnmixingGraph
from unmixing.networks.export.state import with_optional_state
from unmixing.types import Float32

MAX_PARITY_ERROR = 1e-4
OPSET = 18

PER_PIXEL = {"sample": {0: "n_sample"}, **{name: {0: "n_pixels"} for name in ("pixels", *OUTPUTS[1:])}}


def export_onnx(graph: nn.Module, sample: Float32) -> bytes:
    """The graph as ONNX with a dynamic number of pixels in ``sample`` and in ``pixels``.

    An ``UnmixingGraph`` gets the optional input ``layers`` and the output that belongs there, so that the sample is
    looked at once and any number of blocks follow. sample: (n_pixels, n_bands), an example of the input.
    """
    graph.eval()
    example = torch.from_numpy(np.ascontiguousarray(sample))
    inputs = {"sample": example[: max(1, len(example) // 2)], "pixels": example}
    with torch.no_grad():
        outputs = OUTPUTS[: len(graph(example[:1], example[:1]))]
        if isinstance(graph, UnmixingGraph):
            layers = graph.prepare(example)
            prepare = _traced(Half(graph, graph.prepare), {"sample": inputs["sample"]}, [LAYERS])
            unmix = _traced(Half(graph, graph.unmix), {"pixels": example, LAYERS: layers}, outputs)
            model = with_optional_state(prepare, unmix, STATE, tuple(layers.shape))
        else:
            model = _traced(graph, inputs, outputs)
    _declare_inputs(model, inputs)
    onnx.checker.check_model(model)
    content: bytes = model.SerializeToString()
    return content


def _traced(graph: nn.Module, inputs: Mapping[str, Tensor], outputs: Sequence[str]) -> onnx.ModelProto:
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
            output_names=list(outputs),
            dynamic_axes={name: axes for name, axes in PER_PIXEL.items() if name in {*inputs, *outputs}},
        )
    return onnx.load_model_from_string(target.getvalue())


def _declare_inputs(model: onnx.ModelProto, examples: Mapping[str, Tensor]) -> None:
    """Put the inputs in the order of ``examples``, and in front, those included that nothing depends on: the exporter
    leaves them out, but whoever runs a model should not have to know which kind it is."""
    others = [entry for entry in model.graph.input if entry.name not in examples]
    declared = []
    for name, example in examples.items():
        shape = [PER_PIXEL[name].get(axis, length) for axis, length in enumerate(example.shape)]
        declared.append(onnx.helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, shape))
    del model.graph.input[:]
    model.graph.input.extend([*declared, *others])


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
