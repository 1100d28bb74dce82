"""The CPU backend: ONNX Runtime or OpenVINO between NumPy conversions."""
