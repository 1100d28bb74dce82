"""Encoding: frames to packets."""
