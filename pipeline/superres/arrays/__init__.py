"""Upscaling of arrays: NumPy images, frames, and images in GPU memory, for programs that have their own frames."""
