"""TensorRT: its two libraries, engines and their cache, and the networks that run them."""
