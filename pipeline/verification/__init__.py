"""Verification that an output is complete: all frames, in order, with the right times and colours, and all streams."""
