"""Everything between two Frames: sessions that upscale, on a GPU or a CPU."""
