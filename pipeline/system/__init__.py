"""The machine: CUDA devices, processor and memory, cache folders, and the import of ONNX Runtime."""
