"""A model whose endmembers come out in another order."""

import numpy as np
import onnx
from numpy.typing import NDArray

from unmixing.inference.runtime import OUTPUTS
from unmixing.manifest import ModelManifest
from unmixing.networks.export.metadata import with_manifest

ENDMEMBER_AXIS = {OUTPUTS[0]: 0, OUTPUTS[1]: 1, OUTPUTS[3]: 1}
"""Which axis of an output counts endmembers: of the endmembers, the abundances and their uncertainty."""


def reordered(content: bytes, order: NDArray[np.intp], manifest: ModelManifest) -> bytes:
    """The model in ``content`` with endmember k being the one that was ``order[k]``, described by ``manifest``."""
    model = onnx.load_model_from_string(content)
    graph = model.graph
    graph.initializer.append(onnx.numpy_helper.from_array(order.astype(np.int64), "endmember_order"))
    present = {output.name for output in graph.output}
    for name, axis in ENDMEMBER_AXIS.items():
        if name not in present:
            continue
        own = f"{name}_in_own_order"
        for node in graph.node:
            for field in (node.input, node.output):
                for index, value in enumerate(field):
                    if value == name:
                        field[index] = own
        graph.node.append(onnx.helper.make_node("Gather", [own, "endmember_order"], [name], axis=axis))
    onnx.checker.check_model(model)
    return with_manifest(model.SerializeToString(), manifest)
