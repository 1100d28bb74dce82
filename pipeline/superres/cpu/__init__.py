"""The CPU backend: ONNX Runtime between NumPy conversions."""
