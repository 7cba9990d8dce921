"""Writes the manifest of a model into the ONNX file itself."""

import onnx

from unmixing.manifest import METADATA_KEY, ModelManifest


def with_manifest(content: bytes, manifest: ModelManifest) -> bytes:
    """The ONNX file ``content`` with ``manifest`` in its metadata, in the place of one that is there already.

    The graph is left as it is, and other metadata too.
    """
    model = onnx.load_model_from_string(content)
    others = {entry.key: entry.value for entry in model.metadata_props if entry.key != METADATA_KEY}
    onnx.helper.set_model_props(model, {**others, METADATA_KEY: manifest.model_dump_json()})
    described: bytes = model.SerializeToString()
    return described
