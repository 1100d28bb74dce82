"""Comparison of networks on a piece of a video, or of finished files: figures, and a page to look at them."""
