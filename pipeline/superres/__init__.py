"""Upscaling of frames: sessions that run a network on a GPU or on the CPU."""
