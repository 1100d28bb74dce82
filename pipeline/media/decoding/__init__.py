"""Decoding: from packets to the frames that the upscaler gets."""
