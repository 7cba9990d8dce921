"""A stored ONNX model on blocks of pixels: no torch, memory set by the block."""
