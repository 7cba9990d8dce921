"""Two ONNX graphs as one model: what the first finds in a sample, the second takes, unless the caller gives it."""

from collections.abc import Sequence

import numpy as np
import onnx
from onnx import helper, numpy_helper


def with_optional_state(
    prepare: onnx.ModelProto, unmix: onnx.ModelProto, name: str, shape: Sequence[int]
) -> onnx.ModelProto:
    """``unmix`` behind ``prepare``, whose only output it takes, with one more input ``name`` of this ``shape``.

    The input has zeros as its default. All zeros stand for "not given": then ``prepare`` runs; otherwise what is given
    takes its place and ``prepare`` is not run, which is what makes many blocks of one image cheap. The state that was
    used is an output of the model.
    """
    [state] = prepare.graph.output
    prefix = f"{name}/"
    # Names of the two graphs must not meet; the inputs of the first are those of the whole.
    inner = onnx.compose.add_prefix(prepare, prefix, rename_inputs=False).graph
    found = helper.make_graph(inner.node, f"{prefix}found", [], inner.output, inner.initializer)
    given_output = helper.make_tensor_value_info(f"{prefix}given", onnx.TensorProto.FLOAT, shape)
    given = helper.make_graph(
        [helper.make_node("Identity", [name], [given_output.name])], f"{prefix}as_given", [], [given_output]
    )
    nodes = [
        helper.make_node("Abs", [name], [f"{prefix}sizes"]),
        helper.make_node("ReduceMax", [f"{prefix}sizes"], [f"{prefix}largest"], keepdims=0),
        helper.make_node("Greater", [f"{prefix}largest", f"{prefix}zero"], [f"{prefix}is_given"]),
        helper.make_node("If", [f"{prefix}is_given"], [state.name], then_branch=given, else_branch=found),
    ]
    graph = helper.make_graph(
        [*nodes, *unmix.graph.node],
        unmix.graph.name,
        [
            *(entry for entry in unmix.graph.input if entry.name != state.name),
            helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, shape),
        ],
        [*unmix.graph.output, state],
        [
            *unmix.graph.initializer,
            numpy_helper.from_array(np.zeros(shape, dtype=np.float32), name),
            numpy_helper.from_array(np.array(0.0, dtype=np.float32), f"{prefix}zero"),
        ],
    )
    return helper.make_model(graph, opset_imports=unmix.opset_import, ir_version=unmix.ir_version)
