"""Durable segments of encoded video: files that hold packets, complete or not at all."""
