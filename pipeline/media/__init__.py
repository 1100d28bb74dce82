"""Containers and codecs, through PyAV: reading, decoding, encoding and writing."""
