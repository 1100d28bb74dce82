"""The GPU backend: TensorRT between CUDA kernels, with copies and compute overlapped."""
