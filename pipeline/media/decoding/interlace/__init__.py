"""Interlaced video: detection, the decision what to do about it, and deinterlacing."""
