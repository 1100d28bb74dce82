"""Colour in NumPy: the CPU's way from samples to RGB and back, and in float64 the oracle of the CUDA kernels."""
