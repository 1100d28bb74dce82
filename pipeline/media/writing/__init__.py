"""Writes packets into outputs: containers, images, pipes; chooses encoders, and decides how each stream is written."""
