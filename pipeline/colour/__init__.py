"""Colour conversion in NumPy: the CPU's path between samples and RGB, and in float64 the oracle of the CUDA kernels."""
