"""Reads a trained model from the bytes of its ONNX file, with ONNX Runtime alone."""

import onnxruntime as ort
from pydantic import ValidationError

from unmixing.errors import ModelFormatError
from unmixing.manifest import METADATA_KEY, ModelManifest
from unmixing.types import TrainedModel


def read_model(onnx: bytes, name: str = "model.onnx") -> TrainedModel:
    """The model in ``onnx``, described by the manifest in the file's own metadata.

    name: what to call the file in an error. Raises ModelFormatError for bytes that are no ONNX, and for a model without
    a manifest that this version can read.
    """
    options = ort.SessionOptions()
    options.log_severity_level = 4
    options.graph_optimization_level = ort.GraphOptimizationLevel.ORT_DISABLE_ALL
    try:
        session = ort.InferenceSession(onnx, options, providers=["CPUExecutionProvider"])
    # ONNX Runtime's errors have no class of their own above Exception.
    except Exception as error:
        raise ModelFormatError(f"{name} is no ONNX model that can be run ({error})") from error
    text = session.get_modelmeta().custom_metadata_map.get(METADATA_KEY)
    if text is None:
        raise ModelFormatError(f"{name} is an ONNX model without a manifest ({METADATA_KEY!r}); use one made here")
    try:
        return TrainedModel(onnx, ModelManifest.model_validate_json(text))
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        raise ModelFormatError(f"the manifest in {name} cannot be read: {where}: {first['msg']}") from error
