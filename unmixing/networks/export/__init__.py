"""From a trained network to ONNX, checked against ONNX Runtime."""
