"""Threads and channels; knows nothing of video."""
